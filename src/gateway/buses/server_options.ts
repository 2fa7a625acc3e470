/** How a bus reaches its server, whichever that is. `nats_options.ts` and `redis_options.ts` add what is their own. */
import type { Clock } from "../../core/time/clock.ts";
import type { DurationInput } from "../../core/time/duration.ts";
import type { Logger } from "../../core/logger.ts";
import type { SizeInput } from "../../core/text/size.ts";
import type { HandlerErrors } from "./subscriptions.ts";

/** Settings of every bus with a server. */
export interface ServerOptions {
  /** What the server's list of clients calls this one. @default "millrace" */
  readonly name?: string | undefined;
  /** A user of the server. @default none, or the server's own default */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** TLS; certificates and keys as PEM text. @default where the server, or its URL, asks for it */
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
  /** Receives log records, such as of a server that is lost and found again. @default none */
  readonly logger?: Logger | undefined;
  /** Clock for waits, for tests. @default the system's */
  readonly clock?: Clock | undefined;
}
