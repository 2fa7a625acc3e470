/**
 * Where pairs come from, and when it is worth reading them again: text never, functions from time to time.
 *
 * Made by `CertificateSet`, one for each certificate; files have a module of their own, `certificate_files.ts`.
 * Knows nothing of what is in service.
 */
import type { Clock } from "../core/time/clock.ts";
import type { TlsMaterial } from "../core/tls/tls.ts";
import type { CheckedSource } from "./certificate_settings.ts";
import type { RefreshOutcome } from "./rotation.ts";

/** A source of pairs, or of those who sign. */
export interface CertificateFeed<Given = TlsMaterial> {
  /** What it gives now. Rejects with whatever is the matter. */
  read(): Promise<Given>;
  /** Has the listener refresh whenever there may be something new. */
  watch(listener: FeedListener): void;
  /** Ends watching, and a reading on its way. */
  stop(): void;
}

/** Who reads a feed. */
export interface FeedListener {
  /** What was read last is refused, which may be for a reason that passes. */
  isRefused(): boolean;
  /** Reads again; with patience where there may be half a pair. Never rejects. */
  refresh(patience: boolean): Promise<RefreshOutcome>;
}

/** After a failure a function is called again at least this often. */
const longestRetry = 60_000;

/** One timer that is set and unset; `Infinity` sets none. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: unknown = undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  get isSet(): boolean {
    return this.#timer !== undefined;
  }

  set(ms: number): void {
    this.unset();
    if (ms === Infinity) return;
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined;
      this.#ring();
    }, ms);
  }

  unset(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}

/** Text that stays what it is. */
export class TextFeed implements CertificateFeed {
  readonly #material: TlsMaterial;

  constructor(material: TlsMaterial) {
    this.#material = material;
  }

  read(): Promise<TlsMaterial> {
    return Promise.resolve(this.#material);
  }

  watch(): void {}

  stop(): void {}
}

/** A function of the user's. */
export class FunctionFeed implements CertificateFeed {
  readonly #source: CheckedSource & { readonly kind: "function" };
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  #listener: FeedListener | undefined = undefined;
  #running: AbortController | undefined = undefined;
  #over = false;

  constructor(source: CheckedSource & { readonly kind: "function" }, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => void this.#again());
  }

  async read(): Promise<TlsMaterial> {
    const { load, loadTimeout } = this.#source;
    const running = this.#running = new AbortController();
    const { signal } = running;
    const alarm = new Alarm(
      this.#clock,
      () => running.abort(new Error(`no answer within ${loadTimeout} ms`)),
    );
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    try {
      alarm.set(loadTimeout);
      const loaded = Promise.resolve(load(signal));
      const given: unknown = await Promise.race([loaded, aborted]);
      const { cert, key } = (given ?? {}) as Partial<TlsMaterial>;
      if (typeof cert !== "string" || typeof key !== "string") {
        throw new TypeError("found a different result, expected { cert, key } with PEM text");
      }
      return { cert, key };
    } finally {
      alarm.unset();
      this.#running = undefined;
    }
  }

  watch(listener: FeedListener): void {
    this.#listener = listener;
    this.#alarm.set(this.#source.refresh);
  }

  stop(): void {
    this.#over = true;
    this.#alarm.unset();
    this.#running?.abort(new Error("the certificates were closed"));
  }

  async #again(): Promise<void> {
    await this.#listener?.refresh(false);
    if (this.#over) return;
    const { refresh } = this.#source;
    this.#alarm.set(this.#listener?.isRefused() ? Math.min(refresh, longestRetry) : refresh);
  }
}
