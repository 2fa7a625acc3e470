/**
 * One end of a connection as the contract watches it: every event is noted, order is checked as they come.
 */
import assert from "node:assert/strict";
import type { SocketError } from "../../src/core/errors.ts";
import type { Transport, TransportEvents } from "../../src/core/transport.ts";
import { within } from "./within.ts";

/** Notes the events of one transport; what it answers to them can be set. */
export class Probe implements TransportEvents {
  readonly transport: Transport;
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  drains = 0;
  ends = 0;
  closes = 0;
  error: SocketError | undefined = undefined;
  /** Set these before `start`. The one for data answers whether to read on. */
  onData: (chunk: Uint8Array) => boolean = () => true;
  onDrain: () => void = () => {};
  onEnd: () => void = () => {};
  onClose: () => void = () => {};
  /** What an event found wrong: thrown at the next wait, since events themselves may not throw. */
  fault: Error | undefined = undefined;
  #inData = false;
  readonly #waiting: Set<() => void> = new Set();

  constructor(transport: Transport) {
    this.transport = transport;
  }

  start(): this {
    this.transport.start(this);
    return this;
  }

  data(chunk: Uint8Array): boolean {
    this.#expect(!this.#inData, "data came inside of data");
    this.#expect(this.ends === 0, "data came after end");
    this.#expect(this.closes === 0, "data came after close");
    this.#expect(chunk.length > 0, "an empty chunk came");
    this.#inData = true;
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    const more = this.onData(chunk);
    this.#inData = false;
    this.#wake();
    return more;
  }

  drain(): void {
    this.#expect(this.closes === 0, "drain came after close");
    this.drains++;
    this.onDrain();
    this.#wake();
  }

  end(): void {
    this.#expect(this.ends === 0, "a second end came");
    this.#expect(this.closes === 0, "end came after close");
    this.ends++;
    this.onEnd();
    this.#wake();
  }

  close(error?: SocketError): void {
    this.#expect(this.closes === 0, "a second close came");
    this.closes++;
    this.error = error;
    this.onClose();
    this.#wake();
  }

  /** Resolves once the condition holds after an event; fails at a deadline, saying what had come by then. */
  until(what: string, condition: () => boolean): Promise<void> {
    let check: () => void = () => {};
    const come = new Promise<void>((resolve, reject) => {
      check = () => {
        if (this.fault !== undefined) reject(this.fault);
        else if (condition()) resolve();
      };
      this.#waiting.add(check);
      check();
    });
    return within(come, () => `${what}; had come: ${this.summary}`).finally(() =>
      this.#waiting.delete(check)
    );
  }

  received(count: number): Promise<void> {
    return this.until(`${count} bytes`, () => this.bytes >= count);
  }

  drained(): Promise<void> {
    return this.until("drain", () => this.drains > 0);
  }

  ended(): Promise<void> {
    return this.until("end", () => this.ends > 0);
  }

  closed(): Promise<void> {
    return this.until("close", () => this.closes > 0);
  }

  get summary(): string {
    const broke = this.error === undefined ? "" : ` (${this.error.reason})`;
    return `${this.bytes} bytes, ${this.drains} drain, ${this.ends} end, ${this.closes} close${broke}`;
  }

  /** Everything received, as one piece. */
  get content(): Uint8Array {
    const whole = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  get text(): string {
    return new TextDecoder().decode(this.content);
  }

  /** Checks the whole life: closed once, broken as expected, and no fault on the way. */
  assertClosed(reason?: SocketError["reason"]): void {
    if (this.fault !== undefined) throw this.fault;
    assert.equal(this.closes, 1, this.summary);
    assert.equal(this.error?.reason, reason, this.error?.message);
  }

  #expect(condition: boolean, fault: string): void {
    if (!condition) this.fault ??= new Error(`${fault}; had come: ${this.summary}`);
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check();
  }
}
