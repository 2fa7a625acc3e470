/**
 * Text as bytes and back, for framings whose frames are strings.
 *
 * Used by `lines.ts`. `"latin1"` is ISO 8859-1 byte for byte, which `TextDecoder` has no label for (its
 * `latin1` is windows-1252).
 */
import type { ByteSink } from "../framing/framing.ts";
import { refusal } from "../framing/refusal.ts";

/** Encodings of text frames. */
export type TextEncoding = "utf-8" | "latin1";

/** One encoding, both ways. */
export interface TextCodec {
  /** Throws `TypeError` for bytes that are no text, where the codec is strict. */
  decode(bytes: Uint8Array): string;
  encode(text: string, out: ByteSink): void;
}

const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const replacement = "\ufffd";

/** `fatal`: invalid UTF-8 is an error instead of U+FFFD. A byte order mark is kept. */
export function textCodec(encoding: TextEncoding, fatal: boolean): TextCodec {
  return encoding === "latin1" ? latin1 : utf8(fatal);
}

/** From so many bytes on it matters which decoder is the faster, and not what it costs that the strict one throws. */
const longText = 512;
/**
 * Whether the strict decoder is the faster on text that is right: on Node 20 it is, by seven times; on Deno the lenient one
 * is, by as much.
 */
let strictFirst: boolean | undefined;

/** Where the clock stands still, no decoder is the faster. */
function leastMs(decoder: TextDecoder): number {
  const sample = new Uint8Array(8192);
  let least = Infinity;
  for (let run = 0; run < 20; run++) {
    const start = performance.now();
    decoder.decode(sample);
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

const utf8 = (fatal: boolean): TextCodec => ({
  decode(bytes) {
    if (bytes.length >= longText && (strictFirst ??= leastMs(strict) * 2 < leastMs(lenient))) {
      try {
        return strict.decode(bytes);
      } catch (error) {
        if (fatal) throw error;
        // The lenient one says what stands in place of what is wrong.
      }
    }
    const text = lenient.decode(bytes);
    // The strict one is asked only where something may be wrong.
    return fatal && text.includes(replacement) ? strict.decode(bytes) : text;
  },
  encode: (text, out) => out.text(text),
});

/** So many arguments a call takes on every engine. */
const atOnce = 4096;

const latin1: TextCodec = {
  decode(bytes) {
    // ASCII is the same in UTF-8, where anything else gives fewer characters than bytes or U+FFFD.
    let text = lenient.decode(bytes);
    if (text.length === bytes.length && !text.includes(replacement)) return text;
    text = "";
    for (let at = 0; at < bytes.length; at += atOnce) {
      text += String.fromCharCode.apply(null, bytes.subarray(at, at + atOnce) as unknown as number[]);
    }
    return text;
  },
  encode(text, out) {
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < bytes.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 255) {
        const found = JSON.stringify(String.fromCodePoint(text.codePointAt(i)!));
        throw refusal(
          "latin1 text",
          `found ${found} at ${i}, which latin1 cannot express; use encoding "utf-8"`,
        );
      }
      bytes[i] = code;
    }
    out.bytes(bytes);
  },
};
