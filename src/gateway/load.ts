/**
 * The echo load generator: N connections, each with D copies of one message in flight, counting bytes.
 *
 * Used by `millrace bench` and by `bench/`. It stands on an adapter's `connect` and on nothing above it:
 * no framing runs here, the message comes ready encoded. It is a closed loop: a message goes out when a
 * reply is in, so latencies are those at this depth, not those of a fixed rate.
 */
import { Histogram } from "./cli/histogram.ts";
import type { Adapter, Address, Transport, TransportEvents } from "../core/transport.ts";

/** What to do to which server. */
export interface LoadOptions {
  readonly adapter: Adapter;
  readonly address: Address;
  /** Connections at one time. */
  readonly connections: number;
  /** Messages in flight on each connection. */
  readonly depth: number;
  /** One encoded message; the server must send the same number of bytes back. */
  readonly message: Uint8Array;
  /** How long to measure, in milliseconds, after all are connected and warmed up. */
  readonly durationMs: number;
  /** How long to run before measuring, in milliseconds. */
  readonly warmupMs: number;
  /** The most that one connect, and one first reply, may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Called ten times a second. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** Ends the run early; what was measured so far is the result. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a run is. */
export interface LoadProgress {
  readonly phase: "connecting" | "warming up" | "measuring";
  readonly connected: number;
  /** Part of the measuring time that is over, 0 to 1. */
  readonly done: number;
  /** Messages since measuring began. */
  readonly messages: number;
}

/** What a run came to. */
export interface LoadReport {
  readonly connections: number;
  readonly depth: number;
  readonly messageBytes: number;
  /** Time until the last connection was open, in milliseconds. */
  readonly connectMs: number;
  /** Time really measured, in milliseconds. */
  readonly measuredMs: number;
  readonly messages: number;
  /** Bytes echoed, one way. */
  readonly bytes: number;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Round trips; sampled, one at a time on each connection. */
  readonly latency: Histogram;
  /** Connections that the server or the network ended during the run. */
  readonly lost: number;
}

/** The run could not be done, or its figures would mean nothing. The message says what to do. */
export class LoadError extends Error {
  override readonly name = "LoadError";
  readonly reason: "connect" | "no_reply" | "not_an_echo" | "all_lost";
  constructor(reason: LoadError["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

const connectsAtOnce = 64;
const progressMs = 100;

/** Runs the load; rejects with a `LoadError`. Every connection is closed when it settles. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const run = new Run(options);
  const stop = (): void => run.finish();
  options.signal?.addEventListener("abort", stop, { once: true });
  try {
    const started = performance.now();
    await run.connectAll();
    const connectMs = performance.now() - started;
    await run.firstReplies();
    await run.wait(options.warmupMs, "warming up");
    run.startMeasuring();
    const measuredFrom = performance.now();
    await run.wait(options.durationMs, "measuring");
    const measuredMs = performance.now() - measuredFrom;
    return run.report(connectMs, measuredMs);
  } finally {
    options.signal?.removeEventListener("abort", stop);
    run.closeAll();
  }
}

/** Shared state of one run: the echoers, the failure that ends it, and the wait in progress. */
class Run {
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
    const { adapter, address, timeoutMs } = this.#options;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    try {
      return await adapter.connect({
        address,
        signal: limit.signal,
        tls: undefined,
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
      clearTimeout(timer);
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
      `wait for an echo: ${this.#repliesMissing} of ${connections} connections had none within ${timeoutMs} ms; ` +
        `check that the server echoes and that --framing and --size are what it expects`,
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
    const messages = phase === "measuring" ? (this.#bytes() - this.#bytesBefore) / this.#options.message.length : 0;
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
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#finished) this.#wake();
    });
  }
}

/** One connection: for every message that comes back whole, one goes out. */
class Echoer implements TransportEvents {
  /** Bytes received. */
  bytes = 0;
  readonly #transport: Transport;
  readonly #run: Run;
  readonly #pieces: readonly Uint8Array[];
  readonly #size: number;
  readonly #depth: number;
  readonly #message: Uint8Array;
  /** Bytes received of messages that are not whole yet. */
  #partial = 0;
  /** Bytes of the first reply that were compared with the message. */
  #compared = 0;
  /** The stream position whose arrival ends the sample in progress, and when that message was sent. */
  #sampleEnd = 0;
  #sampleStart = 0;
  #over = false;

  constructor(transport: Transport, run: Run, pieces: readonly Uint8Array[], options: LoadOptions) {
    this.#transport = transport;
    this.#run = run;
    this.#pieces = pieces;
    this.#size = options.message.length;
    this.#depth = options.depth;
    this.#message = options.message;
  }

  start(): void {
    this.#sampleEnd = this.#size * this.#depth;
    this.#sampleStart = performance.now();
    this.#transport.start(this);
    if (!this.#over) this.#transport.write(this.#pieces[this.#depth]!);
  }

  stop(): void {
    this.#over = true;
    this.#transport.abort();
  }

  data(chunk: Uint8Array): boolean {
    if (this.#over) return true;
    const size = this.#size;
    this.bytes += chunk.length;
    if (this.#compared < size) this.#compare(chunk);
    const have = this.#partial + chunk.length;
    const whole = have < size ? 0 : Math.floor(have / size);
    this.#partial = have - whole * size;
    if (whole === 0) return true;
    const piece = this.#pieces[whole];
    if (piece === undefined) return this.#tooMuch();
    if (this.bytes >= this.#sampleEnd) this.#sample(whole);
    this.#transport.write(piece);
    return true;
  }

  drain(): void {}

  end(): void {
    this.#lose();
  }

  close(): void {
    this.#lose();
  }

  /** The last message of what is sent now comes back `depth` messages after those that are in. */
  #sample(whole: number): void {
    const now = performance.now();
    this.#run.measuredLatency.record(now - this.#sampleStart);
    this.#sampleStart = now;
    this.#sampleEnd = this.bytes - this.#partial + this.#size * this.#depth;
    if (whole > this.#depth) this.#tooMuch();
  }

  #compare(chunk: Uint8Array): void {
    const message = this.#message;
    const upTo = Math.min(chunk.length, message.length - this.#compared);
    for (let i = 0; i < upTo; i++) {
      if (chunk[i] === message[this.#compared + i]) continue;
      const at = this.#compared + i;
      this.#run.finish(
        new LoadError(
          "not_an_echo",
          `compare the first reply: byte ${at} is ${chunk[i]} where ${message[at]} was sent; ` +
            `the server is not an echo server, or --framing differs from its own`,
        ),
      );
      return;
    }
    this.#compared += upTo;
    if (this.#compared === message.length) this.#run.replied();
  }

  #tooMuch(): boolean {
    this.#run.finish(
      new LoadError(
        "not_an_echo",
        `count the replies: the server sends more than it was sent; it is not an echo server`,
      ),
    );
    return true;
  }

  #lose(): void {
    if (this.#over) return;
    this.#over = true;
    this.#run.lostOne();
  }
}
