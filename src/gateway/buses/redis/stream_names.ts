/**
 * Which stream stores a subject: the one that is named like the part before the place of `>` in the pattern that covers it.
 *
 * `millrace.*.in.>` puts `millrace.meters.in.c1` into the stream `millrace.meters.in`; a pattern without `>` covers whole
 * subjects, and so the streams have their names.
 */
import { BusError } from "../../errors.ts";
import { checkSubject, matches, overlap } from "../subject.ts";

/** Subjects of which it is remembered where they are stored; then the memory starts afresh. */
const mostSubjects = 4096;

/** What is stored unless told otherwise. */
export const standardSubjects: readonly string[] = ["millrace.*.in", "millrace.*.in.>"];

/** The streams of one bus. */
export class StreamNames {
  readonly #patterns: readonly string[];
  readonly #known: Map<string, string | undefined> = new Map();

  constructor(patterns: readonly string[]) {
    this.#patterns = patterns;
  }

  /** The name; undefined for a subject that is not stored. Throws for what is none. */
  of(subject: string): string | undefined {
    const known = this.#known.get(subject);
    if (known !== undefined || this.#known.has(subject)) return known;
    checkSubject(subject);
    if (this.#known.size >= mostSubjects) this.#known.clear();
    const pattern = this.#patterns.find((one) => matches(one, subject));
    const name = pattern === undefined ? undefined : subject.split(".").slice(0, lengthOf(pattern)).join(".");
    this.#known.set(subject, name);
    return name;
  }

  /** The names of all that a pattern covers; none where nothing of it is stored. Throws where they have no end. */
  covering(pattern: string): readonly string[] {
    const tokens = pattern.split(".");
    const names = this.#patterns.filter((one) => overlap(one, pattern)).map((one) => {
      const name = one.split(".").slice(0, lengthOf(one)).map((token, at) => {
        const rest = tokens[at] === undefined || tokens[at] === ">" || tokens.slice(0, at).includes(">");
        return isWild(token) && !rest ? tokens[at]! : token;
      });
      if (!name.some(isWild)) return name.join(".");
      const text =
        `subscribe to ${pattern}: it covers more than one stream of ${one}; expected a pattern that names one`;
      throw new BusError("invalid_subject", text);
    });
    return [...new Set(names)];
  }
}

/** How many tokens of a subject are the name of its stream. */
function lengthOf(pattern: string): number | undefined {
  return pattern === ">" ? 1 : pattern.endsWith(".>") ? pattern.split(".").length - 1 : undefined;
}

function isWild(token: string): boolean {
  return token === "*" || token === ">";
}
