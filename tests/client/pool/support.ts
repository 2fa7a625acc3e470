// A pool at a place of test: over servers that stand there, closed when the test is over.
import { type Balancer, balancer } from "../../../src/client/pool/balancer.ts";
import type { BalancerOptions } from "../../../src/client/pool/balancer_options.ts";
import type { Borrowed } from "../../../src/client/pool/lease.ts";
import { pool } from "../../../src/client/pool/pool.ts";
import type { PoolOptions } from "../../../src/client/pool/pool_options.ts";
import type { Pool } from "../../../src/client/pool/users_pool.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import type { Server } from "../../../src/server/server.ts";
import type { Place } from "../../support/server.ts";

export const utf8: Framing<string> = lines({ encoding: "utf-8" });
export type Given = Partial<PoolOptions<string>>;
export type Lent = Borrowed<string>;

/** Answers with its name and the line. */
export function named(place: Place, name: string, port = 0): Promise<Server<string>> {
  return place.serve({
    framing: utf8,
    port,
    onFrame: (line, connection) => connection.send(`${name} ${line}`),
  });
}

export async function poolAt(
  place: Place,
  servers: readonly Pick<Server<string>, "address">[],
  given: Given = {},
): Promise<Pool<string>> {
  const targets = servers.map(({ address }) => address);
  const { adapter, clock } = place;
  const made = await place.drive(
    pool({ targets, framing: utf8, adapter, clock, ...given } as PoolOptions<string>),
  );
  place.atEnd(() => place.drive(made.close({ deadline: 0 })));
  return made;
}

export async function balancerAt(
  place: Place,
  servers: readonly Pick<Server<string>, "address">[],
  given: Partial<BalancerOptions<string>> = {},
): Promise<Balancer<string>> {
  const targets = servers.map(({ address }) => address);
  const { adapter, clock } = place;
  const made = await place.drive(
    balancer({ targets, framing: utf8, adapter, clock, ...given } as BalancerOptions<string>),
  );
  place.atEnd(() => place.drive(made.close({ deadline: 0 })));
  return made;
}

/** A line and its answer. */
export async function ask(
  { connection }: Pick<Lent, "connection">,
  line: string,
): Promise<string | undefined> {
  await connection.send(line);
  for await (const answer of connection) return answer;
  return undefined;
}
