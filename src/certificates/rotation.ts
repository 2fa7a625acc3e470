/**
 * What one source gives, through its changes: what is in service, what was refused, and the rule by which one follows
 * another.
 *
 * Owned by certificates and by those who sign for clients, who say what is fit. Knows neither files nor timers: a feed
 * reads, and says when.
 */
import { TlsError } from "../core/tls/tls_error.ts";
import type { CertificateHost } from "./certificate_host.ts";
import type { Logger } from "../core/logger.ts";

/** What reading a source again has led to; `doubtful` may be half a rotation, and should be read again soon. */
export type RefreshOutcome =
  | { readonly status: "rotated" | "unchanged" | "doubtful" }
  | { readonly status: "refused"; readonly error: TlsError };

/** What is lent to those whose sources are read. */
export interface RotationOwner {
  readonly host: CertificateHost;
  /** Wall-clock time. */
  now(): number;
  readonly log: Logger;
  /** All was closed: what is still being read comes too late. */
  isOver(): boolean;
}

/** What a source gives, what is fit for service, and who is told. */
interface RotationRules<Given, Fit, Owner> {
  /** Names the source in messages. */
  readonly place: string;
  read(): Promise<Given>;
  /** The same text for what is the same. */
  identityOf(given: Given): string;
  /** Throws `TlsError` `material`. */
  fit(given: Given, owner: Owner): Fit;
  /** What goes into service, as a source would give it. */
  givenOf(fit: Fit): Given;
  entered(fit: Fit, isFirst: boolean, owner: Owner): void;
  refused(error: TlsError, owner: Owner): void;
}

const unchanged: RefreshOutcome = { status: "unchanged" };

/** One source. */
export class Rotation<Given, Fit, Owner extends RotationOwner> {
  readonly #rules: RotationRules<Given, Fit, Owner>;
  #current: Fit | undefined = undefined;
  #rotations = 0;
  #refusals = 0;
  #refused: TlsError | undefined = undefined;
  /** What the source gave last, whether it was taken or refused. */
  #seen: string | undefined = undefined;
  /** What was found invalid once: it counts when the same is found again. */
  #doubtful: string | undefined = undefined;
  /** One reading at a time. */
  #line: Promise<unknown> = Promise.resolve();

  constructor(rules: RotationRules<Given, Fit, Owner>) {
    this.#rules = rules;
  }

  get current(): Fit | undefined {
    return this.#current;
  }

  get rotations(): number {
    return this.#rotations;
  }

  get refusals(): number {
    return this.#refusals;
  }

  get refused(): TlsError | undefined {
    return this.#refused;
  }

  /** Reads the source for the start. Rejects with `TlsError` `material`. */
  start(owner: Owner): Promise<void> {
    return this.#queue(async () => {
      const given = await this.#read();
      const identity = this.#rules.identityOf(given);
      if (this.#current !== undefined && identity === this.#seen && this.#refused === undefined) return;
      this.enter(this.#rules.fit(given, owner), owner);
      this.#seen = identity;
      this.#refused = undefined;
    });
  }

  /**
   * Reads the source again. With patience a fault counts only when it is found twice, since files are replaced one
   * after the other, and may be read while they are written.
   */
  refresh(owner: Owner, patience: boolean): Promise<RefreshOutcome> {
    const { identityOf, fit, givenOf } = this.#rules;
    return this.#queue(async () => {
      let identity: string | undefined = undefined;
      try {
        const given = await this.#read();
        identity = identityOf(given);
        if (owner.isOver()) return unchanged;
        if (identity === this.#seen && this.#refused === undefined) return this.#settled(unchanged);
        const fresh = fit(given, owner);
        this.#seen = identity;
        this.#refused = undefined;
        if (
          this.#current !== undefined && identityOf(givenOf(fresh)) === identityOf(givenOf(this.#current))
        ) {
          return this.#settled(unchanged);
        }
        this.enter(fresh, owner);
        return this.#settled({ status: "rotated" });
      } catch (cause) {
        if (owner.isOver()) return unchanged;
        const error = asMaterialError(cause, this.#rules.place);
        const found = identity ?? error.message;
        if (patience && error.message !== this.#refused?.message && found !== this.#doubtful) {
          this.#doubtful = found;
          return { status: "doubtful" };
        }
        this.#refuse(error, owner);
        return this.#settled({ status: "refused", error });
      }
    });
  }

  /** Puts in service what is fit. */
  enter(fit: Fit, owner: Owner): void {
    const isFirst = this.#current === undefined;
    this.#current = fit;
    if (!isFirst) this.#rotations++;
    this.#rules.entered(fit, isFirst, owner);
  }

  #queue<Value>(job: () => Promise<Value>): Promise<Value> {
    const done = this.#line.then(job);
    this.#line = done.catch(() => {});
    return done;
  }

  async #read(): Promise<Given> {
    try {
      return await this.#rules.read();
    } catch (cause) {
      throw asMaterialError(cause, this.#rules.place);
    }
  }

  #refuse(error: TlsError, owner: Owner): void {
    const isKnown = this.#refused?.message === error.message;
    this.#refused = error;
    if (isKnown) return;
    this.#refusals++;
    this.#rules.refused(error, owner);
  }

  #settled(outcome: RefreshOutcome): RefreshOutcome {
    this.#doubtful = undefined;
    return outcome;
  }
}

/** Whatever a source has thrown, as an error that names it. */
function asMaterialError(cause: unknown, origin: string): TlsError {
  if (cause instanceof TlsError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new TlsError("material", `use ${origin}: ${text}`, { cause });
}
