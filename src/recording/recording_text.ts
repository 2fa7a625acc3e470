/**
 * Reads a recording from its text. Every line says itself what it is, so that one which was cut off costs nothing else.
 *
 * For programs, tests and `millrace replay`.
 */
import { OptionsError } from "../core/errors.ts";
import {
  formatName,
  formatVersion,
  readPayload,
  type RecordedConnection,
  type RecordedEvent,
  type RecordedSide,
  type Recording,
  wrongLine,
} from "./recording.ts";

/** A connection that is being read. */
interface Open {
  readonly number: number;
  readonly at: number;
  readonly peer: string | undefined;
  readonly events: RecordedEvent[];
  complete: boolean;
}

/**
 * Reads a recording that `millrace record` or a `Recorder` has written. A last line that is not complete is left out:
 * what a recorder wrote before it was killed can be read.
 *
 * @example
 * ```ts
 * import { parseRecording } from "@millrace/millrace/testing";
 *
 * const recording = parseRecording(`{"format":"millrace-recording","version":1,"startedAt":"2026-11-27T20:00:00.000Z"}
 * {"at":0,"connection":1,"event":"open"}
 * {"at":1.5,"connection":1,"from":"client","text":"hello\\n"}
 * `);
 * console.log(recording.connections[0]!.events.length); // 1
 * ```
 *
 * @throws {OptionsError} `invalid`, for a text that is not a recording; the path names the line
 */
export function parseRecording(text: string): Recording {
  const lines = text.split("\n");
  const last = lines.pop()!;
  const torn = last !== "" && objectIn(last) === undefined;
  if (last !== "" && !torn) lines.push(last);
  const startedAt = readHead(lines[0] ?? last);
  const connections = new Map<number, Open>();
  let full = false;
  for (let line = 2; line <= lines.length; line++) {
    const found = lines[line - 1]!;
    if (found.trim() === "") continue;
    const fields = objectIn(found);
    if (fields === undefined) throw wrongLine(line, short(found), "an object in JSON");
    full = readLine(fields, line, connections) || full;
  }
  return { startedAt, connections: [...connections.values()] satisfies RecordedConnection[], full, torn };
}

function readHead(line: string): string {
  const head = objectIn(line);
  if (head?.["format"] !== formatName) {
    throw wrongLine(1, short(line), `the first line of a recording, with "format":"${formatName}"`);
  }
  const { version, startedAt } = head;
  if (version !== formatVersion) {
    throw wrongLine(1, version, `version ${formatVersion}, which this program reads`);
  }
  return String(startedAt ?? "");
}

/** Adds what one line says; true for the one that says that the recording is full. */
function readLine(fields: Fields, line: number, connections: Map<number, Open>): boolean {
  const { at, connection: number, event, from, peer, text, hex } = fields;
  if (typeof at !== "number" || !(at >= 0 && at < Infinity)) {
    throw wrongLine(line, at, '"at", in milliseconds');
  }
  if (event === "full") return true;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1) {
    throw wrongLine(line, number, '"connection", a number from 1');
  }
  const known = connections.get(number);
  if (event === "open") {
    if (known !== undefined) throw wrongLine(line, event, `one "open" for connection ${number}`);
    const opened = {
      number,
      at,
      peer: typeof peer === "string" ? peer : undefined,
      events: [],
      complete: false,
    };
    connections.set(number, opened);
    return false;
  }
  if (known === undefined) throw wrongLine(line, number, "a connection that was opened before");
  if (known.complete) throw wrongLine(line, number, "a connection that is not closed yet");
  if (event === "close") {
    known.complete = true;
    return false;
  }
  if (from !== "client" && from !== "server") throw wrongLine(line, from, '"from", client or server');
  known.events.push(readEvent(at, from, event, text, hex, line));
  return false;
}

function readEvent(
  at: number,
  from: RecordedSide,
  event: unknown,
  text: unknown,
  hex: unknown,
  line: number,
): RecordedEvent {
  if (event === "end" || event === "reset") return { at, from, event };
  if (event !== undefined) throw wrongLine(line, event, '"event", open, end, reset, close or full');
  const bytes = readPayload(text, hex);
  if (bytes === undefined) throw wrongLine(line, text ?? hex, '"text", or "hex" with pairs of hex digits');
  return { at, from, bytes };
}

type Fields = Readonly<Record<string, unknown>>;

function objectIn(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Fields : undefined;
  } catch {
    return undefined;
  }
}

function short(line: string): string {
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}

/** The connection with this number, or the first. Throws `OptionsError` where there is none. */
export function connectionOf(recording: Recording, number?: number): RecordedConnection {
  const { connections } = recording;
  const found = number === undefined ? connections[0] : connections.find((each) => each.number === number);
  if (found !== undefined) return found;
  const numbers = connections.map((each) => each.number);
  const expected = connections.length === 0
    ? "a recording with a connection in it"
    : `a connection of the recording: ${numbers.slice(0, 20).join(", ")}${numbers.length > 20 ? " …" : ""}`;
  throw new OptionsError("invalid", [{ path: "connection", found: number, expected }]);
}
