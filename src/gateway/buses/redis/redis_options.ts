/** How a bus reaches its Redis server, and what it stores there, as users say it. */
import type { Logger } from "../../../core/logger.ts";
import type { SizeInput } from "../../../core/text/size.ts";
import type { Clock } from "../../../core/time/clock.ts";
import type { DurationInput } from "../../../core/time/duration.ts";
import type { HandlerErrors } from "../subscriptions.ts";

/** Settings of {@linkcode redisBus}. */
export interface RedisOptions {
  /** The server, such as `redis://127.0.0.1:6379`, `rediss://` for TLS, `/2` behind it for a database. @default "redis://127.0.0.1:6379" */
  readonly url?: string | undefined;
  /** What `CLIENT LIST` calls this client. @default "millrace" */
  readonly name?: string | undefined;
  /** A user of the server's ACL. @default the server's own default */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** TLS; certificates and keys as PEM text. @default only with `rediss://` */
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
  /**
   * Subjects whose messages are stored, each in a stream that is named like the part of the subject before the place of
   * `>`. Others go to channels. @default ["millrace.*.in", "millrace.*.in.>"]
   */
  readonly subjects?: readonly string[] | undefined;
  /** Messages that a stream keeps, at least; older ones are removed. `Infinity` keeps all. @default 1,000,000 */
  readonly maxLength?: number | undefined;
  /**
   * How long the server knows what it has of this bus. After a longer outage, what was on its way when it began may be
   * stored twice. @default "1 day"
   */
  readonly duplicateWindow?: DurationInput | undefined;
  /** Hears what a handler threw or rejected with; the bus continues. @default only counted */
  readonly onHandlerError?: HandlerErrors | undefined;
  /** Receives log records. @default none */
  readonly logger?: Logger | undefined;
  /** Clock for waits, for tests. @default the system's */
  readonly clock?: Clock | undefined;
}
