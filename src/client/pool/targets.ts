/**
 * The targets of a pool or a balancer: which there are, which of them may be used, and connecting to one of them.
 *
 * Called by `pool.ts` and `balancer.ts`. Knows nothing of idle connections.
 */
import { SocketError } from "../../core/errors.ts";
import { counted } from "../../core/text/counted.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";
import type { BreakerState } from "./breaker.ts";
import { Checks } from "./checks.ts";
import { choose } from "./choose.ts";
import { fixed, type Found, Names } from "./names.ts";
import { Place } from "./place.ts";
import type { PoolEvent } from "./pool_event.ts";
import type { ProxySource } from "./start.ts";
import type { TargetsSettings } from "./targets_settings.ts";

/** What is different for a pool and a balancer. */
interface TargetsOwner<Link, Idle> {
  /** A connection that can be used; rejects, and leaves nothing, when the signal aborts. */
  connect(place: Place<Idle>, source: ProxySource | undefined, signal: AbortSignal): Promise<Link>;
  /** Rejects with why the target is not well; false where there was no telling. */
  check(place: Place<Idle>, signal: AbortSignal): Promise<boolean>;
  /** Connecting is all that there is to know of a target. */
  readonly connectingIsAll: boolean;
  /** It is no longer a target. */
  removed(place: Place<Idle>): void;
  /** One was added, or may be used again. */
  joined(): void;
  event(event: PoolEvent): void;
}

/** A connection to one of them. */
interface Reached<Link, Idle> {
  readonly place: Place<Idle>;
  readonly link: Link;
}

/** The targets. */
export class Targets<Link extends { readonly connection: { destroy(): void } }, Idle> {
  places: readonly Place<Idle>[] = [];
  readonly #settings: TargetsSettings;
  readonly #wheel: TimerWheel;
  readonly #owner: TargetsOwner<Link, Idle>;
  readonly #names: Names | undefined;
  readonly #checks: Checks<Idle> | undefined;
  readonly #attempts: Set<AbortController> = new Set();
  #stopped = false;
  #lastError: unknown = undefined;

