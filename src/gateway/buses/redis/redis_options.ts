/** How a bus reaches its Redis server, and what it stores there, as users say it. */
import type { DurationInput } from "../../../core/time/duration.ts";
import type { ServerOptions } from "../server_options.ts";

/** Settings of {@linkcode redisBus}. */
export interface RedisOptions extends ServerOptions {
  /** The server, such as `redis://127.0.0.1:6379`, `rediss://` for TLS, `/2` behind it for a database. @default "redis://127.0.0.1:6379" */
  readonly url?: string | undefined;
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
}
