/**
 * What a preset is: the framing of one protocol, and its options as data, from which the grammar of framings as text, the
 * tables of a configuration and the help are made, so that all three accept the same.
 *
 * One is exported by each protocol's file, and gathered in `presets.ts`. Knows no protocol.
 */
import type { Framing } from "../core/framing/framing.ts";

/** What a value of an option may be. */
export type PresetValue =
  | { readonly kind: "flag" }
  | { readonly kind: "size" }
  | { readonly kind: "bytes" }
  | { readonly kind: "integer"; readonly least: number; readonly most: number }
  | { readonly kind: "choice"; readonly of: readonly string[] };

/** The framing of one protocol as people name it in text and in a configuration. */
export interface Preset {
  /** The name of the function, which is also its name in text and in a configuration. */
  readonly name: string;
  /** What it frames, in a few words for the help. */
  readonly summary: string;
  /** The options that the function takes, by their names. */
  readonly options: Readonly<Record<string, PresetValue>>;
  /** The function. It checks what the options say together; its frames are bytes here. */
  make(options: never): Framing<Uint8Array>;
}

export const size: PresetValue = { kind: "size" };
/** `close` or `skip`. */
export const policy: PresetValue = { kind: "choice", of: ["close", "skip"] };

const shortWords: Readonly<Record<string, string>> = { maxFrameBytes: "max", maxSentFrameBytes: "max-sent" };

/** The word for an option in text: `keepHeader` is `keep-header`. */
export function wordFor(option: string): string {
  return shortWords[option] ?? option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** How its text is written, with all its options, for the help. */
export function formOf({ name, options }: Preset): string {
  return name + Object.entries(options).map(([option, value]) => `[,${optionForm(option, value)}]`).join("");
}

function optionForm(option: string, value: PresetValue): string {
  if (option === "onFrameError") return "skip|close";
  const word = wordFor(option);
  switch (value.kind) {
    case "flag":
      return `[no-]${word}`;
    case "choice":
      return `${word}=${value.of.join("|")}`;
    case "integer":
      return `${word}=${value.least}..${value.most}`;
    case "size":
    case "bytes":
      return `${word}=${value.kind.toUpperCase()}`;
  }
}
