/**
 * The connections of a pool: which are idle, which are lent, and when one is closed.
 *
 * Held by `lending_pool.ts`, which knows who waits. Which target is next is known by `targets.ts`.
 */
import type { Connection } from "../../connection/connection.ts";
import type { Session } from "../../connection/session.ts";
import type { TerminationRecord } from "../../connection/termination.ts";
import { SocketError } from "../../core/errors.ts";
import type { Clock } from "../../core/time/clock.ts";
import { Entry } from "./entry.ts";
import type { Place } from "./place.ts";
import type { PoolSettings } from "./pool_settings.ts";
import type { Targets } from "./targets.ts";

/** Ends of lent connections that say nothing of their target. */
const ordinary: readonly string[] = [
  "closed",
  "aborted",
  "killed",
  "peer_closed",
  "handler_error",
  "egress_limit",
  "memory_budget",
];

/** What a stock hears and asks. */
interface StockOwner<Received, Sent, Context> {
  readonly targets: Targets<Session<Received, Sent, Context>, Entry<Received, Sent, Context>>;
  /** No more connections are kept. */
  readonly closing: boolean;
  /** There may be one for who waits, or room for another. */
  freed(): void;
  /** One has ended. */
  ended(): void;
  /** One is idle that will be too old, or idle for too long, after so many ms. */
  kept(ms: number): void;
}

/** All connections of one pool. */
export class Stock<Received, Sent, Context> {
  /** Those included that are being closed. */
  readonly open: Set<Connection<Received, Sent, Context>> = new Set();
  idle = 0;
  lent = 0;
  /** Connections that are being made. */
  connecting = 0;
  opened = 0;
  readonly #settings: PoolSettings;
  readonly #clock: Clock;
  readonly #owner: StockOwner<Received, Sent, Context>;
  /** Full, one to another target is as good as one to the target that was chosen. */
  readonly #exchangeable: boolean;

  constructor(
    settings: PoolSettings,
    clock: Clock,
    exchangeable: boolean,
    owner: StockOwner<Received, Sent, Context>,
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#exchangeable = exchangeable;
    this.#owner = owner;
  }

  /** Never more than `max`. */
  get total(): number {
    return this.open.size + this.connecting;
  }

  get closing(): number {
    return this.open.size - this.idle - this.lent;
  }

  /** Lends an idle connection to the target; when there can be no more connections, one to any that is available. */
  take(
    key: string,
    place: Place<Entry<Received, Sent, Context>> | undefined,
  ): Entry<Received, Sent, Context> | undefined {
    if (place === undefined || this.idle === 0) return undefined;
    const entry = this.#pick(place);
    if (entry !== undefined || this.total < this.#settings.max || !this.#exchangeable) return entry;
    const except = new Set([place]);
    for (;;) {
      const other = this.#owner.targets.choose(key, except);
      if (other === undefined) return undefined;
      const found = this.#pick(other);
      if (found !== undefined) return found;
      except.add(other);
    }
  }

  /** The same for one that is known to be idle. */
  lend(entry: Entry<Received, Sent, Context>): void {
    this.#forget(entry);
    entry.pickUp();
    this.#lent(entry);
  }

  /** A loan is over. */
  back(entry: Entry<Received, Sent, Context>, usable: boolean): void {
    const { place } = entry;
    if (entry.state !== "lent") return;
    const now = this.#clock.now();
    const well = usable && entry.putDown(now, this.#settings.pushed);
    const stays = well && entry.open && now < entry.expires;
    if (well && place.breaker.failures > 0) place.breaker.settle(false, true, now);
    this.lent--;
    place.busy--;
    if (stays && !this.#owner.closing && !place.gone) this.#keep(entry, now);
    else this.#drop(entry, well);
    this.#owner.freed();
  }

  /** Takes a new connection in, which is lent. */
  adopt(
    place: Place<Entry<Received, Sent, Context>>,
    session: Session<Received, Sent, Context>,
  ): Entry<Received, Sent, Context> {
    const { life } = this.#settings;
    const now = this.#clock.now();
    const expires = now + life.max * (1 - life.jitter * Math.random());
    const { connection } = session;
    const entry = new Entry(session, place, expires, now, (one) => this.#takeOff(one, true));
    this.#lent(entry);
    this.opened++;
    this.open.add(connection);
    void connection.closed.then((record) => this.#ended(entry, record));
    return entry;
  }

  /** Drops an idle connection that suits nobody who waits; true where one is being closed already, or now. */
  makeRoom(): boolean {
    if (this.closing > 0) return true;
    const [oldest] = this.#owner.targets.places.flatMap(({ idle }) => idle.slice(0, 1))
      .sort((one, other) => one.since - other.since);
    if (oldest !== undefined) this.#takeOff(oldest, false);
    return oldest !== undefined;
  }

  /** Closes all idle connections to a target. */
  clear({ idle }: Place<Entry<Received, Sent, Context>>): void {
    for (const entry of [...idle]) this.#takeOff(entry, true);
  }

  /** Closes what is too old or idle for too long; how many ms until there is more to do. */
  sweep(now: number): number {
    const { maxIdle, min } = this.#settings;
    let next = Infinity;
    for (const { idle } of this.#owner.targets.places) {
      for (const entry of [...idle]) {
        const spare = this.idle + this.lent + this.connecting > min;
        const end = Math.min(entry.expires, spare ? entry.since + maxIdle : Infinity);
        if (now >= end) this.#takeOff(entry, true);
        else next = Math.min(next, end);
      }
    }
    return next - now;
  }

  #pick(place: Place<Entry<Received, Sent, Context>>): Entry<Received, Sent, Context> | undefined {
    for (;;) {
      const entry = place.idle.at(-1);
      if (entry === undefined) return undefined;
      const old = entry.expires !== Infinity && this.#clock.now() >= entry.expires;
      place.idle.pop();
      this.idle--;
      if (entry.pickUp() && entry.open && !old) {
        this.#lent(entry);
        return entry;
      }
      this.#drop(entry, old);
    }
  }

  #lent(entry: Entry<Received, Sent, Context>): void {
    entry.state = "lent";
    entry.place.busy++;
    this.lent++;
  }

  #keep(entry: Entry<Received, Sent, Context>, now: number): void {
    entry.state = "idle";
    entry.place.idle.push(entry);
    this.idle++;
    if (!this.#settings.pushed) entry.watch();
    this.#owner.kept(Math.min(this.#settings.maxIdle, entry.expires - now));
  }

  #ended(entry: Entry<Received, Sent, Context>, { reason, error }: TerminationRecord): void {
    const { state, place, session: { connection } } = entry;
    if (state === "idle") this.#forget(entry);
    else if (state === "lent") {
      this.lent--;
      place.busy--;
      if (!ordinary.includes(reason)) {
        this.#owner.targets.broke(place, error ?? new SocketError("closed", `use a connection: ${reason}`));
      }
    }
    entry.state = "closing";
    this.open.delete(connection);
    this.#owner.ended();
  }

  /** No longer idle. */
  #forget(entry: Entry<Received, Sent, Context>): void {
    const { idle } = entry.place;
    idle.splice(idle.indexOf(entry), 1);
    this.idle--;
  }

  #takeOff(entry: Entry<Received, Sent, Context>, gently: boolean): void {
    this.#forget(entry);
    this.#drop(entry, gently);
  }

  #drop(entry: Entry<Received, Sent, Context>, gently: boolean): void {
    entry.state = "closing";
    const { connection } = entry.session;
    if (gently) void connection.close();
    else connection.destroy();
  }
}
