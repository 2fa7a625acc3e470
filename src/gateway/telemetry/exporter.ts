/**
 * Items of one signal on their way to a collector: a bounded queue, batches, one request at a time, and attempts again
 * where the collector asks for them or does not answer.
 *
 * Used by `telemetry.ts`, one for each signal. Nobody waits for it: what has no room is dropped and counted.
 */
import type { Logger } from "../../core/logger.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { KeyValue } from "./otlp.ts";
import { type Destination, post, type Posted } from "./posting.ts";
import { requestBody, type SignalName } from "./request.ts";

/** The most items of one request. */
const batchItems = 512;
/** How long the first item waits for others, in milliseconds. */
const gatherMs = 1_000;
/** The wait after a first failure, and the longest one, in milliseconds. */
const [firstWait, longestWait] = [1_000, 30_000];

/** What an exporter is made of. */
export interface ExporterSettings extends Destination {
  readonly signal: SignalName;
  readonly resource: readonly KeyValue[];
  /** Items that may wait. */
  readonly maxQueue: number;
  /** How long a batch is sent again, in milliseconds. */
  readonly retryFor: number;
}

/** What is counted of one signal. */
interface ExporterStats {
  readonly signal: SignalName;
  /** Items that the collector has taken. */
  readonly sent: number;
  /** Items that had no room, or that the collector did not take. */
  readonly dropped: number;
  /** Requests that failed. */
  readonly failures: number;
  /** Items that wait, without those of a request that is on its way. */
  readonly pending: number;
}

/** The exporter of one signal. */
export class Exporter {
  readonly #settings: ExporterSettings;
  readonly #clock: Clock;
  readonly #log: Logger;
  #queue: object[] = [];
  #sent = 0;
  #dropped = 0;
  #failures = 0;
  /** The first failure since the last success has been told. */
  #failing = false;
  #timer: unknown = undefined;
  #running: Promise<void> | undefined = undefined;
  #stop: AbortController = new AbortController();
  /** Ends the wait before another attempt. */
  #wake: (() => void) | undefined = undefined;
  #closing = false;
  #over = false;

  /** `log` hears of failures; its records must not come here. */
  constructor(settings: ExporterSettings, clock: Clock, log: Logger) {
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
  }

  /** Takes one item, or drops it. */
  push(item: object): void {
    if (this.#over || this.#queue.length >= this.#settings.maxQueue) {
      this.#dropped++;
      return;
    }
    this.#queue.push(item);
    if (this.#running !== undefined) return;
    if (this.#queue.length >= batchItems) this.#begin();
    else this.#timer ??= this.#clock.setTimer(() => this.#begin(), gatherMs);
  }

  /** Sends these in the place of those that wait, if no request is on its way. */
  replace(items: object[]): void {
    if (this.#over || this.#running !== undefined) return;
    this.#queue = items;
    this.#begin();
  }

  stats(): ExporterStats {
    const { signal } = this.#settings;
    const pending = this.#queue.length;
    return { signal, sent: this.#sent, dropped: this.#dropped, failures: this.#failures, pending };
  }

  /**
   * Sends what it has and these last items, each batch once more, and resolves when that is over: at the latest after
   * `ms`, when the rest is dropped.
   */
  async close(ms: number, last: readonly object[] = []): Promise<void> {
    this.#closing = true;
    this.#queue.push(...last);
    const timer = this.#clock.setTimer(() => this.#giveUp(), ms);
    this.#wake?.();
    this.#begin();
    await this.#running;
    this.#clock.clearTimer(timer);
    this.#giveUp();
  }

  #giveUp(): void {
    this.#over = true;
    this.#clock.clearTimer(this.#timer);
    this.#dropQueue();
    this.#stop.abort(new Error("the gateway has stopped"));
  }

  #dropQueue(): void {
    this.#dropped += this.#queue.length;
    this.#queue = [];
  }

  #begin(): void {
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    if (this.#queue.length > 0) this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // What comes meanwhile gathers for the next batch, except at the end.
    for (let left = this.#queue.length; left > 0; left = this.#closing ? this.#queue.length : left) {
      const batch = this.#queue.splice(0, Math.min(left, batchItems));
      left -= batch.length;
      await this.#send(batch);
    }
    this.#running = undefined;
    if (this.#queue.length >= batchItems) this.#begin();
    else if (this.#queue.length > 0) this.#timer = this.#clock.setTimer(() => this.#begin(), gatherMs);
  }

  async #send(batch: readonly object[]): Promise<void> {
    const { signal, encoding, resource, retryFor } = this.#settings;
    const body = requestBody(signal, encoding, resource, batch);
    const until = this.#clock.now() + retryFor;
    for (let wait = firstWait;; wait = Math.min(wait * 2, longestWait)) {
      const last = this.#closing;
      const posted = await this.#post(body);
      if (posted.ok) return this.#took(batch.length, posted.partial);
      this.#failures++;
      this.#tell(posted);
      // Where many gateways wait for one collector, they do not come back all at once.
      if (posted.retry && !last) await this.#sleep(Math.max(posted.after, wait * (0.5 + Math.random() / 2)));
      if (posted.retry && !last && this.#clock.now() < until && !this.#over) continue;
      this.#dropped += batch.length;
      // At the end there is no time to find out for each batch that nobody answers.
      if (posted.retry && last) this.#dropQueue();
      return;
    }
  }

  async #post(body: string | Uint8Array<ArrayBuffer>): Promise<Posted> {
    this.#stop = new AbortController();
    if (this.#over) return { ok: false, retry: true, after: 0, why: "the gateway has stopped" };
    return await post(this.#settings, body, this.#clock, this.#stop);
  }

  #sleep(ms: number): Promise<void> | undefined {
    if (this.#closing) return undefined;
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(() => this.#wake!(), ms);
      this.#wake = () => {
        this.#clock.clearTimer(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #took(items: number, { rejected, message }: { readonly rejected: number; readonly message: string }): void {
    const lost = Math.min(items, Math.max(0, rejected));
    this.#sent += items - lost;
    this.#dropped += lost;
    const { signal, url } = this.#settings;
    if (lost > 0 || message !== "") {
      const fields = { signal, url, rejected: lost, ...(message !== "" && { error: message }) };
      if (!this.#failing) {
        this.#log({ level: "warn", message: "the collector did not take all telemetry", fields });
      }
      this.#failing = true;
      return;
    }
    if (this.#failing) {
      const fields = { signal, url, dropped: this.#dropped };
      this.#log({ level: "info", message: "the collector takes telemetry again", fields });
    }
    this.#failing = false;
  }

  /** Once for each outage. */
  #tell({ why }: { readonly why: string }): void {
    if (this.#failing) return;
    this.#failing = true;
    const { signal, url } = this.#settings;
    this.#log({ level: "warn", message: "telemetry cannot be sent", fields: { signal, url, error: why } });
  }
}
