/**
 * What is known of peers by address: how many connections each has open, and what is left of its rate.
 *
 * Used by `admission.ts`. It never holds more than one entry for each open connection and a fixed number of others:
 * one without connections goes once its bucket is full, and is forgotten early where there are too many.
 */
import { type AcceptPace, type Bucket, fullAfter, hasToken, takeTokens } from "./token_bucket.ts";

/** One address; without connections it stands in a list, behind those that were accepted before it. */
interface Entry extends Bucket {
  readonly key: string;
  open: number;
  before: Entry | undefined;
  behind: Entry | undefined;
}

/** Addresses without connections that are remembered. */
export const mostIdle = 65_536;

/** Peers by address. */
export class AddressTable {
  /** The rate of each address; undefined for none. */
  #pace: AcceptPace | undefined;
  readonly #entries: Map<string, Entry> = new Map();
  /** The list: a map is slow to tell its first key again and again, once others before it are gone. */
  #oldest: Entry | undefined = undefined;
  #newest: Entry | undefined = undefined;
  #idle = 0;

  constructor(pace: AcceptPace | undefined) {
    this.#pace = pace;
  }

  /** Addresses that are known now. */
  get size(): number {
    return this.#entries.size;
  }

  /** Another rate, from now on; what an address has left is kept, up to the new burst. */
  change(pace: AcceptPace | undefined, now: number): void {
    const before = this.#pace;
    this.#pace = pace;
    if (before !== undefined) {
      for (const entry of this.#entries.values()) takeTokens(entry, before, now, 0);
    }
    if (pace === undefined) { while (this.#oldest !== undefined) this.#drop(this.#oldest); }
  }

  /** Connections that an address has open. */
  open(key: string): number {
    return this.#entries.get(key)?.open ?? 0;
  }

  /** Whether the rate of an address allows one more. */
  allows(key: string, now: number): boolean {
    const pace = this.#pace;
    const entry = pace && this.#entries.get(key);
    return pace === undefined || entry === undefined || hasToken(entry, pace, now);
  }

  /** Takes a token of an address that `allows` has allowed. */
  take(key: string, now: number): void {
    const pace = this.#pace;
    if (pace === undefined) return;
    this.forget(now);
    const entry = this.#entry(key, now);
    takeTokens(entry, pace, now, 1);
    if (entry.open === 0) this.#remember(entry);
  }

  enter(key: string, now: number): void {
    const entry = this.#entry(key, now);
    if (entry.open++ === 0) this.#unlink(entry);
  }

  leave(key: string, now: number): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.open > 0 && --entry.open === 0) this.#empty(entry, now);
  }

  /** Nobody has a connection, as far as is known: those who have one enter again. */
  recount(now: number): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.open === 0) continue;
      entry.open = 0;
      this.#empty(entry, now);
    }
  }

  /** Lets go of addresses whose bucket is full again: they are as new ones. */
  forget(now: number): void {
    const pace = this.#pace;
    if (pace === undefined) return;
    const after = fullAfter(pace);
    while (this.#oldest !== undefined && now - this.#oldest.at >= after) this.#drop(this.#oldest);
  }

  #entry(key: string, now: number): Entry {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { key, open: 0, tokens: Infinity, at: now, before: undefined, behind: undefined };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** Its last connection is gone. */
  #empty(entry: Entry, now: number): void {
    const pace = this.#pace;
    if (pace !== undefined) takeTokens(entry, pace, now, 0);
    if (pace === undefined || entry.tokens >= pace.burst) this.#entries.delete(entry.key);
    else this.#remember(entry);
  }

  /** Puts it at the end of the list. */
  #remember(entry: Entry): void {
    this.#unlink(entry);
    if (this.#idle >= mostIdle) this.#drop(this.#oldest!);
    entry.before = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.behind = entry;
    this.#newest = entry;
    this.#idle++;
  }

  #drop(entry: Entry): void {
    this.#unlink(entry);
    this.#entries.delete(entry.key);
  }

  #unlink(entry: Entry): void {
    const { before, behind } = entry;
    if (before === undefined && this.#oldest !== entry) return;
    if (before === undefined) this.#oldest = behind;
    else before.behind = behind;
    if (behind === undefined) this.#newest = before;
    else behind.before = before;
    entry.before = entry.behind = undefined;
    this.#idle--;
  }
}
