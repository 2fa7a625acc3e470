/** Framings on the command line: `--framing`. Their grammar is that of `core/framing/framing_text.ts`. */
import type { Framing } from "../../core/framing/framing.ts";
import { parseFraming } from "../../core/framing/framing_text.ts";

/** A framing that was written as text. Its frames are bytes, so any of them can be put on a bus or a screen. */
export interface FramingSpec {
  /** As it was written. */
  readonly text: string;
  readonly framing: Framing<Uint8Array>;
}

/** Reads a framing. Throws `OptionsError`. */
export function framingSpec(text: string): FramingSpec {
  return { text, framing: parseFraming(text) };
}

/** What the forms are, for help texts. */
export const framingHelp = `Framings:
  lines               text lines; \\n or \\r\\n ends each, \\n is sent
  lines:crlf          the same, \\r\\n is sent
  delimited:BYTES     any delimiter; \\n \\r \\t \\0 \\xHH \\\\ and \\, are escapes
  delimited:BYTES,keep      frames carry their delimiter
  delimited:BYTES,prefix    the delimiter begins each frame
  length:N            a binary length of N = 1, 2, 3, 4 or 8 bytes before each frame, most significant first
  length:N,le         least significant first
  length:N,inclusive  the length counts itself too
  length:N,adjust=M   the frame is M bytes longer than the length says
  length:N,offset=M   M bytes stand before the length; frames carry their header
  length:N,header=M   M bytes stand before the body; frames carry their header
  length:N,keep       frames carry their header
  fixed:N             frames of N bytes
  raw                 no framing: what one read gives
With any but fixed and raw: max=SIZE, the largest frame (64KiB, 1m; default 1m), and skip, to pass over a bad
frame instead of closing.`;
