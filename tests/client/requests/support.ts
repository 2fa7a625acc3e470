/** A client of requests and a peer that answers by hand. */
import type { TestContext } from "node:test";
import type { RequestClient } from "../../../src/client/requests/request_client.ts";
import type { RequestsOptions } from "../../../src/client/requests/request_options.ts";
import { requests } from "../../../src/client/requests/requests.ts";
import { RequestError } from "../../../src/client/requests/request_error.ts";
import type { ConnectOptions } from "../../../src/client/connect_options.ts";
import type { Connection } from "../../../src/connection/connection.ts";
import type { Framing } from "../../../src/core/framing/framing.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import type { MemoryOptions } from "../../../src/adapters/memory/adapter.ts";
import { Virtual } from "../../support/server.ts";

export const utf8: Framing<string> = lines({ encoding: "utf-8" });
export type Text = Connection<string>;

/** Both ends; `asked` is what the peer was sent. */
export interface Pair {
  readonly place: Virtual;
  readonly client: RequestClient<string>;
  readonly connection: Text;
  readonly peer: Text;
  readonly asked: string[];
}

/** A client of requests to a server that answers nothing by itself. */
export async function pair(
  t: TestContext,
  options: RequestsOptions<string> = {},
  given: Partial<ConnectOptions<string>> & { readonly memory?: Omit<MemoryOptions, "clock"> } = {},
): Promise<Pair> {
  const { memory, ...connecting } = given;
  const place = new Virtual(t, memory);
  const asked: string[] = [];
  const server = await place.serve({ framing: utf8, onFrame: (line) => void asked.push(line) });
  const connection = await place.connect<string>(
    server,
    { framing: utf8, ...connecting } as { framing: typeof utf8 },
  );
  await place.settle();
  const [peer] = server.connections.values();
  return { place, client: requests(connection, options), connection, peer: peer!, asked };
}

/** What came of each: the reply, or the reason and what is known of the sending. */
export async function outcomes(place: Virtual, given: readonly Promise<string>[]): Promise<string[]> {
  const told = given.map((one) =>
    one.catch((error: unknown) => {
      if (error instanceof RequestError) return `${error.reason} ${error.sent}`;
      return (error as Error).name;
    })
  );
  return await place.drive(Promise.all(told));
}
