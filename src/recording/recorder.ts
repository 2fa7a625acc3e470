/**
 * Writes a recording, line by line, up to a maximum size.
 *
 * For programs and for `millrace record`. Knows no file and no socket: its user gives it chunks, and takes lines.
 */
import { OptionsCheck } from "../core/options.ts";
import type { SizeInput } from "../core/text/size.ts";
import { type Clock, systemClock } from "../core/time/clock.ts";
import { formatName, formatVersion, type RecordedSide, showPayload } from "./recording.ts";

/** Options of {@linkcode Recorder}. */
export interface RecorderOptions {
  /**
   * Maximum size of the recording, in bytes or as text such as `"64MiB"`. At the limit a last line says so, and nothing
   * more is recorded. @default 64 MiB
   */
  readonly maxBytes?: SizeInput | undefined;
  /** Where its times come from. @default the system's */
  readonly clock?: Clock | undefined;
}

const usualMaxBytes = 64 * 1024 * 1024;
const encoder = new TextEncoder();
/** Kept free for the line that says that the recording is full. */
const lastLineBytes = 128;

/**
 * Writes what connections receive and send, with boundaries and times, as lines of JSON for a file. A recording has the
 * payload of connections: keep it where only those can read it who may know that. The format is described in
 * docs/recording.md.
 *
 * @example
 * ```ts
 * import { parseRecording, Recorder } from "@millrace/millrace/testing";
 *
 * let file = "";
 * const recorder = new Recorder((line) => void (file += line));
 * const connection = recorder.connection("192.0.2.1:5000");
 * connection.bytes("client", new TextEncoder().encode("hello\n"));
 * connection.end("client");
 * connection.close();
 * console.log(parseRecording(file).connections[0]!.events.length); // 2
 * ```
 */
export class Recorder {
  readonly #write: (line: string) => void | Promise<void>;
  readonly #clock: Clock;
  readonly #begun: number;
  readonly #maxBytes: number;
  #bytes = 0;
  #connections = 0;
  #full = false;

  /**
   * `write` gets each line, with its line end. A promise that it returns is that of `bytes`: wait for it before the next chunk.
   *
   * @throws {OptionsError} `invalid`, for an invalid option
   */
  constructor(write: (line: string) => void | Promise<void>, options: RecorderOptions = {}) {
    const check = new OptionsCheck();
    check.keys(options, ["maxBytes", "clock"]);
    this.#maxBytes = check.size("maxBytes", options.maxBytes, usualMaxBytes);
    check.done();
    this.#write = write;
    this.#clock = options.clock ?? systemClock;
    this.#begun = this.#clock.now();
    const startedAt = new Date(this.#clock.wallTime()).toISOString();
    void this.#put(JSON.stringify({ format: formatName, version: formatVersion, startedAt }) + "\n");
  }

  /** The maximum size was reached, and something was not recorded. */
  get full(): boolean {
    return this.#full;
  }

  /** Bytes written so far. */
  get bytesWritten(): number {
    return this.#bytes;
  }

  /** Connections so far. */
  get connections(): number {
    return this.#connections;
  }

  /** A connection has been made; `peer` is the client's address, for those who read the recording. */
  connection(peer?: string): ConnectionRecorder {
    const connection = ++this.#connections;
    const note: Note = (fields) => this.#note({ at: this.#now(), connection, ...fields });
    void note({ event: "open", ...(peer === undefined ? {} : { peer }) });
    return new OneConnection(note);
  }

  #now(): number {
    return Math.round((this.#clock.now() - this.#begun) * 1000) / 1000;
  }

  #note(fields: object): void | Promise<void> {
    if (this.#full) return;
    const line = JSON.stringify(fields) + "\n";
    if (this.#bytes + encoder.encode(line).length <= this.#maxBytes - lastLineBytes) return this.#put(line);
    this.#full = true;
    return this.#put(JSON.stringify({ at: this.#now(), event: "full", maxBytes: this.#maxBytes }) + "\n");
  }

  #put(line: string): void | Promise<void> {
    this.#bytes += encoder.encode(line).length;
    return this.#write(line);
  }
}

type Note = (fields: object) => void | Promise<void>;

/** Records one connection; made by {@linkcode Recorder}. */
export interface ConnectionRecorder {
  /** One side has sent these bytes, which came together. A promise: wait for it before the next. */
  bytes(from: RecordedSide, chunk: Uint8Array): void | Promise<void>;
  /** One side has sent FIN. */
  end(from: RecordedSide): void;
  /** One side has reset the connection. */
  reset(from: RecordedSide): void;
  /** The connection is over, and was recorded to its end. */
  close(): void;
}

class OneConnection implements ConnectionRecorder {
  readonly #note: Note;
  #closed = false;

  constructor(note: Note) {
    this.#note = note;
  }

  bytes(from: RecordedSide, chunk: Uint8Array): void | Promise<void> {
    if (chunk.length > 0) return this.#put({ from, ...showPayload(chunk) });
  }

  end(from: RecordedSide): void {
    void this.#put({ from, event: "end" });
  }

  reset(from: RecordedSide): void {
    void this.#put({ from, event: "reset" });
  }

  close(): void {
    void this.#put({ event: "close" });
    this.#closed = true;
  }

  #put(fields: object): void | Promise<void> {
    if (!this.#closed) return this.#note(fields);
  }
}
