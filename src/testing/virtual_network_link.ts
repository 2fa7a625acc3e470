/**
 * The link between two machines of the virtual network in one direction: its delay, its pace, and its faults.
 *
 * Used by the virtual network and its wires. Options are checked here.
 */
import type { SeededRandom } from "./virtual_network_random.ts";

/** A whole number, or a range `[minimum, maximum]` with a uniform distribution. */
export type NumberOrRange = number | readonly [least: number, most: number];

/** Behaviour of a link, in both directions; the default is a perfect link. */
export interface LinkOptions {
  /** Latency in milliseconds; bytes never overtake each other. @default 0 */
  readonly latency?: NumberOrRange;
  /**
   * Sizes of the chunks that arrive, however they were written: data that arrives at the same time is joined and
   * split again. 1 means byte by byte. @default chunks as they were written
   */
  readonly chunk?: NumberOrRange;
  /** Bytes per second, shared by all connections of one direction. @default Infinity */
  readonly bandwidth?: number;
  /** Bytes of one connection that may be in transit or unread before its writer has to wait. @default 65536 */
  readonly window?: number;
  /** Probability, from 0 to 1, of a fault in one direction of a new connection. @default none */
  readonly chance?: Readonly<Partial<Record<FaultKind, number>>>;
  /** Random faults strike within this many first bytes. @default 4096 */
  readonly chanceWithin?: number;
}

/**
 * What can go wrong with a connection:
 * - `reset`: both ends see a reset.
 * - `fin`: the receiver sees a FIN although the sender had more to send; the sender sees a reset.
 * - `stall`: nothing passes any more, in either direction, without notice: a half-open connection.
 */
export type FaultKind = "reset" | "fin" | "stall";

/** A scheduled fault. */
export interface Fault {
  /** Kind of fault. */
  readonly kind: FaultKind;
  /** Number of bytes in its direction after which it strikes; with 0, in place of the first byte. @default 0 */
  readonly afterBytes?: number;
  /** Number of consecutive connections that it strikes; may be Infinity. @default 1 */
  readonly connections?: number;
}

/** A fault as one wire carries it. */
export interface ArmedFault {
  readonly kind: FaultKind;
  readonly afterBytes: number;
}

const kinds: readonly FaultKind[] = ["reset", "fin", "stall"];

/** One direction of a link. */
export class Link {
  options: LinkOptions = {};
  /** Nothing passes, and nothing is lost. */
  parted = false;
  /** When the last byte that was sent leaves, for the pace of `bandwidth`. */
  busyUntil = 0;
  readonly #armed: { kind: FaultKind; afterBytes: number; left: number }[] = [];

  arm({ kind, afterBytes = 0, connections = 1 }: Fault): void {
    expect("kind", kind, kinds.includes(kind), kinds.join(", "));
    expect("afterBytes", afterBytes, whole(afterBytes, 0), "a whole number, 0 or more");
    expect("connections", connections, connections >= 1, "1 or more");
    this.#armed.push({ kind, afterBytes, left: connections });
  }

  /** The fault of a new connection, if one is armed or chance has it. */
  draw(random: SeededRandom): ArmedFault | undefined {
    const armed = this.#armed[0];
    if (armed !== undefined) {
      if (--armed.left <= 0) this.#armed.shift();
      return armed;
    }
    const { chance, chanceWithin = 4096 } = this.options;
    if (chance === undefined) return undefined;
    let dice = random.next();
    for (const kind of kinds) {
      dice -= chance[kind] ?? 0;
      if (dice < 0) return { kind, afterBytes: random.between(0, chanceWithin - 1) };
    }
    return undefined;
  }
}

/** Throws a `RangeError` for options that no link can have. */
export function checkLink(options: LinkOptions): void {
  const { latency = 0, chunk = 1, bandwidth = Infinity, window = 1, chance = {}, chanceWithin = 1 } = options;
  expect("latency", latency, range(latency, 0), "milliseconds, or [least, most]");
  expect("chunk", chunk, range(chunk, 1), "bytes, 1 or more, or [least, most]");
  expect("bandwidth", bandwidth, bandwidth > 0, "bytes a second, above 0");
  expect("window", window, whole(window, 1), "bytes, 1 or more");
  expect("chanceWithin", chanceWithin, whole(chanceWithin, 1), "bytes, 1 or more");
  let sum = 0;
  for (const [kind, value] of Object.entries(chance)) {
    expect(
      `chance.${kind}`,
      value,
      kinds.includes(kind as FaultKind) && value >= 0,
      "a chance of a known fault",
    );
    sum += value;
  }
  expect("chance", sum, sum <= 1, "chances that together are 1 at most");
}

/** A value of the range. */
export function drawn(value: NumberOrRange, random: SeededRandom): number {
  return typeof value === "number" ? value : random.between(value[0], value[1]);
}

function range(value: NumberOrRange, least: number): boolean {
  if (typeof value === "number") return whole(value, least);
  return whole(value[0], least) && whole(value[1], value[0]);
}

function whole(value: number, least: number): boolean {
  return Number.isInteger(value) && value >= least;
}

function expect(name: string, found: unknown, good: boolean, wanted: string): void {
  if (!good) throw new RangeError(`set up a link: found ${name} ${String(found)}, expected ${wanted}`);
}
