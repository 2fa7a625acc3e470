/**
 * Whether bytes that one framing cannot cut are good frames of another: the other byte order, a length that
 * counts the header, lines where a length is expected.
 *
 * Called by `./diagnosis.ts`, after a first frame has failed. Only guesses that the bytes bear out are made.
 */
import type { FrameErrorReason } from "../errors.ts";
import type { FramingHint } from "./framing.ts";
import { type Endian, lengthReader } from "./length_value.ts";

type LengthHint = Extract<FramingHint, { kind: "length_field" }>;
type DelimitedHint = Extract<FramingHint, { kind: "delimited" }>;

/** As {@linkcode Diagnosis} of `./diagnosis.ts`. */
interface Reading {
  readonly looksLike: string;
  readonly advice: string;
}

const newline = 10;
const carriageReturn = 13;

/** What the first bytes are in another framing; undefined if they fit none. */
export function misreading(
  reason: FrameErrorReason,
  head: Uint8Array,
  hint: FramingHint,
): Reading | undefined {
  if (hint.kind === "raw" || head.length === 0) return undefined;
  if (head.length >= 4 && head.every((byte) => byte === 0)) {
    return { looksLike: "only zero bytes", advice: "check that the peer sends data, not an empty buffer" };
  }
  if (hint.kind === "delimited") return otherDelimiter(head, hint) ?? someLength(head);
  if (hint.kind === "length_field") return linesOfText(head) ?? otherLength(reason, head, hint);
  return linesOfText(head) ?? someLength(head);
}

/** Text with a line end in it, where a length or a fixed size is expected. */
function linesOfText(head: Uint8Array): Reading | undefined {
  if (!head.includes(newline) || !isText(head)) return undefined;
  return { looksLike: "lines of text", advice: "use lines() here, or the binary framing at the peer" };
}

/** The delimiter's near relations: CR for LF, LF for CRLF, and so on. */
function otherDelimiter(head: Uint8Array, { delimiter, position }: DelimitedHint): Reading | undefined {
  if (position === "prefix") return undefined;
  const [first] = delimiter;
  const isNewline = delimiter.length === 1 && first === newline;
  const isReturn = delimiter.length === 1 && first === carriageReturn;
  const isBoth = delimiter.length === 2 && first === carriageReturn && delimiter[1] === newline;
  if (!(isNewline || isReturn || isBoth) || !isText(head)) return undefined;
  const hasNewline = head.includes(newline);
  const hasReturn = head.includes(carriageReturn);
  if (hasReturn && !hasNewline && !isReturn) {
    return {
      looksLike: "lines that end with a carriage return only",
      advice: "use lines({ loneCarriageReturn: true }), or have the peer end lines with a newline",
    };
  }
  if (hasNewline && !hasReturn && !isNewline) {
    return {
      looksLike: "lines that end with a newline only",
      advice: "use lines(), which accepts a newline with or without a carriage return",
    };
  }
  return undefined;
}

/** The same field read in another way. */
function otherLength(reason: FrameErrorReason, head: Uint8Array, hint: LengthHint): Reading | undefined {
  const { endian, lengthBytes, lengthOffset, addedBytes, headerBytes } = hint;
  // Frames as they were asked for, only too large: nothing else to tell.
  if (walk(head, { ...hint, maxFrameBytes: Infinity }) === "whole") return undefined;
  const other: Endian = endian === "big" ? "little" : "big";
  const swapped = walk(head, { ...hint, endian: other });
  // Three bytes and more, of which the wrong end is zero, are no accident; two are, unless the frames add up.
  if (swapped === "whole" || (swapped === "open" && reason !== "truncated" && lengthBytes > 2)) {
    return { looksLike: `frames with a ${other}-endian length`, advice: `set endian to "${other}"` };
  }
  if (addedBytes !== 0 && walk(head, { ...hint, addedBytes: 0 }) === "whole") {
    return {
      looksLike: "frames whose length includes the header",
      advice: "set lengthIncludesHeader to true, or check adjustment",
    };
  }
  if (addedBytes !== headerBytes && walk(head, { ...hint, addedBytes: headerBytes }) === "whole") {
    return {
      looksLike: "frames whose length does not include the header",
      advice: "set lengthIncludesHeader to false, or check adjustment",
    };
  }
  return lengthOffset === 0 ? someLength(head) : undefined;
}

/** A length at the beginning, in the usual sizes, with which the frames add up. */
function someLength(head: Uint8Array): Reading | undefined {
  for (const lengthBytes of [4, 2] as const) {
    for (const endian of ["big", "little"] as const) {
      for (const included of [false, true]) {
        const addedBytes = included ? 0 : lengthBytes;
        const hint = { lengthOffset: 0, lengthBytes, endian, headerBytes: lengthBytes, addedBytes } as const;
        if (walk(head, { ...hint, kind: "length_field", maxFrameBytes: 2 ** 20 }) !== "whole") continue;
        const options = `lengthBytes: ${lengthBytes}, endian: "${endian}"` +
          (included ? ", lengthIncludesHeader: true" : "");
        return {
          looksLike: `frames with a ${lengthBytes}-byte ${endian}-endian length`,
          advice: `use lengthField({ ${options} }) here, or the same framing at the peer`,
        };
      }
    }
  }
  return undefined;
}

/**
 * Follows the lengths from frame to frame: `"whole"` when a frame with a body ends exactly with the bytes,
 * `"open"` when the first frame is longer than they are, `undefined` when a length makes no sense.
 */
function walk(head: Uint8Array, hint: LengthHint): "whole" | "open" | undefined {
  const { lengthOffset, lengthBytes, endian, addedBytes, headerBytes, maxFrameBytes } = hint;
  const read = lengthReader(lengthBytes, endian);
  let at = 0;
  while (at + headerBytes <= head.length) {
    const size = read(head, at + lengthOffset) + addedBytes;
    if (!(size >= headerBytes && size <= maxFrameBytes)) return undefined;
    if (at === 0 && size > head.length) return "open";
    if (at === 0 && size === headerBytes) return undefined;
    at += size;
  }
  return at > 0 && at === head.length ? "whole" : undefined;
}

/** Printable ASCII and white space, and what may be UTF-8. */
function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 32 ? byte !== 127 : byte >= 9 && byte <= 13);
}
