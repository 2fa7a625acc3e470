/**
 * A pool at work: who waits for a connection, when one is made, and what is asked of one before it is lent.
 *
 * Made by `pool.ts`. The connections are held by `stock.ts`, the targets by `targets.ts`.
 */
import type { Connection } from "../../connection/connection.ts";
import type { Session } from "../../connection/session.ts";
import { deferred } from "../../core/deferred.ts";
import { LimitError, SocketError } from "../../core/errors.ts";
import { OptionsCheck } from "../../core/options.ts";
import { checkDuration } from "../../core/time/duration.ts";
import { Closing, type ClosingOptions, type ClosingReport } from "./closing.ts";
import type { Entry } from "./entry.ts";
import { checkKey } from "./key.ts";
import { type Borrowed, Lease } from "./lease.ts";
import type { Place } from "./place.ts";
import { inspectPlaces, type PoolInspection } from "./pool_inspection.ts";
import type { BorrowOptions } from "./pool_options.ts";
import type { PoolSettings } from "./pool_settings.ts";
import type { Start } from "./start.ts";
import { Stock } from "./stock.ts";
import { Targets } from "./targets.ts";
import { Upkeep } from "./upkeep.ts";
import type { Pool } from "./users_pool.ts";
import { abortedBorrow, Waiter } from "./waiter.ts";

/** After what time a connection is tried again that `min` asks for and that could not be made, in ms. */
const refillMs = 1_000;

type Base<Received, Sent, Context> = Start<Received, Sent, Context> & { readonly own: PoolSettings };

/** What `pool` returns. */
export class LendingPool<Received, Sent, Context> implements Pool<Received, Sent, Context> {
  readonly #base: Base<Received, Sent, Context>;
  readonly #targets: Targets<Session<Received, Sent, Context>, Entry<Received, Sent, Context>>;
  readonly #stock: Stock<Received, Sent, Context>;
  readonly #upkeep: Upkeep;
  readonly #closing: Closing = new Closing();
  readonly #ready = deferred();
  readonly #waiters: Set<Waiter<Borrowed<Received, Sent, Context>>> = new Set();
  #borrows = 0;
  #waits = 0;
  #waitMs = 0;
  #timeouts = 0;
  #rejected = 0;
  #filled = 0;

