/**
 * The place of one worker in its pool: who is there now, and when the next one comes after one that was lost.
 *
 * Made by `thread_pool.ts`.
 */
import type { Clock } from "../core/time/clock.ts";
import { Retries } from "../core/time/backoff.ts";
import { Deadline } from "../core/time/deadline.ts";
import { sharedWheel } from "../core/time/timer_wheel.ts";
import type { BoundSession } from "./bound_connection.ts";
import type { WorkerState } from "./workers_inspection.ts";
import { WorkerLink } from "./worker_link.ts";
import { addTotals, noTotals, type WorkerTotals } from "./worker_totals.ts";
import type { WorkersSettings } from "./workers_settings.ts";

/** Hears of it. */
export interface SlotOwner {
  readonly settings: WorkersSettings;
  readonly clock: Clock;
  /** A worker takes connections here. */
  ready(slot: WorkerSlot): void;
  /** It takes none, since its worker was lost; `retryMs` until the next one, undefined where none comes. */
  lost(slot: WorkerSlot, why: string, error: unknown, retryMs: number | undefined): void;
  log(level: "warn" | "error", message: string, fields: object): void;
}

/** One place. */
export class WorkerSlot {
  readonly index: number;
  state: WorkerState = "starting";
  /** Workers that took the place of one that was lost. */
  restarts = 0;
  /** Connections that it was given so far. */
  bound = 0;
  /** Why the last one was lost. */
  lastLoss: string | undefined = undefined;
  link: WorkerLink | undefined = undefined;
  readonly #owner: SlotOwner;
  readonly #retries: Retries;
  readonly #wait: Deadline;
  #before: WorkerTotals = noTotals;

  constructor(index: number, owner: SlotOwner) {
    this.index = index;
    this.#owner = owner;
    this.#retries = new Retries(owner.settings.restart);
    this.#wait = new Deadline(sharedWheel(owner.clock), () => {
      this.restarts++;
      this.start();
    });
  }

  get connections(): number {
    return this.link?.bound.size ?? 0;
  }

  /** What all workers of this place have counted. */
  get totals(): WorkerTotals {
    return addTotals(this.#before, this.link?.totals ?? noTotals);
  }

  start(): void {
    const { settings, clock } = this.#owner;
    this.state = "starting";
    const { data, count } = settings;
    const link = this.link = new WorkerLink({ index: this.index, count, data }, settings, clock, {
      ready: () => {
        this.state = "running";
        this.#owner.ready(this);
      },
      lost: (why, _code, error) => this.#lost(link, why, error),
      log: (level, message, fields) => this.#owner.log(level, message, { ...fields, worker: this.index }),
    });
  }

  bind(session: BoundSession, done: () => void): () => void {
    this.bound++;
    const bound = this.link!.bind(session, done);
    return () => bound.stop();
  }

  /** Nobody is bound to it any more: its worker may finish, for `ms` at most, and ends. */
  async leave(ms: number): Promise<void> {
    this.#wait.unset();
    this.state = "stopped";
    await this.link?.leave(ms);
  }

  /** Ends its worker at once. */
  end(): void {
    this.#wait.unset();
    this.state = "stopped";
    this.link?.end();
  }

  #lost(link: WorkerLink, why: string, error: unknown): void {
    this.#before = { ...addTotals(this.#before, link.totals), heldBytes: 0 };
    this.link = undefined;
    this.lastLoss = why;
    if (this.state === "stopped") return;
    if (link.ready && link.ageMs >= this.#owner.settings.restart.max) this.#retries.succeeded();
    const wait = this.#retries.failed(this.#owner.clock.now());
    this.state = wait === undefined ? "failed" : "waiting";
    if (wait !== undefined) this.#wait.set(wait);
    this.#owner.lost(this, why, error, wait);
  }
}
