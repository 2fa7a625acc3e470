/**
 * Every default in one column, and the check of options: all faults of an options object at once.
 *
 * Used by `server/` and `client/`; inward goes a smaller record of plain numbers.
 */
import type { EgressPolicy } from "./flow/outcome.ts";
import { OptionsError, type OptionsIssue } from "./errors.ts";
import { type Reading, wanted } from "./text/reading.ts";
import { readSize, type SizeInput, type SizeRange } from "./text/size.ts";

interface Defaults {
  readonly host: string;
  readonly maxConnections: number;
  readonly noDelay: boolean;
  readonly tcpKeepAlive: number;
  readonly idleTimeout: number;
  readonly frameTimeout: number;
  readonly closeTimeout: number;
  readonly lingerTimeout: number;
  readonly goodbyeWait: number;
  readonly connectTimeout: number;
  readonly handshakeTimeout: number;
  readonly maxHandshakes: number;
  readonly maxPending: number;
  readonly shutdownDeadline: number;
  readonly ingressLimit: number;
  readonly egressLimit: number;
  readonly egressPolicy: EgressPolicy;
}

/** The defaults. Durations in milliseconds, sizes in bytes. */
export const defaults: Defaults = {
  host: "127.0.0.1",
  maxConnections: 4096,
  noDelay: true,
  tcpKeepAlive: 30_000,

  idleTimeout: 300_000,
  frameTimeout: 30_000,
  closeTimeout: 30_000,
  lingerTimeout: 2_000,
  goodbyeWait: 1_000,
  connectTimeout: 10_000,
  handshakeTimeout: 10_000,
  maxHandshakes: 1024,
  maxPending: 1024,
  shutdownDeadline: 30_000,

  // Written as numbers, since bundlers leave out an object that is not used only if nothing in it must be computed.
  ingressLimit: 262_144,
  egressLimit: 1_048_576,
  egressPolicy: "wait",
};

/** Gathers what is wrong with an options object, and throws it all at once. */
export class OptionsCheck {
  readonly #issues: OptionsIssue[] = [];
  #unsupported = false;

  /** Refuses keys that are not known, so that a misspelt option is not silently ignored; `path` ends in a dot. */
  keys(options: object, known: readonly string[], path = ""): void {
    if (typeof options !== "object" || options === null) {
      throw new OptionsError("invalid", [{ path: "options", found: options, expected: "an object" }]);
    }
    for (const key of Object.keys(options)) {
      if (known.includes(key)) continue;
      const near = known.find((name) => distance(name.toLowerCase(), key.toLowerCase()) <= 2);
      const hint = near === undefined ? "" : `; did you mean ${near}?`;
      this.refuse(path + key, (options as Record<string, unknown>)[key], `no such option${hint}`);
    }
  }

  /** A number of bytes, 1 or more; `Infinity` is allowed, unless `range` says otherwise. */
  size(path: string, value: SizeInput | undefined, fallback: number, range?: SizeRange): number {
    return value === undefined ? fallback : this.take(path, value, readSize(value, range), fallback);
  }

  /** What was read, or what stands in its place where it was something else. */
  take<T>(path: string, found: unknown, reading: Reading<T>, fallback: T): T {
    if (reading.ok) return reading.value;
    this.refuse(path, found, wanted(reading));
    return fallback;
  }

  /** Functions, or left out. */
  functions<Name extends string>(
    options: Readonly<Partial<Record<Name, unknown>>>,
    names: readonly Name[],
  ): void {
    for (const name of names) {
      if (options[name] !== undefined && typeof options[name] !== "function") {
        this.refuse(name, options[name], "a function");
      }
    }
  }

  oneOf<T extends string>(path: string, value: T | undefined, fallback: T, allowed: readonly T[]): T {
    if (value === undefined) return fallback;
    if (allowed.includes(value)) return value;
    this.refuse(path, value, `one of ${allowed.map((name) => JSON.stringify(name)).join(", ")}`);
    return fallback;
  }

  refuse(path: string, found: unknown, expected: string): void {
    this.#issues.push({ path, found, expected });
  }

  /** An ability that the runtime's sockets do not have. */
  unsupported(path: string, found: unknown, expected: string): void {
    this.#unsupported = true;
    this.refuse(path, found, expected);
  }

  /** Throws `OptionsError` if anything was refused. */
  done(): void {
    if (this.#issues.length > 0) {
      throw new OptionsError(this.#unsupported ? "unsupported" : "invalid", this.#issues);
    }
  }
}

/** An option that is a whole number within a range; faults go to `check`. */
export function checkInteger(
  check: OptionsCheck,
  path: string,
  value: number | undefined,
  fallback: number,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (value === undefined) return fallback;
  if (value === Infinity && most === Number.MAX_SAFE_INTEGER) return value;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER
    ? `${least} or more, or Infinity for no limit`
    : `${least} to ${most}`;
  check.refuse(path, value, `a whole number, ${range}`);
  return fallback;
}

/** An option that is a switch: true, false or left out; faults go to `check`. */
export function checkFlag(check: OptionsCheck, path: string, value: boolean | undefined): void {
  if (value !== undefined && typeof value !== "boolean") check.refuse(path, value, "true or false");
}

/** Levenshtein distance, for the hint after a misspelt name. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
