/**
 * Text as bytes and back, for framings whose frames are strings.
 *
 * Used by `lines.ts`. `"latin1"` is ISO 8859-1 byte for byte, which `TextDecoder` has no label for (its
 * `latin1` is windows-1252).
 */
import type { ByteSink } from "../framing/framing.ts";
import { refusal } from "../framing/refusal.ts";
import { isFaster } from "../time/faster.ts";

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
  if (encoding === "latin1") return latin1;
  return fatal ? strictUtf8 : utf8;
}

/** From so many bytes on it matters which decoder is the faster, and not what it costs that the strict one throws. */
const longText = 512;
let strictFirst: boolean | undefined;

/**
 * Whether the strict decoder is the faster on text that is right: on Node 20 it is, by seven times; on Deno the lenient one
 * is, by as much.
 */
function usesStrict(): boolean {
  return strictFirst ??= isFaster((bytes) => strict.decode(bytes), (bytes) => lenient.decode(bytes));
}

const utf8: TextCodec = {
  decode(bytes) {
    if (bytes.length >= longText && usesStrict()) {
      try {
        return strict.decode(bytes);
      } catch {
        // The lenient one says what stands in place of what is wrong.
      }
    }
    return lenient.decode(bytes);
  },
  encode: (text, out) => out.text(text),
};

const strictUtf8: TextCodec = {
  decode(bytes) {
    if (bytes.length >= longText && usesStrict()) return strict.decode(bytes);
    // Asked only where something may be wrong.
    const text = lenient.decode(bytes);
    return text.includes(replacement) ? strict.decode(bytes) : text;
  },
  encode: utf8.encode,
};

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
