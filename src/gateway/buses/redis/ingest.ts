/**
 * Messages into streams of Redis, stored once and in order: the window, the wire under it, and what is asked after an outage.
 *
 * Used by `redis_bus.ts`. What is sent in one turn is one call of a script, which stores a message only if the one before it is
 * stored and it is not; what it has of this bus it keeps as one number.
 */
import type { NodeBuffer } from "../../../host/buffer.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { BusError, closedError } from "../../errors.ts";
import type { BusMessage, PublishObserver } from "../bus.ts";
import type { PendingLimits } from "../pending_limits.ts";
import { PublishWindow, type Sending, type WindowOwner } from "../publish_window.ts";
import { appendFields } from "./entry.ts";
import { inTime, type LinkWatcher, type RedisLink } from "./redis_link.ts";
import { storeScript } from "./store_script.ts";
import type { StreamNames } from "./stream_names.ts";

/** What one call brings at most. */
const [mostMessages, mostBytes] = [256, 256 * 1024];
/** For the answer to a question, in ms; a server that does not answer twice is gone. */
const answerMs = 5_000;

/** One call in the making. */
class Batch {
  readonly numbers: number[] = [];
  readonly streams: string[] = [];
  readonly fields: (string | NodeBuffer)[] = [];
  /** The number that must be stored before. */
  readonly after: number;
  bytes = 0;

  constructor(after: number) {
    this.after = after;
  }

  add(number: number, stream: string, message: BusMessage): void {
    let place = this.streams.indexOf(stream);
    if (place < 0) place = this.streams.push(stream) - 1;
    const start = this.fields.push(String(number), String(place + 2), "") - 1;
    this.fields[start] = String(appendFields(message, this.fields));
    this.numbers.push(number);
    this.bytes += message.payload.length;
  }
}

/** What is to be known of the streams. */
export interface StoreSettings {
  readonly names: StreamNames;
  readonly maxLength: number;
  readonly rememberMs: number;
}

/** The way into the streams. */
export class Ingest implements WindowOwner, LinkWatcher {
  readonly clock: Clock;
  readonly #link: RedisLink;
  readonly #settings: StoreSettings;
  readonly #window: PublishWindow;
  readonly #memory: string;
  #script = "";
  #batch: Batch | undefined = undefined;
  /** The number that was sent last, or is known to be stored. */
  #last = -1;
  /** The highest that the server has said to be stored. */
  #confirmed = -1;
  #silences = 0;

  constructor(link: RedisLink, settings: StoreSettings, limits: PendingLimits, name: string) {
    this.clock = link.clock;
    this.#link = link;
    this.#settings = settings;
    this.#window = new PublishWindow(this, limits);
    this.#memory = `millrace:last:${name}`;
    link.watch(this);
  }

  /** Rejects where the server takes no scripts. */
  async open(): Promise<void> {
    this.#script = await this.#link.commands.script("LOAD", storeScript) as string;
  }

  /** Messages stored, those among them that were stored before, stops, and messages that are not confirmed. */
  get counts(): Pick<PublishWindow, "stored" | "duplicates" | "stops" | "size"> {
    return this.#window;
  }

  publish(message: BusMessage, observer: PublishObserver | undefined): void | Promise<void> {
    return this.#window.push(message, "", observer);
  }

  idle(): Promise<void> {
    return this.#window.idle();
  }

  close(): void {
    this.#window.close(closedError("publish"));
  }

  // What the window asks for.

  send({ message, number }: Sending): void {
    if (this.#batch === undefined) {
      this.#batch = new Batch(this.#last);
      this.clock.endOfTurn(this.#flush);
    }
    this.#batch.add(number, this.#settings.names.of(message.subject)!, message);
    this.#last = number;
    if (this.#batch.numbers.length >= mostMessages || this.#batch.bytes >= mostBytes) this.#flush();
  }

  async stored(unconfirmed: readonly Sending[]): Promise<ReadonlySet<number>> {
    if (!this.#link.up) throw new BusError("disconnected", "the server is gone");
    // Nothing that was gathered and not sent may follow: it is sent again.
    this.#batch = undefined;
    const { commands } = this.#link;
    let last: number;
    try {
      // The server forgets scripts when it starts anew.
      const [, found] = await inTime(
        Promise.all([this.open(), commands.get(this.#memory)]),
        answerMs,
        this.clock,
      );
      last = Number(found ?? -1);
    } catch (error) {
      if ((error as BusError).reason === "timeout" && ++this.#silences > 1) commands.disconnect(true);
      throw error;
    }
    this.#silences = 0;
    if (last < this.#confirmed) this.#tellLoss(last);
    this.#last = this.#confirmed = last;
    return new Set(unconfirmed.map(({ number }) => number).filter((number) => number <= last));
  }

  stopped(error: BusError): void {
    const fields = { error: error.message, unconfirmed: this.#window.size };
    this.#link.log({ level: "warn", message: "publishing stopped until the server answers", fields });
  }

  resumed(): void {
    const fields = { unconfirmed: this.#window.size };
    this.#link.log({ level: "info", message: "publishing goes on", fields });
  }

  unanswered(ms: number): BusError {
    return new BusError("timeout", `publish to ${this.#link.where}: no answer within ${ms} ms`);
  }

  // What the link tells.

  down(): void {
    this.#window.down(new BusError("disconnected", "publish: the server is gone"));
  }

  up(): void {
    this.#window.up();
  }

  readonly #flush = (): void => {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    const { maxLength, rememberMs } = this.#settings;
    const length = maxLength === Infinity ? "" : String(maxLength);
    this.#link.commands.callBuffer(
      "EVALSHA",
      [
        this.#script,
        String(batch.streams.length + 1),
        this.#memory,
        ...batch.streams,
        String(batch.after),
        String(rememberMs),
        length,
        ...batch.fields,
      ],
      (error, answer) => this.#answered(batch, error, answer),
    ).catch(() => {});
  };

  #answered({ numbers }: Batch, error: Error | null | undefined, answer: unknown): void {
    if (error) {
      const failure = new BusError("disconnected", `publish to ${this.#link.where}: ${error.message}`, {
        cause: error,
      });
      for (const number of numbers) this.#window.fail(number, failure, false);
      return;
    }
    const [last, known, why] = (answer as NodeBuffer[]).map(String) as [string, string, string];
    const end = Number(last);
    let before = Number(known);
    this.#confirmed = Math.max(this.#confirmed, end);
    const failure = new BusError("disconnected", `publish to ${this.#link.where}: ${why}`);
    for (const number of numbers) {
      if (number <= end) this.#window.confirm(number, before-- > 0);
      else this.#window.fail(number, failure, false);
    }
  }

  #tellLoss(last: number): void {
    const lost = last < 0 ? "all" : this.#confirmed - last;
    const hint = "see appendonly and appendfsync of the server, or make duplicateWindow longer";
    this.#link.log({
      level: "error",
      message: last < 0
        ? "the server has forgotten what it had stored of this gateway: frames may be lost, or stored twice"
        : "the server has lost messages that it had said to be stored",
      fields: { messages: lost, hint },
    });
  }
}
