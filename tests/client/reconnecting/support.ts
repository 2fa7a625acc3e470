/** Reconnecting clients that are quiet and gone at the end of their test. */
import type { TestContext } from "node:test";
import { reconnect } from "../../../src/client/reconnecting/reconnect.ts";
import type { ReconnectOptions } from "../../../src/client/reconnecting/reconnect_options.ts";
import type { ReconnectingClient } from "../../../src/client/reconnecting/reconnecting_client.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import type { Place } from "../../support/server.ts";

export const framing: Framing<string> = lines({ encoding: "utf-8" });

/** What a test says of a client; the place of the test has the sockets and the clock. */
export type Given = Partial<ReconnectOptions<string>> & { readonly port: number };

/** A client in this place. */
export function clientIn(t: TestContext, place: Place, options: Given): ReconnectingClient<string> {
  const { adapter, clock } = place;
  const given = { framing, logger: () => {}, adapter, clock, ...options } as ReconnectOptions<string>;
  const client = reconnect<string>(given);
  t.after(() => client.destroy());
  place.atEnd(() => {
    client.destroy();
    return place.drive(client.finished);
  });
  return client;
}

export function portOf({ address }: { readonly address: { readonly transport: string } }): number {
  return (address as unknown as { readonly port: number }).port;
}
