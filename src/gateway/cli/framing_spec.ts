/** Framings on the command line: `--framing`. Their grammar is that of `protocols/framing_text.ts`. */
import { checksumKinds } from "../../core/checksum/checksum.ts";
import type { Framing } from "../../core/framing/framing.ts";
import { parseFraming } from "../../protocols/framing_text.ts";
import { formOf, type Preset } from "../../protocols/preset.ts";
import { presets } from "../../protocols/presets.ts";

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

function protocolHelp(preset: Preset): string {
  const form = formOf(preset);
  const column = "  ".length + "length:N,inclusive  ".length;
  const gap = form.length + 2 < column ? " ".repeat(column - 2 - form.length) : `\n${" ".repeat(column)}`;
  return `  ${form}${gap}${preset.summary}`;
}

/** How framings, durations and sizes are written, for help texts. */
export const formsHelp: string = `Framings:
  lines               text lines that end with \\n or \\r\\n; \\n is sent
  lines:crlf          the same, but \\r\\n is sent
  lines:cr            the same, but \\r is sent, and ends a line too
  lines,lone-cr       \\r ends a line too
  delimited:BYTES     any delimiter; \\n \\r \\t \\0 \\xHH \\\\ and \\, are escapes
  delimited:BYTES,or=BYTES  one of several delimiters; the first is sent; or= may stand there repeatedly
  delimited:BYTES,keep      frames include their delimiter
  delimited:BYTES,prefix    the delimiter begins each frame
  length:N            a binary length of N = 1 to 8 bytes before each frame, big-endian
  length:N,le         little-endian
  length:N,decimal    the length in N ASCII digits; hex for hexadecimal, bcd for two digits in each of N bytes
  length:N,mask=M     only these bits are the length, such as mask=0x7fff
  length:N,inclusive  the length includes its own bytes
  length:N,adjust=M   the frame is M bytes longer than the length says
  length:N,offset=M   M bytes precede the length; frames include their header
  length:N,header=M   M bytes precede the body; frames include their header
  length:N,keep       frames include their header
  length:N,drop-empty received frames without a body (keepalives) are dropped
  varint, ber         a length as a varint (Protocol Buffers), or as in BER (ASN.1), before each frame
  varint,offset=M     M bytes precede the length; frames include their header; the same for ber, and below
  varint,bytes=N      a length of at most N bytes, 1 to 5
  varint,shortest     a length must have its shortest form; keep and drop-empty as above
  length:N,max-sent=SIZE    the maximum size of a frame to send; also of varint and ber
  fixed:N             frames of N bytes
  silence:DURATION    frames that end when nothing has come for so long, such as silence:15ms
  raw                 no framing: a frame is what one read returns
${[...presets.values()].map(protocolHelp).join("\n")}
All but raw also take a checksum at the end of each frame, verified and written:
  checksum=TYPE       ${[...checksumKinds.keys()].slice(0, 7).join(", ")},
                      ${[...checksumKinds.keys()].slice(7).join(", ")}
  checksum-le, checksum-bytes=N, checksum-format=hex|decimal    how it is written
  checksum-from=N, checksum-sep=BYTES, checksum-seed=N          the first byte it covers, what precedes it, its seed
  checksum-keep       frames include it
All but fixed and raw also take max=SIZE, the maximum frame size (64KiB, 1m; default 1m), and skip, which drops a bad
frame instead of closing the connection. Framings of protocols take what is shown; close is for those that skip without
being told. All but silence and raw take discard-after-silence=50ms: a frame that has begun is dropped when nothing comes
for so long.

Durations: 500ms, 5s, 2m, 1h. Sizes: 64KiB or 64k, 1MB, or bytes. Infinity is no limit.`;
