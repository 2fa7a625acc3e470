/** How a bus reaches its NATS server, as users say it. */
import type { Clock } from "../../../core/time/clock.ts";
import type { DurationInput } from "../../../core/time/duration.ts";
import type { Logger } from "../../../core/logger.ts";
import type { SizeInput } from "../../../core/text/size.ts";
import type { HandlerErrors } from "../subscriptions.ts";

/** Settings of {@linkcode natsBus}, and of {@linkcode jetStreamBus} as far as the server is concerned. */
export interface NatsOptions {
  /** Servers of one cluster, such as `nats://127.0.0.1:4222`. @default "nats://127.0.0.1:4222" */
  readonly servers?: string | readonly string[] | undefined;
  /** What the server's monitoring calls this client. @default "millrace" */
  readonly name?: string | undefined;
  /** User and password. @default none */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** A token. @default none */
  readonly token?: string | undefined;
  /** The text of a credentials file (a user's JWT and its seed). @default none */
  readonly credentials?: string | undefined;
  /** TLS is required; certificates and keys as PEM text. @default where the server asks for it */
  readonly tls?:
    | true
    | {
      readonly ca?: string | undefined;
      readonly cert?: string | undefined;
      readonly key?: string | undefined;
    }
    | undefined;
  /** How long the first connection may take, all attempts together. @default "10 seconds" */
  readonly connectTimeout?: DurationInput | undefined;
  /** Time between attempts to connect again, which never end. @default "1 second" */
  readonly reconnectWait?: DurationInput | undefined;
  /** Messages that may wait to be confirmed before publishers wait. @default 1024 */
  readonly maxPending?: number | undefined;
  /** Payload bytes that may. @default "8 MiB" */
  readonly maxPendingBytes?: SizeInput | undefined;
  /** Hears what a handler threw or rejected with; the bus continues. @default only counted */
  readonly onHandlerError?: HandlerErrors | undefined;
  /** Receives log records: servers lost and found again. @default none */
  readonly logger?: Logger | undefined;
  /** Clock for waits, for tests. @default the system's */
  readonly clock?: Clock | undefined;
}
