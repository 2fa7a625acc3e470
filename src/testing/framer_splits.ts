/**
 * The ways to split a stream of bytes that `assertFramer` tries.
 */

/** One way to split a stream: where its pieces end. An end that is repeated makes an empty piece. */
export interface Split {
  /** For messages: `"cut at 3"`. */
  readonly name: string;
  readonly ends: readonly number[];
}

/** Up to so many places all are tried; of more, those near both ends and as many at random. */
const mostPlaces = 3072;

/** A source of numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Where pieces of one byte end. */
export function cutEverywhere(length: number): readonly number[] {
  return Array.from({ length }, (_, i) => i + 1);
}

/** Whole, in two at every place, and at random. */
export function splitsOf(length: number, randomSplits: number, random: () => number): readonly Split[] {
  const splits: Split[] = [{ name: "in one chunk", ends: length > 0 ? [length] : [] }];
  for (const at of places(length, random)) splits.push({ name: `cut at ${at}`, ends: [at, length] });
  for (let i = 0; i < randomSplits && length > 1; i++) splits.push(randomSplit(length, random));
  return splits;
}

function places(length: number, random: () => number): Iterable<number> {
  const all = cutEverywhere(Math.max(length - 1, 0));
  if (all.length <= mostPlaces) return all;
  const third = mostPlaces / 3;
  const chosen = new Set([...all.slice(0, third), ...all.slice(-third)]);
  for (let i = 0; i < third; i++) chosen.add(1 + Math.floor(random() * all.length));
  return chosen;
}

/** Pieces around a size that is itself at random, a few of them empty. */
function randomSplit(length: number, random: () => number): Split {
  const most = 2 ** (1 + random() * Math.log2(length));
  const ends: number[] = [];
  for (let at = 0; at < length;) {
    at = Math.min(length, at + Math.floor(random() * most));
    ends.push(at);
  }
  const shown = ends.slice(0, 12).join(", ") + (ends.length > 12 ? ", …" : "");
  return { name: `cut at ${shown}`, ends };
}
