/**
 * Which of several targets gets the next connection: in turn, with the fewest in use, or by a key.
 *
 * Called by `targets.ts`, with those that are available. Time grows with their number.
 */
import type { Balance } from "./targets_options.ts";

/** What is known of a target. */
interface Choice {
  readonly id: string;
  readonly weight: number;
  readonly busy: number;
  readonly connecting: number;
  turn: number;
}

/** One of them; undefined where there are none. */
export function choose<T extends Choice>(
  balance: Balance,
  choices: readonly T[],
  key: string,
): T | undefined {
  if (choices.length < 2) return choices[0];
  if (balance === "rendezvous") return byKey(choices, key);
  // Ties between the least used are broken by turns.
  return inTurn(balance === "round-robin" ? choices : leastUsed(choices));
}

/** Smooth weighted round-robin, as of nginx: a heavy one is not chosen several times on end. */
function inTurn<T extends Choice>(choices: readonly T[]): T {
  let best = choices[0]!;
  let sum = 0;
  for (const choice of choices) {
    sum += choice.weight;
    choice.turn += choice.weight;
    if (choice.turn > best.turn) best = choice;
  }
  best.turn -= sum;
  return best;
}

function leastUsed<T extends Choice>(choices: readonly T[]): readonly T[] {
  const load = ({ busy, connecting, weight }: Choice) => (busy + connecting) / weight;
  const least = Math.min(...choices.map(load));
  return choices.filter((choice) => load(choice) === least);
}

/** Rendezvous hashing with weights (Thaler and Ravishankar 1998; draft-ietf-bess-weighted-hrw). */
function byKey<T extends Choice>(choices: readonly T[], key: string): T {
  const seed = hash(key, 0x811c9dc5);
  let best = choices[0]!;
  let most = -Infinity;
  for (const choice of choices) {
    const part = (mixed(hash(choice.id, seed)) + 0.5) / 2 ** 32;
    const score = -choice.weight / Math.log(part);
    if (score > most) {
      most = score;
      best = choice;
    }
  }
  return best;
}

/** FNV-1a. */
function hash(text: string, seed: number): number {
  let value = seed;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value;
}

/** The end of MurmurHash3, which makes each bit depend on all. */
function mixed(value: number): number {
  let bits = value ^ (value >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
