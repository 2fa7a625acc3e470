/**
 * Several byte strings to look for at once: the one that begins first, and at one place the longest.
 *
 * Used by `several_delimiters_decoder.ts`. An automaton (Aho and Corasick) over those bytes alone that occur in them, so that
 * each byte of a stream is looked at a bounded number of times. Knows nothing of frames.
 */
import { indexOfByte } from "./byte_search.ts";

/** With more first bytes than this, looking for each of them costs more than a look at each byte. */
const fewFirstBytes = 4;
/** For what lies no further ahead, a call into the engine costs more than a loop. */
const nearBytes = 32;

/** The byte strings. A state is a number, 0 where nothing is matched. */
export class Patterns {
  /** For each byte the number of its column, 0 for all that occur in no pattern. */
  readonly #column: Uint16Array = new Uint16Array(256);
  readonly #columns: number;
  /** The state after a byte, in rows of columns; in `#deeper` only where the match grows, else 0. */
  readonly #next: Int32Array;
  readonly #deeper: Int32Array;
  /** By state: how many bytes are matched, and whether they are a whole pattern. */
  readonly #depth: number[] = [0];
  readonly #whole: boolean[] = [false];
  /** By state: whether more can be matched. */
  readonly #grows: boolean[] = [false];
  /** By state: the state of those bytes that stand behind the last whole pattern; -1 where there is none. */
  readonly #behind: number[] = [-1];
  readonly #isFirst: Uint8Array = new Uint8Array(256);
  readonly #first: number[] = [];

  /** None is empty, and none stands in another, save at its beginning or end: see `hiddenIn`. */
  constructor(patterns: readonly Uint8Array[]) {
    let columns = 1;
    for (const pattern of patterns) {
      for (const byte of pattern) this.#column[byte] ||= columns++;
      const first = pattern[0]!;
      if (this.#isFirst[first] === 0) this.#first.push(first);
      this.#isFirst[first] = 1;
    }
    this.#columns = columns;
    const states = 1 + patterns.reduce((sum, { length }) => sum + length, 0);
    this.#deeper = new Int32Array(states * columns);
    for (const pattern of patterns) this.#whole[this.#add(pattern)] = true;
    this.#next = this.#deeper.slice();
    this.#complete();
  }

  /** The state after this byte. */
  step(state: number, byte: number): number {
    return this.#next[state * this.#columns + this.#column[byte]!]!;
  }

  /** The length of the longest pattern that ends in this state, or 0. */
  ends(state: number): number {
    return this.#whole[state]! ? this.#depth[state]! : 0;
  }

  /** How many bytes at the end of what was read may be the beginning of a pattern. */
  depth(state: number): number {
    return this.#depth[state]!;
  }

  /** Whether a longer pattern begins with what is matched. */
  grows(state: number): boolean {
    return this.#grows[state]!;
  }

  /** The state in which one byte more of the same pattern is matched, or 0. */
  deeper(state: number, byte: number): number {
    return this.#deeper[state * this.#columns + this.#column[byte]!]!;
  }

  /** The state of what stands behind the whole pattern with which this one begins. */
  behind(state: number): number {
    return this.#whole[state]! ? 0 : this.#behind[state]!;
  }

  /** A search for places where a pattern may begin. */
  search(): FirstByteSearch {
    return new FirstByteSearch(this.#isFirst, this.#first);
  }

  #add(pattern: Uint8Array): number {
    let state = 0;
    for (const byte of pattern) {
      const at = state * this.#columns + this.#column[byte]!;
      if (this.#deeper[at] === 0) {
        this.#deeper[at] = this.#depth.length;
        this.#depth.push(this.#depth[state]! + 1);
        this.#whole.push(false);
        this.#grows.push(false);
        this.#behind.push(-1);
        this.#grows[state] = true;
      }
      state = this.#deeper[at]!;
    }
    return state;
  }

  /** Where a match goes on when it does not grow: as the longest shorter one that ends at the same place. */
  #complete(): void {
    const columns = this.#columns;
    const shorter = new Int32Array(this.#depth.length);
    // From the shortest matches to the longest: what a row refers to is complete by then.
    const states = [0];
    for (const state of states) {
      const row = state * columns;
      const behind = this.behind(state);
      for (let column = 1; column < columns; column++) {
        const after = this.#deeper[row + column]!;
        const otherwise = state === 0 ? 0 : this.#next[shorter[state]! * columns + column]!;
        if (after === 0) {
          this.#next[row + column] = otherwise;
          continue;
        }
        states.push(after);
        shorter[after] = otherwise;
        if (behind >= 0) this.#behind[after] = this.#next[behind * columns + column]!;
      }
    }
  }
}

/** Finds the places of a chunk at which one of a few bytes stands. */
export class FirstByteSearch {
  readonly #isFirst: Uint8Array;
  readonly #first: readonly number[];
  /** For each of the bytes the next place in the chunk that is known, -1 where it has not been looked for. */
  readonly #known: number[];

  constructor(isFirst: Uint8Array, first: readonly number[]) {
    this.#isFirst = isFirst;
    this.#first = first;
    this.#known = first.map(() => -1);
  }

  /** Another chunk: nothing is known of it. */
  begin(): void {
    this.#known.fill(-1);
  }

  /** The next place at or after `from`, or the length of the chunk. */
  from(chunk: Uint8Array, from: number): number {
    const isFirst = this.#isFirst;
    const { length } = chunk;
    const near = this.#first.length > fewFirstBytes ? length : Math.min(length, from + nearBytes);
    let at = from;
    while (at < near && isFirst[chunk[at]!] === 0) at++;
    return at < near || near === length ? at : this.#far(chunk, at);
  }

  #far(chunk: Uint8Array, from: number): number {
    const { length } = chunk;
    let nearest = length;
    for (let i = 0; i < this.#first.length; i++) {
      let place = this.#known[i]!;
      if (place < from) {
        place = indexOfByte(chunk, this.#first[i]!, from);
        if (place < 0) place = length;
        this.#known[i] = place;
      }
      if (place < nearest) nearest = place;
    }
    return nearest;
  }
}

/** Where one of these stands in another, neither at its beginning nor at its end: both, or undefined. */
export function hiddenIn(
  patterns: readonly Uint8Array[],
): readonly [inner: Uint8Array, outer: Uint8Array] | undefined {
  for (const outer of patterns) {
    for (const inner of patterns) {
      for (let at = 1; at + inner.length < outer.length; at++) {
        if (inner.every((byte, i) => byte === outer[at + i])) return [inner, outer];
      }
    }
  }
  return undefined;
}

/** The first of these with which a longer one begins, or undefined. */
export function beginningOf(
  patterns: readonly Uint8Array[],
): readonly [shorter: Uint8Array, longer: Uint8Array] | undefined {
  for (const longer of patterns) {
    for (const shorter of patterns) {
      if (shorter.length < longer.length && shorter.every((byte, i) => byte === longer[i])) {
        return [shorter, longer];
      }
    }
  }
  return undefined;
}