  constructor(base: Base<Received, Sent, Context>) {
    this.#base = base;
    const { settings, own, clock, wheel, connect, event } = base;
    const targets: Targets<Session<Received, Sent, Context>, Entry<Received, Sent, Context>> = new Targets(
      settings,
      wheel,
      {
        connect,
        check: (place, signal) => this.#check(place, signal),
        connectingIsAll: false,
        removed: (place) => this.#stock.clear(place),
        joined: () => this.#fill(),
        event,
      },
    );
    const closing = this.#closing;
    this.#targets = targets;
    this.#stock = new Stock(own, clock, settings.balance !== "rendezvous", {
      targets,
      get closing() {
        return closing.begun;
      },
      freed: () => this.#pump(),
      ended: () => {
        closing.look(this.#stock.open);
        this.#fill();
      },
      kept: (ms) => {
        if (!this.#upkeep.set) this.#upkeep.within(ms);
      },
    });
    this.#upkeep = new Upkeep(wheel, (now) => {
      const next = this.#stock.sweep(now);
      this.#fill();
      return next;
    });
    if (own.min === 0) this.#ready.resolve();
    targets.start();
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  borrow(options: BorrowOptions = {}): Promise<Borrowed<Received, Sent, Context>> {
    try {
      const key = checkKey(this.#base.settings.balance, options.key);
      if (this.#closing.begun) throw closed();
      if (options.signal?.aborted) throw abortedBorrow(options.signal);
      // A turn is only taken where it is of use.
      const place = this.#waiters.size === 0 && this.#stock.idle > 0 ? this.#targets.choose(key) : undefined;
      const entry = this.#stock.take(key, place);
      if (entry === undefined || this.#doubtful(entry)) return this.#wait(key, options, place, entry);
      this.#borrows++;
      return Promise.resolve(new Lease(this.#stock, entry));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async use<Result>(
    run: (connection: Connection<Received, Sent, Context>) => Result | Promise<Result>,
    options?: BorrowOptions,
  ): Promise<Result> {
    const lease = await this.borrow(options);
    try {
      const result = await run(lease.connection);
      lease.release();
      return result;
    } catch (error) {
      lease.destroy();
      throw error;
    }
  }

  inspect(): PoolInspection {
    const { idle, lent, connecting, closing, opened } = this.#stock;
    return {
      idle,
      lent,
      connecting,
      closing,
      waiting: this.#waiters.size,
      borrows: this.#borrows,
      waits: this.#waits,
      waitMs: this.#waitMs,
      timeouts: this.#timeouts,
      rejected: this.#rejected,
      opened,
      targets: inspectPlaces(this.#targets.places, this.#base.clock.now()),
    };
  }

  close(options?: ClosingOptions): Promise<ClosingReport> {
    return this.#closing.close(options, this.#base.wheel, this.#stock.open, () => {
      this.#targets.stop();
      this.#upkeep.stop();
      this.#ready.reject(closed());
      for (const waiter of [...this.#waiters]) waiter.reject(closed());
      for (const place of this.#targets.places) this.#stock.clear(place);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #doubtful({ since }: Entry<Received, Sent, Context>): boolean {
    const { onBorrow } = this.#base.own;
    return onBorrow !== Infinity && this.#base.clock.now() - since >= onBorrow;
  }

  #wait(
    key: string,
    options: BorrowOptions,
    place: Place<Entry<Received, Sent, Context>> | undefined,
    doubtful: Entry<Received, Sent, Context> | undefined,
  ): Promise<Borrowed<Received, Sent, Context>> {
    const { wheel, own: { borrowTimeout, max, maxWaiting } } = this.#base;
    const check = new OptionsCheck();
    check.keys(options, ["key", "signal", "timeout"]);
    const ms = checkDuration(check, "timeout", options.timeout, borrowTimeout);
    check.done();
    if (doubtful === undefined && this.#stock.total >= max && this.#queued >= maxWaiting) {
      this.#rejected++;
      const what = `borrow a connection: all ${max} are in use, and ${maxWaiting} wait already`;
      throw new LimitError("waiting_borrows", maxWaiting, `${what}; raise max or maxWaiting`);
    }
    const waiter = new Waiter<Borrowed<Received, Sent, Context>>(
      key,
      wheel,
      ms,
      options.signal,
      (one, late) => {
        this.#waiters.delete(one);
        if (late) this.#timeouts++;
      },
    );
    this.#waiters.add(waiter);
    const unknown = this.#targets.unknown();
    if (doubtful !== undefined) this.#serve(waiter, doubtful);
    else if (place !== undefined && this.#stock.total < max) this.#dial(place, waiter);
    else if (unknown === undefined) this.#pump();
    else void unknown.then(() => this.#pump());
    return waiter.promise;
  }

  /** Waiters for whom nothing is under way. */
  get #queued(): number {
    let queued = 0;
    for (const { dialling, testing } of this.#waiters) if (!dialling && !testing) queued++;
    return queued;
  }

  /** Serves those who wait, in their order, as far as that goes. */
  #pump(): void {
    if (this.#closing.begun) return;
    const stock = this.#stock;
    const { max } = this.#base.own;
    for (const waiter of this.#waiters) {
      if (stock.idle === 0 && stock.total >= max) return;
      if (waiter.testing || (waiter.dialling && stock.idle === 0)) continue;
      const place = this.#targets.choose(waiter.key);
      const entry = stock.take(waiter.key, place);
      if (entry !== undefined) this.#serve(waiter, entry);
      else if (waiter.dialling) continue;
      else if (place === undefined) waiter.reject(this.#targets.nobody());
      else if (stock.total < max) this.#dial(place, waiter);
      else if (!stock.makeRoom()) return;
    }
  }

  #serve(waiter: Waiter<Borrowed<Received, Sent, Context>>, entry: Entry<Received, Sent, Context>): void {
    if (!this.#doubtful(entry)) return this.#give(waiter, entry);
    waiter.testing = true;
    this.#test(entry, new AbortController().signal).then(() => {
      if (waiter.over || entry.state !== "lent") this.#stock.back(entry, true);
      else this.#give(waiter, entry);
    }, () => {}).finally(() => {
      waiter.testing = false;
      this.#pump();
    });
  }

  #give(waiter: Waiter<Borrowed<Received, Sent, Context>>, entry: Entry<Received, Sent, Context>): void {
    this.#borrows++;
    this.#waits++;
    this.#waitMs += this.#base.clock.now() - waiter.since;
    waiter.resolve(new Lease(this.#stock, entry));
  }

  /** Asks over a connection that is lent for it; destroys it and rejects if it does not answer. */
  async #test(entry: Entry<Received, Sent, Context>, signal: AbortSignal): Promise<void> {
    try {
      await this.#base.test(entry.session.connection, signal);
    } catch (error) {
      this.#stock.back(entry, false);
      throw error;
    }
  }

  /** Idle connections are asked, so that those are found that are dead; without any, one is made for it. */
  async #check(place: Place<Entry<Received, Sent, Context>>, signal: AbortSignal): Promise<boolean> {
    const { settings, own: { max }, clock, probe, asks } = this.#base;
    const due = clock.now() - settings.check!.every;
    const idle = asks ? place.idle.filter(({ since }) => since <= due) : [];
    for (const entry of idle) {
      if (entry.state !== "idle") continue;
      this.#stock.lend(entry);
      await this.#test(entry, signal);
      this.#stock.back(entry, true);
    }
    if (idle.length > 0) return true;
    if (this.#stock.total >= max) return false;
    this.#stock.connecting++;
    try {
      return await probe(place, signal);
    } finally {
      this.#stock.connecting--;
      this.#pump();
    }
  }

  /** Makes a connection, for somebody who waits or to be kept. */
  #dial(
    first: Place<Entry<Received, Sent, Context>>,
    waiter?: Waiter<Borrowed<Received, Sent, Context>>,
  ): void {
    const stock = this.#stock;
    if (waiter !== undefined) waiter.dialling = true;
    stock.connecting++;
    this.#targets.connect(waiter?.key ?? first.id, undefined, first).then(({ place, link }) => {
      stock.connecting--;
      const entry = stock.adopt(place, link);
      if (stock.idle + stock.lent >= this.#base.own.min) this.#ready.resolve();
      if (waiter === undefined || waiter.over) stock.back(entry, true);
      else this.#give(waiter, entry);
    }, (error: unknown) => {
      stock.connecting--;
      if (waiter === undefined) this.#upkeep.within(refillMs);
      else waiter.reject(error);
      this.#pump();
    });
  }

  /** Serves who waits, and makes what is missing to `min`. */
  #fill(): void {
    this.#pump();
    const { min } = this.#base.own;
    while (!this.#closing.begun && this.#stock.total < min) {
      const place = this.#targets.choose(`${this.#filled++}`);
      if (place === undefined) return this.#upkeep.within(refillMs);
      this.#dial(place);
    }
  }
}

function closed(): SocketError {
  return new SocketError("closed", "borrow a connection: the pool is closed");
}
