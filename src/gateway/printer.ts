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
  readonly #bus: Bus;
  readonly #queue: SubscribeOptions;
  readonly #makeWriter: () => LineWriter;
  #writer: LineWriter | undefined = undefined;
  #names: ReadonlySet<string> = new Set();
  readonly #subscriptions: Map<string, BusSubscription> = new Map();

  /** `output` is asked for once there is something to print. */
  constructor(bus: Bus, output: () => TextOutput, clock: Clock, queue: SubscribeOptions) {
    let fail!: (error: MillraceError) => void;
    this.failed = new Promise((resolve) => fail = resolve);
    this.#bus = bus;
    this.#queue = queue;
    this.#makeWriter = () =>
      new LineWriter(output(), clock, (cause) => {
        const text = "print frames: the reader of standard output is gone; read it, or leave print out";
        fail(new BusError("disconnected", text, { cause }));
      });
  }

  /** Prints the frames of those among these endpoints that are to be printed, and no others. */
  async print(endpoints: readonly EndpointSettings[]): Promise<void> {
    const printed = endpoints.filter(({ print }) => print);
    if (printed.length > 0) this.#writer ??= this.#makeWriter();
    this.#names = new Set(printed.map(({ name }) => name));
    const patterns = new Set(
      printed.map(({ subjects, name, node }) =>
        subjectPattern(subjects.ingress, { endpoint: name, ...(node !== undefined && { node }) })
      ),
    );
    for (const pattern of patterns) {
      if (this.#subscriptions.has(pattern)) continue;
      const subscription = this.#bus.subscribe(pattern, (message) => this.#print(message), this.#queue);
      this.#subscriptions.set(pattern, subscription);
    }
    const left = [...this.#subscriptions].filter(([pattern]) => !patterns.has(pattern));
    for (const [pattern] of left) this.#subscriptions.delete(pattern);
    await Promise.all(left.map(([, subscription]) => subscription.close()));
  }

  /** Frames accepted that nobody has read so far. */
  get linesUnwritten(): number {
    return this.#writer?.linesUnwritten ?? 0;
  }

  #print(message: BusMessage): void | Promise<void> {
    // Others, which are not to be printed, may publish under the same subject.
    if (this.#names.has(message.metadata["endpoint"] ?? "")) return this.#writer!.write(frameLine(message));
  }

  /** Writes what there is, then prints no more. */
  async close(): Promise<void> {
    await this.#writer?.flush();
    await Promise.all([...this.#subscriptions.values()].map((subscription) => subscription.close()));
  }
}
