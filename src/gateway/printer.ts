/** Frames as lines of JSON on standard output, for endpoints with `print`. A slow reader slows the frames down. */
import type { Clock } from "../core/time/clock.ts";
import type { MillraceError } from "../core/errors.ts";
import type { TextOutput } from "../host/standard_output.ts";
import type { Bus, BusMessage, BusSubscription, SubscribeOptions } from "./buses/bus.ts";
import type { EndpointSettings } from "./config/endpoint_config.ts";
import { BusError } from "./errors.ts";
import { LineWriter } from "./line_writer.ts";
import { frameLine } from "./message_line.ts";
import { subjectPattern } from "./traffic/subject_template.ts";

/** Prints the frames of some endpoints. */
export class Printer {
  /** Resolves, if ever, when nobody reads the output any more. */
  readonly failed: Promise<MillraceError>;
  readonly #writer: LineWriter;
  readonly #subscriptions: readonly BusSubscription[];

  constructor(
    bus: Bus,
    endpoints: readonly EndpointSettings[],
    output: TextOutput,
    clock: Clock,
    queue: SubscribeOptions,
  ) {
    let fail!: (error: MillraceError) => void;
    this.failed = new Promise((resolve) => fail = resolve);
    this.#writer = new LineWriter(output, clock, (cause) => {
      const text = "print frames: the reader of standard output is gone; read it, or leave print out";
      fail(new BusError("disconnected", text, { cause }));
    });
    // Others, which are not to be printed, may publish under the same subject.
    const names = new Set(endpoints.map(({ name }) => name));
    const print = (message: BusMessage): void | Promise<void> => {
      if (names.has(message.metadata["endpoint"] ?? "")) return this.#writer.write(frameLine(message));
    };
    const patterns = endpoints.map(({ subjects, name, node }) =>
      subjectPattern(subjects.ingress, { endpoint: name, ...(node !== undefined && { node }) })
    );
    this.#subscriptions = [...new Set(patterns)].map((pattern) => bus.subscribe(pattern, print, queue));
  }

  /** Frames accepted that nobody has read so far. */
  get linesUnwritten(): number {
    return this.#writer.linesUnwritten;
  }

  /** Writes what there is, then prints no more. */
  async close(): Promise<void> {
    await this.#writer.flush();
    await Promise.all(this.#subscriptions.map((subscription) => subscription.close()));
  }
}
