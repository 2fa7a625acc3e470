/** Which stream stores a bus's messages, as users say it. */
import type { DurationInput } from "../../../core/time/duration.ts";
import type { SizeInput } from "../../../core/text/size.ts";
import type { NatsOptions } from "./nats_options.ts";

/** Settings of {@linkcode jetStreamBus}. */
export interface JetStreamOptions extends NatsOptions {
  /** Name of the stream. @default "millrace" */
  readonly stream?: string | undefined;
  /**
   * Creates the stream if there is none; with `false` a missing stream is an error. An existing stream is used as it is.
   * @default true
   */
  readonly create?: boolean | undefined;
  /** Subjects that a created stream stores. @default ["millrace.*.in.>"] */
  readonly subjects?: readonly string[] | undefined;
  /** Where a created stream is kept. @default "file" */
  readonly storage?: "file" | "memory" | undefined;
  /** Servers that keep a copy of a created stream. @default 1 */
  readonly replicas?: number | undefined;
  /** How long a created stream keeps messages. @default without limit */
  readonly maxAge?: DurationInput | undefined;
  /** Bytes that a created stream keeps; then it takes no more, and reading from sockets stops. @default without limit */
  readonly maxBytes?: SizeInput | undefined;
  /**
   * How long a created stream knows the ids of messages. After a longer outage the bus asks for the last message of each
   * connection, which needs the connection's id in the subject. @default "2 minutes"
   */
  readonly duplicateWindow?: DurationInput | undefined;
}
