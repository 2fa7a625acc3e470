/**
 * A checksum in a framing's text: `length:2,checksum=crc16-x25,checksum-le`, behind any framing whose frames end somewhere.
 *
 * Used by `framing_text.ts`, once the framing itself has taken its words.
 */
import { checksumKinds } from "../core/checksum/checksum.ts";
import { OptionsError } from "../core/errors.ts";
import { checksummed } from "../core/framing/checksummed.ts";
import type { ChecksumOptions } from "../core/framing/checksum_options.ts";
import type { Framing } from "../core/framing/framing.ts";
import type { FramingWords } from "./framing_words.ts";
import type { PresetValue } from "./preset.ts";
import { wrong } from "./framing_words.ts";

const word = "checksum";
const types: PresetValue = { kind: "choice", of: [...checksumKinds.keys()] };

/** How an option of `checksummed` is called in a text. */
const optionWords: Readonly<Record<string, string>> = {
  type: word,
  endian: `${word}-le`,
  separator: `${word}-sep`,
  keepChecksum: `${word}-keep`,
  framing: word,
};

/** The framing, or the same with the checksum that the words say. */
export function withChecksum(framing: Framing<Uint8Array>, words: FramingWords): Framing<Uint8Array> {
  const first = words.given.find((each) => each.startsWith(word));
  if (first === undefined) return framing;
  const type = words.value(word, types);
  if (type === undefined) throw wrong(first, `${word}= and ${[...checksumKinds.keys()].join(" or ")}`);
  const separator = words.value(`${word}-sep`, { kind: "bytes" });
  const given = {
    type,
    format: words.value(`${word}-format`, { kind: "choice", of: ["binary", "hex", "decimal"] }),
    endian: words.flag(`${word}-le`) ? "little" : undefined,
    bytes: words.number(`${word}-bytes`),
    from: words.number(`${word}-from`),
    seed: words.number(`${word}-seed`),
    separator,
    keepChecksum: words.flag(`${word}-keep`),
    onFrameError: words.given.includes("skip") ? "skip" : "close",
  } as ChecksumOptions; // which of them go together, checksummed checks
  // It is a word of fixed:N only with a checksum.
  words.flag("skip");
  try {
    return checksummed(framing, given);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const { path, found, expected } = error.issues[0]!;
    throw wrong(found, `${optionWords[path] ?? `${word}-${path}`} to be ${expected}`, { cause: error });
  }
}
