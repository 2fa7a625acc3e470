/**
 * What the two threads of a pool tell each other: records of all their connections, of one turn, as one message, since a
 * message costs as much as many records.
 *
 * A record is an operation, the number of its connection and a number, which is the length of the bytes that follow, or says
 * where in the message its object or its own buffer is. Used on both sides.
 */
import type { Peer } from "../core/transport.ts";

/** What a record says. */
export const Op = {
  // To the worker.
  open: 2,
  data: 3,
  /** The peer's FIN. */
  end: 4,
  /** The connection's time is over: reason. */
  drain: 5,
  /** Stop at the next boundary. */
  stop: 6,
  close: 7,
  /** The kernel has taken so many more bytes. */
  taken: 8,
  ping: 9,
  bye: 10,
  // To the main thread.
  ready: 20,
  send: 22,
  /** All was sent: FIN, and why, if that is the end. */
  fin: 23,
  abort: 24,
  /** So many more bytes were taken, times two; one more where no work is left. */
  taking: 25,
  /** The connection is over, and its handler has returned. */
  over: 26,
  stats: 27,
  log: 28,
  gone: 29,
} as const;

/** What the main thread says of a new connection. */
export interface OpenMessage {
  readonly id: string;
  readonly peer: Peer;
  readonly protocol: string | undefined;
}

/** A buffer of its own, in the place of bytes that follow. */
const apart = 128;
const recordBytes = 9;
/** Measured: from here on a buffer of its own, which is transferred, costs less than a copy. */
const apartFrom = 16 * 1024;
/** Measured on all three runtimes: from here on a transferred message costs less than a cloned one. */
const transferFrom = 4 * 1024;
const firstBytes = 4 * 1024;
/** More than this is not kept from one message to the next. */
const keptBytes = 512 * 1024;

/** Gathers the records of one message. */
export class MessageWriter {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(firstBytes);
  #view: DataView<ArrayBuffer> = new DataView(this.#bytes.buffer);
  #length = 0;
  #objects: unknown[] = [];
  #transfer: ArrayBuffer[] = [];
  #apart = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#length + this.#apart;
  }

  record(op: number, id: number, value: number): void {
    this.#room(recordBytes);
    const at = this.#length;
    this.#bytes[at] = op;
    this.#view.setUint32(at + 1, id, true);
    this.#view.setUint32(at + 5, value, true);
    this.#length = at + recordBytes;
  }

  object(op: number, id: number, value: unknown): void {
    this.record(op, id, this.#objects.push(value));
  }

  /** With `own`, the memory is ours to give away, where nothing else is in it. */
  bytes(op: number, id: number, bytes: Uint8Array, own: boolean): void {
    const { length } = bytes;
    if (length >= apartFrom) {
      const whole = own && bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === length;
      const buffer = (whole ? bytes.buffer : new Uint8Array(bytes).buffer) as ArrayBuffer;
      this.#transfer.push(buffer);
      this.#apart += length;
      return this.object(op | apart, id, buffer);
    }
    this.record(op, id, length);
    this.#room(length);
    this.#bytes.set(bytes, this.#length);
    this.#length += length;
  }

  /** Hands the message over, and begins the next one. */
  flush(post: (message: unknown, transfer: ArrayBuffer[]) => void): void {
    if (this.#length === 0) return;
    const records = this.#bytes.slice(0, this.#length);
    const [objects, transfer] = [this.#objects, this.#transfer];
    this.#length = this.#apart = 0;
    this.#objects = [];
    this.#transfer = [];
    if (this.#bytes.length > keptBytes) this.#take(new Uint8Array(firstBytes));
    if (records.length >= transferFrom) transfer.push(records.buffer);
    post([records, ...objects], transfer);
  }

  #room(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#take(larger);
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Takes the records of a message, in order. `what` is the bytes of a record or its object; most have neither. */
type RecordTaker = (op: number, id: number, value: number, what: unknown) => void;

const withBytes: readonly number[] = [Op.data, Op.send];
const withObject: readonly number[] = [
  ...[Op.open, Op.drain, Op.close, Op.fin, Op.abort, Op.stats, Op.log],
];

/** Reads a message that a `MessageWriter` has made; anything else has come from the user's code, and says nothing to us. */
export function readMessage(message: unknown, take: RecordTaker): void {
  if (!Array.isArray(message) || !(message[0] instanceof Uint8Array)) return;
  const parts: unknown[] = message;
  const bytes = message[0];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const op = bytes[at]!;
    const id = view.getUint32(at + 1, true);
    const value = view.getUint32(at + 5, true);
    at += recordBytes;
    if (op >= apart) take(op - apart, id, value, new Uint8Array(parts[value] as ArrayBuffer));
    else if (withBytes.includes(op)) take(op, id, value, bytes.subarray(at, at += value));
    else take(op, id, value, withObject.includes(op) ? parts[value] : undefined);
  }
}
