/** One run of the load: its connections, the phase it is in, and the failure that ends it. Driven by `load.ts`. */
import { systemClock } from "../../core/time/clock.ts";
import type { Transport } from "../../core/transport.ts";
import { Echoer, type EchoHearer } from "./echoer.ts";
import { Histogram } from "./histogram.ts";
import { LoadError, type LoadOptions, type LoadProgress, type LoadReport } from "./load_options.ts";

const connectsAtOnce = 64;
const progressMs = 100;

/** Shared state of one run: the echoers, the failure that ends it, and the wait in progress. */
export class LoadRun implements EchoHearer {
  readonly #options: LoadOptions;
  readonly #pieces: readonly Uint8Array[];
  readonly #echoers: Echoer[] = [];
  #bytesBefore = 0;
  #latency = new Histogram();
  #finished = false;
  #failure: LoadError | undefined;
  #wake: () => void = () => {};
  #repliesMissing = 0;
  #lost = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    // One buffer of `depth` messages: any number of them is a view of it, made once.
    const { message, depth } = options;
    const all = new Uint8Array(message.length * depth);
    for (let i = 0; i < depth; i++) all.set(message, i * message.length);
    this.#pieces = Array.from({ length: depth + 1 }, (_, n) => all.subarray(0, n * message.length));
  }

  get measuredLatency(): Histogram {
    return this.#latency;
  }

  /** Ends the wait in progress, for a good reason or a bad one. */
  finish(failure?: LoadError): void {
    this.#finished = true;
    this.#failure ??= failure;
    this.#wake();
  }

  async connectAll(): Promise<void> {
    const { connections } = this.#options;
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next++ < connections && !this.#finished) {
        this.#echoers.push(new Echoer(await this.#connectOne(), this, this.#pieces, this.#options));
        if (this.#echoers.length % 10 === 0) this.#tell("connecting", 0);
      }
    };
    const lanes = await Promise.allSettled(
      Array.from({ length: Math.min(connectsAtOnce, connections) }, lane),
    );
    for (const each of lanes) if (each.status === "rejected") throw each.reason;
  }

  async #connectOne(): Promise<Transport> {
    const { adapter, address, tls, timeoutMs } = this.#options;
    const limit = new AbortController();
    const timer = systemClock.setTimer(() => limit.abort(), timeoutMs);
    try {
      return await adapter.connect({
        address,
        signal: limit.signal,
        tls,
        noDelay: true,
        keepAlive: "system",
      });
    } catch (cause) {
      const opened = this.#echoers.length;
      this.finish();
      const what = limit.signal.aborted
        ? `connect: no answer within ${timeoutMs} ms; check host and port, or raise --timeout`
        : (cause as Error).message;
      const after = opened === 0 ? "" : ` (after ${opened} of ${this.#options.connections} connections)`;
      throw new LoadError("connect", what + after, { cause });
    } finally {
      systemClock.clearTimer(timer);
    }
  }

  /** Starts all; resolves when each has had one correct reply. */
  async firstReplies(): Promise<void> {
    this.#repliesMissing = this.#echoers.length;
    for (const echoer of this.#echoers) echoer.start();
    if (this.#repliesMissing > 0) await this.#sleep(this.#options.timeoutMs);
    this.#check();
    if (this.#repliesMissing === 0 || this.#finished) return;
    const { timeoutMs, connections } = this.#options;
    throw new LoadError(
      "no_reply",
      `wait for an echo: ${this.#repliesMissing} of ${connections} connections had no echo within ${timeoutMs} ms; ` +
        `check that the server echoes, and that --framing and --size match`,
    );
  }

  replied(): void {
    if (--this.#repliesMissing === 0) this.#wake();
  }

  lostOne(): void {
    this.#lost++;
    if (this.#lost < this.#echoers.length) return;
    this.finish(
      new LoadError(
        "all_lost",
        `run the load: the server closed all ${this.#lost} connections; see its log, and check --framing and --size`,
      ),
    );
  }

  startMeasuring(): void {
    this.#latency = new Histogram();
    this.#bytesBefore = this.#bytes();
  }

  /** Waits in small steps, reporting progress; returns early when the run is finished. */
  async wait(ms: number, phase: LoadProgress["phase"]): Promise<void> {
    const until = performance.now() + ms;
    for (let left = ms; left > 0 && !this.#finished; left = until - performance.now()) {
      await this.#sleep(Math.min(left, progressMs));
      this.#tell(phase, phase === "measuring" ? 1 - (until - performance.now()) / ms : 0);
    }
    this.#check();
  }

  report(connectMs: number, measuredMs: number): LoadReport {
    const { connections, depth, message } = this.#options;
    const bytes = this.#bytes() - this.#bytesBefore;
    const messages = bytes / message.length;
    const seconds = Math.max(measuredMs, 0.001) / 1000;
    return {
      connections,
      depth,
      messageBytes: message.length,
      connectMs,
      measuredMs,
      messages: Math.floor(messages),
      bytes,
      messagesPerSecond: messages / seconds,
      bytesPerSecond: bytes / seconds,
      latency: this.#latency,
      lost: this.#lost,
    };
  }

  closeAll(): void {
    this.#finished = true;
    for (const echoer of this.#echoers) echoer.stop();
  }

  #bytes(): number {
    return this.#echoers.reduce((sum, echoer) => sum + echoer.bytes, 0);
  }

  #tell(phase: LoadProgress["phase"], done: number): void {
    const messages = phase === "measuring"
      ? (this.#bytes() - this.#bytesBefore) / this.#options.message.length
      : 0;
    this.#options.onProgress?.({
      phase,
      connected: this.#echoers.length,
      done: Math.min(1, Math.max(0, done)),
      messages: Math.floor(messages),
    });
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = systemClock.setTimer(resolve, ms);
      this.#wake = () => {
        systemClock.clearTimer(timer);
        resolve();
      };
      if (this.#finished) this.#wake();
    });
  }
}
