/**
 * The bus of a pipe: every message published is a line of JSON on standard output, every line of standard
 * input is a message for the subscriptions here. Nothing goes out and comes back.
 *
 * Used by the gateway, for workers in any language: `millrace gateway g.yaml <answers | worker >answers`.
 */
import { refused } from "../../core/deferred.ts";
import { type Clock, systemClock } from "../../core/time/clock.ts";
import { type DurationInput, toMilliseconds } from "../../core/time/duration.ts";
import { type MillraceError, socketErrorFrom } from "../../core/errors.ts";
import { lines } from "../../core/framing/lines.ts";
import { stoppableDecoder } from "../../core/framing/piecewise_decoder.ts";
import type { TextOutput } from "../../host/standard_output.ts";
import type { ByteInput } from "../../host/standard_input.ts";
import { BusError, closedError } from "../errors.ts";
import { LineWriter } from "../line_writer.ts";
import { messageLine, readMessageLine } from "../message_line.ts";
import type { Bus, BusHandler, BusMessage, BusStats, BusSubscription, SubscribeOptions } from "./bus.ts";
import { memoryBus } from "./memory_bus.ts";
import { requestOver, requestTimeout } from "./request.ts";
import { checkSubject } from "./subject.ts";

/** Settings of {@linkcode stdioBus}. */
interface StdioBusOptions {
  /** Where messages go. */
  readonly output: TextOutput;
  /** Where messages come from. */
  readonly input: ByteInput;
  /** The longest line of input, in bytes; a longer one is skipped and counted. @default 16 MiB */
  readonly maxLineBytes?: number | undefined;
  /** Hears of each line that is no message; it is skipped and counted. */
  readonly onRefused?: ((reason: string) => void) | undefined;
  /** Hears what a handler threw or rejected with. */
  readonly onHandlerError?: ((error: unknown, message: BusMessage) => void) | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
}

/** A bus that knows what its output has not taken. */
export interface LineBus extends Bus {
  /** Messages published that nobody has read so far. */
  readonly linesUnwritten: number;
}

/** A bus over lines of JSON. Reading begins with the first subscription. */
export function stdioBus(options: StdioBusOptions): LineBus {
  return new StdioBus(options);
}

class StdioBus implements LineBus {
  readonly name = "stdio";
  readonly failed: Promise<MillraceError>;

  readonly #writer: LineWriter;
  readonly #clock: Clock;
  readonly #options: StdioBusOptions;
  /** What came in goes through here to the subscriptions. */
  readonly #inside: Bus;
  #input: AsyncIterator<Uint8Array> | undefined = undefined;
  #closed = false;
  #refused = 0;

  constructor(options: StdioBusOptions) {
    const { clock = systemClock, onHandlerError } = options;
    this.#options = options;
    this.#clock = clock;
    this.#inside = memoryBus({ clock, onHandlerError });
    let fail!: (error: MillraceError) => void;
    this.failed = new Promise((resolve) => fail = resolve);
    this.#writer = new LineWriter(options.output, clock, (cause) => {
      const text = "write to standard output: its reader is gone; messages can no longer be published";
      fail(new BusError("disconnected", text, { cause }));
    });
  }

  publish(message: BusMessage): void | Promise<void> {
    checkSubject(message.subject);
    if (this.#closed) {
      return refused(closedError(`publish to ${message.subject}`));
    }
    return this.#writer.write(messageLine(message));
  }

  subscribe(pattern: string, handler: BusHandler, options?: SubscribeOptions): BusSubscription {
    const subscription = this.#inside.subscribe(pattern, handler, options);
    if (this.#input === undefined) {
      this.#input = this.#options.input[Symbol.asyncIterator]();
      // Subscriptions made in the same turn should be there when the first line is read.
      this.#clock.endOfTurn(() => void this.#read());
    }
    return subscription;
  }

  // deno-lint-ignore require-await -- what it throws at once should reject
  async request(
    message: Omit<BusMessage, "reply">,
    options: { readonly timeout?: DurationInput | undefined } = {},
  ): Promise<BusMessage> {
    const timeout = options.timeout === undefined
      ? requestTimeout
      : toMilliseconds(options.timeout, "timeout");
    return requestOver(this, message, timeout, this.#clock);
  }

  get linesUnwritten(): number {
    return this.#writer.linesUnwritten;
  }

  stats(): BusStats {
    const { delivered, dropped, handlerErrors, unheard, pending } = this.#inside.stats();
    const published = this.#writer.linesWritten;
    return { published, unheard, delivered, dropped, handlerErrors, refused: this.#refused, pending };
  }

  async flush(): Promise<void> {
    await this.#inside.flush();
    await this.#writer.flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writer.flush();
    await this.#input?.return?.();
    await this.#inside.close();
  }

  async #read(): Promise<void> {
    const input = this.#input!;
    const { maxLineBytes = 16 * 1024 * 1024 } = this.#options;
    const framing = lines({ maxFrameBytes: maxLineBytes, acceptUnterminated: true, onFrameError: "skip" });
    const decoder = stoppableDecoder(framing, (error) => this.#refuse(error.message));
    const text = new TextDecoder("utf-8", { fatal: true });
    let wait: void | Promise<void> = undefined;
    const take = (line: Uint8Array): boolean => {
      if (line.length === 0) return true;
      try {
        wait = this.#inside.publish(readMessageLine(text.decode(line)));
      } catch (error) {
        this.#refuse(error instanceof Error ? error.message : String(error));
      }
      return wait === undefined;
    };
    try {
      for (let chunk = await input.next(); !chunk.done; chunk = await input.next()) {
        // While the bus is slow, the rest of a chunk stays bytes.
        for (let left = decoder.push(chunk.value, take);; left = decoder.resume(take)) {
          if (wait !== undefined) await wait;
          wait = undefined;
          if (left !== false) break;
        }
      }
      decoder.flush?.(take);
    } catch (cause) {
      this.#refuse(socketErrorFrom(cause, "read standard input").message);
    }
  }

  #refuse(reason: string): void {
    if (this.#closed) return;
    this.#refused++;
    this.#options.onRefused?.(reason);
  }
}
