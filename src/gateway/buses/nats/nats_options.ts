/** How a bus reaches its NATS server, as users say it. */
import type { ServerOptions } from "../server_options.ts";

/** Settings of {@linkcode natsBus}, and of {@linkcode jetStreamBus} as far as the server is concerned. */
export interface NatsOptions extends ServerOptions {
  /** Servers of one cluster, such as `nats://127.0.0.1:4222`. @default "nats://127.0.0.1:4222" */
  readonly servers?: string | readonly string[] | undefined;
  /** A token. @default none */
  readonly token?: string | undefined;
  /** The text of a credentials file (a user's JWT and its seed). @default none */
  readonly credentials?: string | undefined;
}
