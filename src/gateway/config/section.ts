/**
 * Reads one table of a configuration key by key, so that whatever was not asked for is a fault.
 *
 * Used by the files of this folder that know what belongs where.
 */
import { distance } from "../../core/options.ts";
import type { ConfigPath, FaultList } from "./fault.ts";

/** Turns a value into what it stands for, or throws {@linkcode Refusal}. */
export type Read<T> = (value: unknown) => T;

/** A value is not what it should be. */
export class Refusal extends Error {
  readonly expected: string;
  readonly hint: string | undefined;
  constructor(expected: string, hint?: string) {
    super(expected);
    this.expected = expected;
    this.hint = hint;
  }
}

/** One table. */
export class Section {
  readonly path: ConfigPath;
  readonly #list: FaultList;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #asked: Set<string> = new Set();

  private constructor(list: FaultList, path: ConfigPath, values: Readonly<Record<string, unknown>>) {
    this.#list = list;
    this.path = path;
    this.#values = values;
  }

  /** Opens a value as a table; a fault and nothing when it is none. */
  static open(list: FaultList, path: ConfigPath, value: unknown, expected: string): Section | undefined {
    if (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)) {
      return new Section(list, path, value as Record<string, unknown>);
    }
    list.add(path, value, expected);
    return undefined;
  }

  /** The keys, in the order of the text. */
  get keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** The value at a key as it is; marks the key as known. */
  raw(key: string): unknown {
    this.#asked.add(key);
    return Object.hasOwn(this.#values, key) ? this.#values[key] : undefined;
  }

  /** The value at a key; undefined when there is none or it was refused. */
  take<T>(key: string, read: Read<T>): T | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    try {
      return read(value);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(key, value, error.expected, error.hint);
      return undefined;
    }
  }

  /** The same; a fault when there is none. */
  require<T>(key: string, read: Read<T>, expected: string): T | undefined {
    if (this.raw(key) === undefined) this.refuse(key, undefined, expected);
    return this.take(key, read);
  }

  /** The table at a key, opened, given to `read`, and closed; `why` as for `close`. */
  table<T>(
    key: string,
    expected: string,
    read: (section: Section) => T,
    why?: (key: string) => string | undefined,
  ): T | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    const section = Section.open(this.#list, [...this.path, key], value, expected);
    if (section === undefined) return undefined;
    const result = read(section);
    section.close(why);
    return result;
  }

  /** Says what is wrong at a key. */
  refuse(key: string, found: unknown, expected: string, hint?: string): void {
    this.#list.add([...this.path, key], found, expected, hint);
  }

  /** True when something stands at the key, right or wrong. */
  has(key: string): boolean {
    return this.raw(key) !== undefined;
  }

  /** Refuses every key that nobody asked for. `why` may explain one that belongs elsewhere. */
  close(why: (key: string) => string | undefined = () => undefined): void {
    for (const key of Object.keys(this.#values)) {
      if (this.#asked.has(key)) continue;
      const near = nearest(key, this.#asked);
      const hint = why(key) ?? (near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`);
      const known = [...this.#asked].join(", ");
      const expected = hint === undefined ? `a key that exists here: ${known}` : "a key that exists here";
      this.#list.add([...this.path, key], this.#values[key], expected, hint, "key");
    }
  }
}

/** The name that was probably meant: the same but for case and dashes, or a typing error away. */
export function nearest(found: string, names: Iterable<string>): string | undefined {
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_. ]/g, "");
  let best: string | undefined = undefined;
  let least = 3;
  for (const name of names) {
    const away = distance(plain(found), plain(name));
    // Of a short name a typing error leaves little: half of it must be right.
    if (away < least && away * 2 <= Math.max(name.length, 2)) {
      best = name;
      least = away;
    }
  }
  return best;
}

/** The values at these keys, without those that are missing or were refused. */
export function readAll(
  section: Section,
  readers: Readonly<Record<string, Read<unknown>>>,
): Record<string, never> {
  const found: Record<string, unknown> = {};
  for (const [key, read] of Object.entries(readers)) {
    const value = section.take(key, read);
    if (value !== undefined) found[key] = value;
  }
  return found as Record<string, never>;
}
