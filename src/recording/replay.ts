/**
 * Plays the client of a recorded connection against a server, and compares what comes back.
 *
 * For tests, and for `millrace replay`, which makes its own connection. Uses sockets as they are, without a framing.
 */
import { OptionsError, SocketError } from "../core/errors.ts";
import { OptionsCheck } from "../core/options.ts";
import { readAddress } from "../core/text/address.ts";
import { wanted } from "../core/text/reading.ts";
import { type Clock, systemClock } from "../core/time/clock.ts";
import { checkDuration, type DurationInput } from "../core/time/duration.ts";
import type { Adapter, Address, Transport } from "../core/transport.ts";
import { Comparison } from "./comparison.ts";
import { Player } from "./player.ts";
import type { RecordedConnection, Recording } from "./recording.ts";
import { connectionOf } from "./recording_text.ts";

/** How a recording is played. */
export interface PlayOptions {
  /** How many times as fast as it was recorded: 2, 0.5, or `Infinity` for no pauses at all. @default 1 */
  readonly speed?: number | undefined;
  /**
   * How long the server may be silent while an answer is waited for, or not take what is sent. Then the outcome is
   * `missing`. @default "5 seconds"
   */
  readonly wait?: DurationInput | undefined;
  /** Clock of all waits. @default the system's */
  readonly clock?: Clock | undefined;
  /** Ends the replay at once when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Called with each chunk that comes back. Nothing more is read while a promise that it returns is pending. */
  readonly onChunk?: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
  /** Called as it goes on, and now and then in long pauses. */
  readonly onProgress?: ((progress: ReplayProgress) => void) | undefined;
}

/** Options of {@linkcode replay}. */
export interface ReplayOptions extends PlayOptions {
  /** The sockets: those of the runtime, of a virtual network, or in memory. */
  readonly adapter: Adapter;
  /** The server: `"127.0.0.1:3034"`, `"unix:/run/echo.sock"`, or `server.address`. */
  readonly address: string | Address;
  /** Which connection of the recording, by its number. @default the first */
  readonly connection?: number | undefined;
}

/** How far a replay is. */
export interface ReplayProgress {
  /** Chunks sent so far. */
  readonly sentChunks: number;
  /** Chunks that the client sent in the recording. */
  readonly chunks: number;
  /** Bytes that have come back. */
  readonly receivedBytes: number;
}

/** What came of a replay. */
export interface ReplayReport extends ReplayProgress {
  /**
   * `same`: everything was sent, and the same bytes came back, in whatever chunks. `different`: other bytes, or more,
   * from `differsAt` on. `missing`: the server ended, or was silent for `wait`, before everything was exchanged.
   */
  readonly outcome: "same" | "different" | "missing";
  /** Bytes sent. */
  readonly sentBytes: number;
  /** Bytes that the server sent in the recording. */
  readonly expectedBytes: number;
  /** Offset, in what came back, of the first byte that is another. */
  readonly differsAt: number | undefined;
  /** What broke the connection, if anything did. */
  readonly error: SocketError | undefined;
}

/**
 * Plays the client of a recorded connection against a server: the same chunks, each sent behind the answers that it
 * followed in the recording and after the same pause. Resolves with what came of it, also when the server answers
 * otherwise or not at all.
 *
 * With a `FakeClock` and `memoryAdapter`, a recording from the field is a test that takes no time.
 *
 * @example
 * ```ts
 * import { lines, serve } from "@millrace/millrace";
 * import { memoryAdapter, parseRecording, replay } from "@millrace/millrace/testing";
 *
 * const recording = parseRecording(`{"format":"millrace-recording","version":1,"startedAt":"2026-11-27T20:00:00.000Z"}
 * {"at":0,"connection":1,"event":"open"}
 * {"at":1,"connection":1,"from":"client","text":"hel"}
 * {"at":2,"connection":1,"from":"client","text":"lo\\n"}
 * {"at":3,"connection":1,"from":"server","text":"HELLO\\n"}
 * {"at":4,"connection":1,"from":"client","event":"end"}
 * {"at":5,"connection":1,"from":"server","event":"end"}
 * {"at":5,"connection":1,"event":"close"}
 * `);
 * const adapter = memoryAdapter();
 * await using server = await serve({
 *   port: 0,
 *   adapter,
 *   framing: lines({ encoding: "utf-8" }),
 *   onFrame: (line, connection) => connection.send(line.toUpperCase()),
 * });
 * const report = await replay(recording, { adapter, address: server.address, speed: Infinity });
 * console.log(report.outcome); // same
 * ```
 *
 * @throws {OptionsError} `invalid`, for an invalid option and a connection that is not in the recording
 * @throws {SocketError} when the connection cannot be made, and `aborted` by `signal`
 */
export async function replay(recording: Recording, options: ReplayOptions): Promise<ReplayReport> {
  const { adapter, address, connection, ...playing } = options;
  const found = typeof address === "string" ? readAddress(address, "connect") : undefined;
  if (found?.ok === false) {
    throw new OptionsError("invalid", [{ path: "address", found: address, expected: wanted(found) }]);
  }
  const recorded = connectionOf(recording, connection);
  const place = found?.value ?? address as Address;
  return await play(
    recorded,
    (signal) =>
      adapter.connect({ address: place, signal, tls: undefined, noDelay: true, keepAlive: "system" }),
    playing,
  );
}

/** The same over a connection that the caller makes. */
export async function play(
  recorded: RecordedConnection,
  dial: (signal: AbortSignal | undefined) => Promise<Transport>,
  options: PlayOptions,
): Promise<ReplayReport> {
  const check = new OptionsCheck();
  check.keys(options, ["speed", "wait", "clock", "signal", "onChunk", "onProgress"]);
  check.functions(options, ["onChunk", "onProgress"]);
  const { speed = 1, clock = systemClock, signal, onChunk, onProgress } = options;
  if (!(speed > 0)) check.refuse("speed", speed, "a number above 0, or Infinity");
  const wait = checkDuration(check, "wait", options.wait, 5_000);
  check.done();
  const { events, complete, at } = recorded;
  const server = events.flatMap(({ from, bytes }) => from === "server" && bytes !== undefined ? [bytes] : []);
  const chunks = events.filter(({ from, bytes }) => from === "client" && bytes !== undefined).length;
  const comparison = new Comparison(server, !complete);
  const transport = await dial(signal);
  const tell = (): ReplayProgress => ({
    sentChunks: player.sentChunks,
    chunks,
    receivedBytes: comparison.receivedBytes,
  });
  const progress = onProgress && (() => onProgress(tell()));
  const player = new Player(transport, comparison, { clock, speed, wait, progress, chunk: onChunk });
  const stop = (): void => player.stop();
  signal?.addEventListener("abort", stop);
  try {
    if (signal?.aborted) stop();
    await player.play(events, at);
    await player.leave();
  } finally {
    signal?.removeEventListener("abort", stop);
  }
  if (signal?.aborted) throw new SocketError("aborted", "replay a recording: it was stopped");
  const { differsAt, receivedBytes, expectedBytes } = comparison;
  const whole = player.sentAll && receivedBytes >= expectedBytes;
  const outcome = differsAt !== undefined ? "different" : whole ? "same" : "missing";
  return { outcome, ...tell(), sentBytes: player.sentBytes, expectedBytes, differsAt, error: player.error };
}
