/** One connection of the load: for every message that comes back whole, one goes out. Made by `load_run.ts`. */
import type { Transport, TransportEvents } from "../../core/transport.ts";
import type { Histogram } from "./histogram.ts";
import { LoadError, type LoadOptions } from "./load_options.ts";

/** Who hears what happens on a connection. */
export interface EchoHearer {
  /** Takes the round trips. */
  readonly measuredLatency: Histogram;
  /** The first reply is in, and right. */
  replied(): void;
  /** The connection is gone. */
  lostOne(): void;
  /** The run makes no sense any more. */
  finish(failure: LoadError): void;
}

/** One connection: for every message that comes back whole, one goes out. */
export class Echoer implements TransportEvents {
  /** Bytes received. */
  bytes = 0;
  readonly #transport: Transport;
  readonly #run: EchoHearer;
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

  constructor(transport: Transport, run: EchoHearer, pieces: readonly Uint8Array[], options: LoadOptions) {
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
        `count the replies: the server sends more than it received; it is not an echo server`,
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
