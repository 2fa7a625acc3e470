/**
 * Text as bytes and back, for framings whose frames are strings.
 *
 * Used by `lines.ts`. `"latin1"` is ISO 8859-1 byte for byte, which `TextDecoder` has no label for (its
 * `latin1` is windows-1252).
 */
import type { ByteSink } from "./framing.ts";
import { refusal } from "./refusal.ts";

/** Encodings of text frames. */
export type TextEncoding = "utf-8" | "latin1";

/** One encoding, both ways. */
export interface TextCodec {
  /** Throws `TypeError` for bytes that are no text, where the codec is strict. */
  decode(bytes: Uint8Array): string;
  encode(text: string, out: ByteSink): void;
}

/** `fatal`: invalid UTF-8 is an error instead of U+FFFD. A byte order mark is kept. */
export function textCodec(encoding: TextEncoding, fatal: boolean): TextCodec {
  if (encoding === "latin1") return latin1;
  const decoder = new TextDecoder("utf-8", { fatal, ignoreBOM: true });
  return {
    decode: (bytes) => decoder.decode(bytes),
    encode: (text, out) => out.text(text),
  };
}

/** So many arguments a call takes on every engine. */
const atOnce = 4096;

const latin1: TextCodec = {
  decode(bytes) {
    let text = "";
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
