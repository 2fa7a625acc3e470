/**
 * One certificate of a server: what is in service, what was refused, and the rule by which one follows another.
 *
 * Owned by `CertificateSet`. Knows neither files nor timers: a feed reads, and says when.
 */
import { serverName } from "../core/server_name.ts";
import type { PeerCertificate, TlsMaterial } from "../core/tls.ts";
import { TlsError } from "../core/tls_error.ts";
import { dnsNames } from "../core/x509.ts";
import type { PairOrigin } from "../host/certificate_pair.ts";
import type { CertificateHost } from "./certificate_host.ts";
import type { CheckedEntry } from "./certificate_settings.ts";
import type { Logger } from "./server_options.ts";

/** A certificate that clients are shown. */
export interface InService {
  readonly material: TlsMaterial;
  readonly certificate: PeerCertificate;
  /** Canonical names of servers. */
  readonly serverNames: readonly string[];
  readonly since: number;
}

/** What reading a source again has led to; `doubtful` may be half a rotation, and should be read again soon. */
export type RefreshOutcome =
  | { readonly status: "rotated" | "unchanged" | "doubtful" }
  | { readonly status: "refused"; readonly error: TlsError };

/** What an entry is told by the set that owns it. */
export interface EntryOwner {
  readonly host: CertificateHost;
  /** Wall-clock time. */
  now(): number;
  readonly log: Logger;
  /** The certificates were closed: what is still being read comes too late. */
  isOver(): boolean;
  /** A new pair is in service. */
  rotated(entry: CertificateEntry): void;
}

const unchanged: RefreshOutcome = { status: "unchanged" };

/** One certificate, through its rotations. */
export class CertificateEntry {
  readonly name: string;
  readonly isDefault: boolean;
  readonly checked: CheckedEntry;
  readonly #origin: PairOrigin;
  /** Names the source in messages. */
  readonly #place: string;
  readonly #read: () => Promise<TlsMaterial>;
  #current: InService | undefined = undefined;
  #rotations = 0;
  #refusals = 0;
  #refused: TlsError | undefined = undefined;
  /** What the source gave last, whether it was taken or refused. */
  #seen: string | undefined = undefined;
  /** What was found at fault once: it counts when the same is found again. */
  #doubtful: string | undefined = undefined;
  /** One reading at a time. */
  #line: Promise<unknown> = Promise.resolve();

  constructor(checked: CheckedEntry, isDefault: boolean, read: () => Promise<TlsMaterial>) {
    const { name, source } = checked;
    this.name = name;
    this.isDefault = isDefault;
    this.checked = checked;
    this.#read = read;
    this.#place = source.kind === "function"
      ? `${name}.load`
      : source.kind === "text"
      ? name
      : source.certFile;
    this.#origin = source.kind === "files"
      ? { cert: source.certFile, key: source.keyFile }
      : source.kind === "text"
      ? { cert: `${name}.cert`, key: `${name}.key` }
      : { cert: `what ${name}.load gave as cert`, key: `what ${name}.load gave as key` };
  }

  get current(): InService | undefined {
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
  start(owner: EntryOwner): Promise<void> {
    return this.#queue(async () => {
      const material = await this.#readSource();
      const identity = identityOf(material);
      if (this.#current !== undefined && identity === this.#seen && this.#refused === undefined) return;
      this.#enter(this.#fit(material, owner), owner);
      this.#seen = identity;
      this.#refused = undefined;
    });
  }

  /**
   * Reads the source again. With patience a fault counts only when it is found twice, since files are replaced one
   * after the other.
   */
  refresh(owner: EntryOwner, patience: boolean): Promise<RefreshOutcome> {
    return this.#queue(async () => {
      let identity: string | undefined = undefined;
      try {
        const material = await this.#readSource();
        identity = identityOf(material);
        if (owner.isOver()) return unchanged;
        if (identity === this.#seen && this.#refused === undefined) return this.#settled(unchanged);
        const fit = this.#fit(material, owner);
        this.#seen = identity;
        this.#refused = undefined;
        if (this.#current !== undefined && identityOf(fit.material) === identityOf(this.#current.material)) {
          return this.#settled(unchanged);
        }
        this.#enter(fit, owner);
        return this.#settled({ status: "rotated" });
      } catch (cause) {
        if (owner.isOver()) return unchanged;
        const error = asMaterialError(cause, this.#place);
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

  /** Puts a pair in service that does not come from the source. Throws `TlsError` `material`. */
  rotate(material: TlsMaterial, owner: EntryOwner): void {
    const { name } = this;
    this.#enter(
      this.#fit(material, owner, { cert: `rotate ${name}: cert`, key: `rotate ${name}: key` }),
      owner,
    );
  }

  #queue<Value>(job: () => Promise<Value>): Promise<Value> {
    const done = this.#line.then(job);
    this.#line = done.catch(() => {});
    return done;
  }

  async #readSource(): Promise<TlsMaterial> {
    try {
      return await this.#read();
    } catch (cause) {
      throw asMaterialError(cause, this.#place);
    }
  }

  #fit(material: TlsMaterial, owner: EntryOwner, origin: PairOrigin = this.#origin): InService {
    const since = owner.now();
    const pair = owner.host.checkPair(material, since, origin);
    const serverNames = this.checked.serverNames ??
      dnsNames(pair.certificate).flatMap((name) => serverName(name) ?? []);
    if (serverNames.length === 0 && !this.isDefault) {
      throw new TlsError(
        "material",
        `use ${origin.cert}: found a certificate for no server by name; say with serverNames what it is for`,
      );
    }
    return { ...pair, serverNames, since };
  }

  #enter(fit: InService, owner: EntryOwner): void {
    const isFirst = this.#current === undefined;
    this.#current = fit;
    const { certificate, serverNames } = fit;
    owner.log({
      level: "info",
      message: isFirst ? "certificate in service" : "certificate rotated",
      fields: {
        certificate: this.name,
        subject: certificate.subject,
        fingerprint256: certificate.fingerprint256,
        serverNames,
        expires: new Date(certificate.validTo).toISOString(),
      },
    });
    const covered = dnsNames(certificate);
    const bare = serverNames.filter((name) => !covers(covered, name));
    if (bare.length > 0) {
      const fields = { certificate: this.name, serverNames: bare, names: certificate.subjectAltNames };
      owner.log({ level: "warn", message: "certificate is not for the names it is used for", fields });
    }
    if (!isFirst) this.#rotations++;
    owner.rotated(this);
  }

  #refuse(error: TlsError, owner: EntryOwner): void {
    const isKnown = this.#refused?.message === error.message;
    this.#refused = error;
    if (isKnown) return;
    this.#refusals++;
    const inService = this.#current?.certificate;
    owner.log({
      level: "error",
      message: "certificate refused",
      fields: {
        certificate: this.name,
        error: error.message,
        reason: error.reason,
        inService: inService?.fingerprint256,
        expires: inService && new Date(inService.validTo).toISOString(),
      },
    });
  }

  #settled(outcome: RefreshOutcome): RefreshOutcome {
    this.#doubtful = undefined;
    return outcome;
  }
}

function identityOf({ cert, key }: TlsMaterial): string {
  return `${cert}\0${key}`;
}

function covers(names: readonly string[], name: string): boolean {
  const dot = name.indexOf(".");
  return names.includes(name) || (dot > 0 && names.includes(`*${name.slice(dot)}`));
}

/** Whatever a source has thrown, as an error that names it. */
function asMaterialError(cause: unknown, origin: string): TlsError {
  if (cause instanceof TlsError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new TlsError("material", `use ${origin}: ${text}`, { cause });
}
