/**
 * One bound on the bytes that the buffers of many connections hold together: of a server, or of all that share it.
 *
 * Nothing is counted per chunk: now and then one entry of the timer wheel adds up what is held, some connections at a
 * time. Over the limit no connection is accepted, and connections that stand still are dropped, the largest first.
 */
import { LimitError, OptionsError } from "../core/errors.ts";
import type { OptionsCheck } from "../core/options.ts";
import { wanted } from "../core/text/reading.ts";
import { readSize, type SizeInput } from "../core/text/size.ts";
import type { TimerWheel, WheelEntry } from "../core/time/timer_wheel.ts";
import type { Life } from "./life.ts";

/** A bound on what connections hold in memory together; made by {@linkcode memoryBudget}. */
export interface MemoryBudget {
  /** The limit, in bytes. */
  readonly limit: number;
  /** Bytes that were held when they were last added up. */
  readonly held: number;
  /** Too much was held, and not yet less than four fifths of the limit again: no connection is accepted. */
  readonly exceeded: boolean;
  /** How many times it was exceeded. */
  readonly episodes: number;
}

/** One connection, as far as it holds something. */
interface Holder {
  readonly wheel: { readonly now: number };
  readonly vigil: { readonly lastRead: number; readonly lastWrite: number };
  readonly outbox: { readonly pending: number; look(): void };
  readonly delivery: { readonly heldBytes: number };
  readonly pipeline: { readonly partialFrameBytes: number };
  readonly life: Pick<Life, "drop">;
}

/** Connections of one server or client. */
export interface BudgetMember {
  readonly wheel: TimerWheel;
  readonly sessions: ReadonlySet<Holder>;
  /** The budget is exceeded, or no longer. */
  budgetChanged(budget: MemoryBudget): void;
}

/** Time from one sum to the next, and where more may have come together since than the limit allows, in ms. */
const interval = 500;
const soon = 20;
/** Connections that are looked at in one turn. */
const lookedAt = 16_384;
/** Connections that may be dropped after one sum. */
const mostVictims = 256;
/** A connection of which no byte has moved for so long stands still, in ms. */
const stillMs = 1_000;
/** For so long too much may be held by connections that move; then the largest of these go. In ms. */
const patience = 2_000;
/** Below this part of the limit it is no longer exceeded. */
const enough = 0.8;

interface Victim {
  readonly holder: Holder;
  readonly bytes: number;
  readonly still: boolean;
}

/** What one connection holds: frames and parts of frames that came, and bytes that the kernel has not taken. */
export function heldBytes(
  { outbox, delivery, pipeline }: Pick<Holder, "outbox" | "delivery" | "pipeline">,
): number {
  return outbox.pending + delivery.heldBytes + pipeline.partialFrameBytes;
}