  constructor(settings: TargetsSettings, wheel: TimerWheel, owner: TargetsOwner<Link, Idle>) {
    this.#settings = settings;
    this.#wheel = wheel;
    this.#owner = owner;
    const { check, resolve, targets } = settings;
    this.#checks = check && new Checks(wheel, (place) => this.#check(place));
    this.#names = resolve && new Names(targets, resolve, wheel, {
      found: (all) => this.#update(all),
      lookupFailed: (target, error) => {
        this.#lastError = error;
        owner.event({ type: "resolve_failed", target, error });
      },
    });
  }

  /** Begins to look names up, and to check. */
  start(): void {
    if (this.#names === undefined) this.#update(this.#settings.targets.map(fixed));
    else this.#names.look();
  }

  /** No more checks and look-ups; attempts to connect are aborted. */
  stop(): void {
    this.#stopped = true;
    this.#names?.stop();
    this.#checks?.stop();
    for (const attempt of this.#attempts) {
      attempt.abort(new SocketError("closed", "connect to a target: closed"));
    }
  }

  /** Resolves when it is known what targets there are; undefined where it is. */
  unknown(): Promise<void> | undefined {
    if (this.places.length > 0 || this.#names === undefined) return undefined;
    this.#names.look();
    return this.#names.pending;
  }

  /** The target for the next connection; undefined where none of them is available. */
  choose(key: string, except?: ReadonlySet<Place<Idle>>): Place<Idle> | undefined {
    const [first] = this.places;
    // A pool asks at every loan.
    if (this.places.length === 1 && except === undefined) return this.#available(first!) ? first : undefined;
    const available = this.places.filter((place) => this.#available(place) && !except?.has(place));
    return choose(this.#settings.balance, available, key);
  }

  /** Connects to `first`, or to one that is chosen, and to others after it while they fail. */
  async connect(
    key: string,
    signal: AbortSignal | undefined,
    first: Place<Idle> | undefined = this.choose(key),
    source?: ProxySource,
  ): Promise<Reached<Link, Idle>> {
    const tried = new Set<Place<Idle>>();
    let failure: unknown = undefined;
    let place: Place<Idle> | undefined = first;
    while (place !== undefined && tried.size < this.#settings.attempts) {
      tried.add(place);
      try {
        return { place, link: await this.#reach(place, source, signal) };
      } catch (error) {
        if (this.#stopped || signal?.aborted) throw error;
        failure = error;
      }
      place = this.choose(key, tried);
    }
    throw failure ?? this.nobody();
  }

  /** Why none of them is available. */
  nobody(): SocketError {
    const { length } = this.places;
    const now = this.#wheel.clock.now();
    const cause = this.places.find((place) => place.lastError !== undefined)?.lastError ?? this.#lastError;
    const least = Math.ceil(Math.min(...this.places.map(({ breaker }) => breaker.wait(now))));
    const why = length === 0
      ? "no name could be looked up"
      : `the breaker of ${length === 1 ? "the only target" : `all ${counted(length, "target")}`} is open` +
        `${least > 0 ? `, for ${least} ms more` : ", and one connection is being tried"}`;
    const last = cause === undefined
      ? ""
      : `; the last error was: ${cause instanceof Error ? cause.message : cause}`;
    return new SocketError("no_target", `connect to a target: ${why}${last}`, { cause });
  }

  /** A connection of it broke, which it was lent for. */
  broke(place: Place<Idle>, error: unknown): void {
    place.lastError = error;
    this.#owner.event({ type: "broke", target: place.id, error });
    place.breaker.settle(false, false, this.#wheel.clock.now());
  }

  #available({ breaker }: Place<Idle>): boolean {
    return breaker.closed || (this.#checks === undefined && breaker.admits(this.#wheel.clock.now()));
  }

  async #reach(
    place: Place<Idle>,
    source: ProxySource | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Link> {
    const { breaker } = place;
    const tried = breaker.begin();
    const attempt = new AbortController();
    const abort = (): void => attempt.abort(signal!.reason);
    this.#attempts.add(attempt);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    place.connecting++;
    try {
      const link = await this.#owner.connect(place, source, attempt.signal);
      if (attempt.signal.aborted) {
        link.connection.destroy();
        throw attempt.signal.reason;
      }
      place.connects++;
      if (tried || this.#owner.connectingIsAll) breaker.settle(tried, true, this.#wheel.clock.now());
      return link;
    } catch (error) {
      if (attempt.signal.aborted) breaker.abandon(tried);
      else this.#failed(place, "connect_failed", error, tried);
      throw error;
    } finally {
      place.connecting--;
      this.#attempts.delete(attempt);
      signal?.removeEventListener("abort", abort);
    }
  }

  async #check(place: Place<Idle>): Promise<number> {
    const now = (): number => this.#wheel.clock.now();
    const { breaker } = place;
    const wait = breaker.wait(now());
    if (wait > 0) return wait;
    const tried = breaker.begin();
    const attempt = new AbortController();
    this.#attempts.add(attempt);
    try {
      if (await this.#owner.check(place, attempt.signal)) breaker.settle(tried, true, now());
      else breaker.abandon(tried);
    } catch (error) {
      if (attempt.signal.aborted) breaker.abandon(tried);
      else this.#failed(place, "check_failed", error, tried);
    } finally {
      this.#attempts.delete(attempt);
    }
    return breaker.wait(now()) || this.#settings.check!.every;
  }

  #failed(place: Place<Idle>, type: "connect_failed" | "check_failed", error: unknown, tried: boolean): void {
    if (type === "connect_failed") place.connectFailures++;
    else place.checkFailures++;
    place.lastError = error;
    this.#owner.event({ type, target: place.id, error });
    place.breaker.settle(tried, false, this.#wheel.clock.now());
  }

  #update(all: readonly Found[]): void {
    const rest = new Map(this.places.map((place) => [place.id, place]));
    const added: Place<Idle>[] = [];
    const next = new Map<string, Place<Idle>>();
    for (const { address, name, weight } of all) {
      const made = new Place<Idle>(address, name, weight, this.#settings.breaker, this.#changed);
      if (next.has(made.id)) continue;
      const known = rest.get(made.id);
      rest.delete(made.id);
      next.set(made.id, known ?? made);
      if (known === undefined) added.push(made);
    }
    this.places = [...next.values()];
    for (const place of rest.values()) {
      place.gone = true;
      this.#checks?.remove(place);
      this.#owner.event({ type: "removed", target: place.id });
      this.#owner.removed(place);
    }
    for (const place of added) {
      this.#owner.event({ type: "added", target: place.id });
      this.#checks?.add(place);
    }
    if (added.length > 0) this.#owner.joined();
  }

  readonly #changed = ({ id, gone }: Place<Idle>, state: BreakerState): void => {
    if (gone || this.#stopped) return;
    this.#owner.event({ type: state === "open" ? "opened" : state, target: id });
    if (state === "closed") this.#owner.joined();
  };
}
