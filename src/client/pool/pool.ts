/** `pool`: connections that are kept and lent. What it lends is chosen by `lending_pool.ts`. */
import type { PoolOptions } from "./pool_options.ts";
import type { Pool } from "./users_pool.ts";
import { poolKeys, resolvePool } from "./pool_settings.ts";
import { start, type UncheckedStart } from "./start.ts";
import { LendingPool } from "./lending_pool.ts";

/**
 * A pool of connections: they are kept, lent to one borrower at a time, checked, and replaced. With several targets each
 * new connection goes to the one whose turn it is, and a target that fails is left alone for a while.
 *
 * @example Requests over at most four connections
 * ```ts
 * import { lines, serve } from "@millrace/millrace";
 * import { pool } from "@millrace/millrace/client";
 *
 * const framing = lines({ encoding: "utf-8" });
 * await using server = await serve({
 *   port: 0,
 *   framing,
 *   onFrame: (name, connection) => connection.send(`hello, ${name}`),
 * });
 * await using greeters = await pool({ targets: [server.address], framing, max: 4 });
 *
 * const greet = (name: string) =>
 *   greeters.use(async (connection) => {
 *     await connection.send(name);
 *     for await (const answer of connection) return answer;
 *     throw new Error("the server has ended the connection");
 *   });
 * console.log((await Promise.all(["Ada", "Grace"].map(greet))).join()); // hello, Ada,hello, Grace
 * ```
 *
 * @throws {OptionsError} before any socket opens
 */
export async function pool<Received, Sent = Received, Context = undefined>(
  options: PoolOptions<Received, Sent, Context>,
): Promise<Pool<Received, Sent, Context>> {
  const base = await start(
    options as unknown as UncheckedStart<Received, Sent, Context>,
    poolKeys,
    ["every", "timeout", "test", "onBorrow"],
    (check) => resolvePool(check, options),
    options.setup,
  );
  return new LendingPool(base);
}
