/** `reconnect`: a client that connects again and again, behind plain promises. */
import { onFirstUse } from "../../core/loading.ts";
import type { ReconnectOptions } from "./reconnect_options.ts";
import { ClientFace } from "./client_face.ts";
import { Reconnecting } from "./reconnecting.ts";
import type { ReconnectingClient } from "./reconnecting_client.ts";

/** Effect is most of what there is to load; a client is there before its first connection. */
const load = onFirstUse(() => import("./start_dialling.ts"));

/**
 * Returns a client at once, which connects, and connects again after each failure and each end of a connection, after
 * waits that grow and are partly left to chance. Frames that are sent meanwhile are queued, within bounds.
 *
 * @example A client that survives a restart of its server
 * ```ts
 * import { lines, serve } from "@millrace/millrace";
 * import { reconnect } from "@millrace/millrace/client";
 *
 * const framing = lines({ encoding: "utf-8" });
 * await using server = await serve({
 *   port: 0,
 *   framing,
 *   onFrame: (line, connection) => connection.send(`got ${line}`),
 * });
 *
 * await using client = reconnect({
 *   address: server.address,
 *   framing,
 *   reconnect: { initial: "500ms", max: "1 minute" },
 * });
 * client.send("hello"); // sent as soon as there is a connection
 * for await (const line of client) {
 *   console.log(line); // got hello
 *   break;
 * }
 * ```
 *
 * @throws {OptionsError} `invalid`; options that only this runtime cannot meet make the client give up
 */
export function reconnect<Received, Sent = Received, Context = undefined>(
  options: ReconnectOptions<Received, Sent, Context>,
): ReconnectingClient<Received, Sent, Context> {
  const client = new Reconnecting(options);
  load().then(({ startDialling }) => startDialling(client), (error: unknown) => {
    client.goOn(client.failed(error), undefined);
    client.over();
  });
  return new ClientFace(client);
}