/** What stands behind a `MemoryBudget`. */
export class Budget implements MemoryBudget, WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  readonly limit: number;
  held = 0;
  exceeded = false;
  episodes = 0;
  readonly #members: Set<BudgetMember> = new Set();
  #wheel: TimerWheel | undefined = undefined;
  /** What may be held by now, by what is known of connections that have been slow since the last sum. */
  #estimate = 0;
  #hurried = false;
  /** The sum under way: who is still to be looked at, and what was found. */
  #walk: Iterator<Holder> | undefined = undefined;
  #sum = 0;
  #victims: Victim[] = [];
  /** The wheel's time when it was exceeded, or when room was last made. */
  #since = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** A connection of this member begins. */
  join(member: BudgetMember): void {
    this.#members.add(member);
    if (this.#wheel !== undefined || this.limit === Infinity) return;
    this.#wheel = member.wheel;
    // Seldom, so that the wheel's tick is no finer for it.
    this.#wheel.schedule(this, interval, interval * 10);
  }

  /** The last connection of this member has ended. */
  leave(member: BudgetMember): void {
    // It hears of the end of what it has heard the beginning of.
    if (this.exceeded && this.#members.size > 1) return;
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#wheel?.cancel(this);
    this.#wheel = this.#walk = undefined;
    this.held = 0;
    this.#relax(member);
  }

  /** A peer is slow, and so much waits for it: perhaps the next sum is needed sooner. */
  grew(bytes: number): void {
    this.#estimate += bytes;
    if (this.#hurried || this.#estimate <= this.limit) return;
    this.#hurried = true;
    this.#wheel?.schedule(this, soon, interval);
  }

  /** For the wheel. */
  expire(now: number): number {
    this.#hurried = false;
    if (!this.#addUp()) return soon;
    if (!this.exceeded && this.held > this.limit) {
      this.exceeded = true;
      this.episodes++;
      this.#since = now;
      this.#tell();
      // Who holds most is noted only where that matters.
      return soon;
    }
    if (this.exceeded) this.#makeRoom(now);
    // The last connection may have been among those that had to go.
    if (this.#members.size === 0) this.#wheel = undefined;
    if (this.#wheel === undefined) return 0;
    return this.exceeded ? interval / 2 : interval;
  }

  /** Goes on with the sum; true when it is complete. */
  #addUp(): boolean {
    this.#walk ??= this.#holders();
    for (let left = lookedAt; left > 0; left--) {
      const { value: holder, done } = this.#walk.next();
      if (done === true) {
        this.held = this.#estimate = this.#sum;
        this.#sum = 0;
        this.#walk = undefined;
        return true;
      }
      const bytes = heldBytes(holder);
      this.#sum += bytes;
      if (this.exceeded && bytes > 0) this.#consider(holder, bytes);
    }
    return false;
  }

  *#holders(): Generator<Holder, undefined> {
    for (const { sessions } of this.#members) yield* sessions;
  }

  #consider(holder: Holder, bytes: number): void {
    const { wheel, vigil, outbox } = holder;
    if (outbox.pending > 0) outbox.look();
    const moved = outbox.pending > 0 ? vigil.lastWrite : vigil.lastRead;
    this.#victims.push({ holder, bytes, still: wheel.now - moved >= stillMs });
    if (this.#victims.length >= 2 * mostVictims) this.#keepLargest();
  }

  /** Those that stand still first, and of these the largest. */
  #keepLargest(): void {
    this.#victims.sort((a, b) => Number(b.still) - Number(a.still) || b.bytes - a.bytes);
    this.#victims.length = Math.min(this.#victims.length, mostVictims);
  }

  #makeRoom(now: number): void {
    this.#keepLargest();
    const victims = this.#victims;
    this.#victims = [];
    if (this.held <= this.limit * enough) {
      this.#relax();
      return;
    }
    if (this.held <= this.limit) return;
    const all = now - this.#since >= patience;
    for (const { holder, bytes, still } of victims) {
      if (this.held <= this.limit * enough || !(still || all)) break;
      this.held -= bytes;
      holder.life.drop("memory_budget", "local", this.#error(bytes, still));
    }
    if (all || victims[0]?.still === true) this.#since = now;
  }

  #error(bytes: number, still: boolean): LimitError {
    const why = still ? "none of them moved" : "nobody held more";
    const what = `hold ${bytes} bytes of a connection: memoryBudget ${this.limit} is exceeded, and ${why}`;
    return new LimitError("memory", this.limit, what);
  }

  #relax(also?: BudgetMember): void {
    this.#victims = [];
    if (!this.exceeded) return;
    this.exceeded = false;
    this.#tell();
    also?.budgetChanged(this);
    for (const member of this.#members) if (member.sessions.size === 0) this.#members.delete(member);
  }

  #tell(): void {
    for (const member of this.#members) member.budgetChanged(this);
  }
}

/**
 * Makes a budget for several servers and connections: pass it as their option `memoryBudget`. It bounds the bytes that
 * they hold together: frames that wait for handlers, frames that are not complete, and what slow peers have not taken.
 *
 * What is held is added up about twice a second, and sooner when slow peers may have filled it meanwhile. Over the limit,
 * new connections are rejected (`memory_budget`), and connections of which no byte has moved for a second are dropped,
 * the largest first, until four fifths of the limit are held; the reason in their records is `memory_budget`. If too much
 * is held by connections that move, the largest of these go after two seconds.
 *
 * @example Two servers with 256 MiB together
 * ```ts
 * import { lines, memoryBudget, serve } from "@millrace/millrace";
 *
 * const memory = memoryBudget("256 MiB");
 * const echo = { framing: lines(), memoryBudget: memory, onFrame: () => {} };
 * const servers = [await serve({ port: 0, ...echo }), await serve({ port: 0, ...echo })];
 * console.log(memory.exceeded); // false
 * for (const server of servers) await server.close();
 * ```
 *
 * @throws {OptionsError} for a limit that is no size
 */
export function memoryBudget(limit: SizeInput): MemoryBudget {
  const reading = readSize(limit);
  if (reading.ok) return new Budget(reading.value);
  throw new OptionsError("invalid", [{ path: "memoryBudget", found: limit, expected: wanted(reading) }]);
}

/** The option: a budget, or the limit of one; faults go to `check`. */
export function checkMemoryBudget(
  check: OptionsCheck,
  path: string,
  given: SizeInput | MemoryBudget | undefined,
): Budget | undefined {
  if (given === undefined || given instanceof Budget) return given;
  const reading = readSize(given);
  if (reading.ok) return reading.value === Infinity ? undefined : new Budget(reading.value);
  check.refuse(path, given, `a result of memoryBudget(), or ${wanted(reading)}`);
  return undefined;
}
