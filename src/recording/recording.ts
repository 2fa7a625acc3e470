/**
 * What a recording is: the chunks of connections, in the order in which they came, with their times; and how one line of it
 * is written and read.
 *
 * The format is described in docs/recording.md. Used by `recorder.ts`, which writes it, and `recording_text.ts`.
 */
import { OptionsError } from "../core/errors.ts";

/** Who sent it: the side that has connected, or the side that has accepted. */
export type RecordedSide = "client" | "server";

/** Something that happened on a recorded connection. */
export type RecordedEvent =
  | {
    /** Milliseconds since the recording began. */
    readonly at: number;
    /** Who sent it. */
    readonly from: RecordedSide;
    /** The bytes of one chunk, as they were read. */
    readonly bytes: Uint8Array;
    readonly event?: undefined;
  }
  | {
    /** Milliseconds since the recording began. */
    readonly at: number;
    /** Whose it was. */
    readonly from: RecordedSide;
    /** `end`: FIN; `reset`: RST. */
    readonly event: "end" | "reset";
    readonly bytes?: undefined;
  };

/** One connection of a recording. */
export interface RecordedConnection {
  /** Its number in the file, from 1. */
  readonly number: number;
  /** Milliseconds since the recording began, when it was made. */
  readonly at: number;
  /** The client's address, where it is known. */
  readonly peer: string | undefined;
  /** Chunks and ends in order. */
  readonly events: readonly RecordedEvent[];
  /** It was recorded to its end: neither was the recorder stopped before, nor was its file full. */
  readonly complete: boolean;
}

/** A recording that was read. */
export interface Recording {
  /** When it began, in ISO 8601. */
  readonly startedAt: string;
  /** In the order in which they were made. */
  readonly connections: readonly RecordedConnection[];
  /** Recording ended at the maximum size. */
  readonly full: boolean;
  /** The last line is not complete and was left out: the recorder was killed while it wrote it. */
  readonly torn: boolean;
}

/** The first line of every recording. */
export const formatName = "millrace-recording";
/** Changes when earlier readers could not read it. */
export const formatVersion = 1;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Bytes for a person: as text, where they are text and nothing else, and as hex digits. */
export function showPayload(bytes: Uint8Array): { readonly text: string } | { readonly hex: string } {
  try {
    const text = decoder.decode(bytes);
    // Letters of any script and line ends; what a terminal would act on stays digits.
    if (
      /^[\t\r\n\x20-\x7e\u00a0-\ud7ff\ue000-\uffef]*$/u.test(text) &&
      !/[\u2028-\u202e\u2066-\u2069\ufeff]/.test(text)
    ) {
      return { text };
    }
  } catch {
    // No text.
  }
  return { hex: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") };
}

/** What `showPayload` made, back. Undefined for what it cannot have made. */
export function readPayload(text: unknown, hex: unknown): Uint8Array | undefined {
  if (typeof text === "string" && hex === undefined) return encoder.encode(text);
  if (text !== undefined || typeof hex !== "string" || !/^(?:[0-9a-f]{2})*$/i.test(hex)) return undefined;
  return Uint8Array.from(
    { length: hex.length / 2 },
    (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16),
  );
}

/** A line that is none of a recording. */
export function wrongLine(line: number, found: unknown, expected: string): OptionsError {
  return new OptionsError("invalid", [{ path: `line ${line}`, found, expected }]);
}
