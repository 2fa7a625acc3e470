/** The lists of files in ARCHITECTURE.md: the ways that chunks, frames and signals take. */
import { readFileSync } from "node:fs";

/** One such way. */
export interface Walk {
  /** The numbered files, in their order. */
  readonly files: readonly string[];
  /** Those that are called on the way and return. */
  readonly besides: readonly string[];
}

/** How many files each of them may enter. */
export const walkLimits = { "A chunk in": 8, "A frame out": 6, "A SIGTERM": 10 } as const;

const text = readFileSync(new URL("../../ARCHITECTURE.md", import.meta.url), "utf8");

/** A section as the files that it names. */
export function walkOf(title: keyof typeof walkLimits): Walk {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";
  const besides = /^Besides[^]*?\n\n/m.exec(section)?.[0] ?? "";
  return {
    files: [...section.matchAll(/^\d+\. `(src\/[^`]+\.ts)`/gm)].map(([, file]) => file!),
    besides: [...besides.matchAll(/`(src\/[^`]+\.ts)`/g)].map(([, file]) => file!),
  };
}
