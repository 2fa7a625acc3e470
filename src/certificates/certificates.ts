/**
 * The certificates of a server: which one is shown to whom, kept up to date while the server runs.
 *
 * `certificates` is called by the program that configures a server; the server opens what it returns, asks it in each
 * handshake and closes it. Knows no socket.
 */
import { type Clock, systemClock } from "../core/time/clock.ts";
import { OptionsError } from "../core/errors.ts";
import { parentName } from "../core/text/server_name.ts";
import type { TlsMaterial } from "../core/tls/tls.ts";
import { TlsError } from "../core/tls/tls_error.ts";
import { CertificateEntry, type EntryOwner, type InService } from "./certificate_entry.ts";
import { ExpiryWatch } from "./certificate_expiry.ts";
import { type CertificateFeed, FunctionFeed, TextFeed } from "./certificate_feed.ts";
import { FileFeed, type WatchedFiles } from "./certificate_files.ts";
import { type CertificateHost, certificateHost } from "./certificate_host.ts";
import type {
  CertificateChange,
  CertificateInspection,
  Certificates,
  CertificatesOptions,
  CertificateSource,
  CertificatesUser,
  ClientAuthorities,
  LendableCertificates,
  ReloadReport,
} from "../core/tls/certificate_options.ts";
import { type CertificateSettings, type CheckedEntry, resolveCertificates } from "./certificate_settings.ts";
import { AuthoritiesFile } from "./client_authorities.ts";
import { errorText, guarded, standardLogger } from "../host/standard_log.ts";
import type { Logger } from "../core/logger.ts";

/**
 * Certificates for the option `tls` of a server, by names of your choice, each from text, files or a function. Files are
 * watched, and new ones are put in service as a pair. A certificate that does not match its key, has expired, is not yet
 * valid or cannot be read is rejected with a log record, and the previous one stays in service.
 *
 * The name that a client asks for is that of server name indication
 * ([RFC 6066](https://www.rfc-editor.org/rfc/rfc6066#section-3)). Nothing is read before the server starts.
 *
 * @example Two certificates, the second for clients that ask for its names
 * ```ts
 * import { certificates } from "@millrace/millrace";
 *
 * const tls = certificates({
 *   main: { certFile: "main.crt", keyFile: "main.key" },
 *   shop: { serverNames: ["*.shop.example"], certFile: "shop.crt", keyFile: "shop.key" },
 * });
 * ```
 *
 * @throws {OptionsError} `invalid`, for invalid sources and options
 */
export function certificates<Name extends string>(
  sources: Readonly<Record<Name, CertificateSource>>,
  options: CertificatesOptions<NoInfer<Name>> = {},
): Certificates {
  return new CertificateSet(resolveCertificates(sources, options), certificateHost);
}

/** What `certificates` returns; tests give it a host of their own. */
export class CertificateSet implements LendableCertificates {
  readonly #settings: CertificateSettings;
  readonly #makeHost: () => Promise<CertificateHost>;
  readonly #entries: ReadonlyMap<string, CertificateEntry>;
  readonly #standard: CertificateEntry;
  readonly #authorities: AuthoritiesFile | undefined;
  readonly #feeds = new Map<string, CertificateFeed>();
  #authoritiesFeed: CertificateFeed<string> | undefined = undefined;
  readonly #listeners = new Set<(change: CertificateChange) => void>();
  #index: ReadonlyMap<string, InService> = new Map();
  #users = 0;
  #opening: Promise<void> | undefined = undefined;
  #owner: EntryOwner | undefined = undefined;
  #expiry: ExpiryWatch | undefined = undefined;

  constructor(settings: CertificateSettings, makeHost: () => Promise<CertificateHost>) {
    this.#settings = settings;
    this.#makeHost = makeHost;
    this.#entries = new Map(settings.entries.map((checked) => [checked.name, this.#entry(checked)]));
    this.#standard = this.#entries.get(settings.standard)!;
    const { caFile } = settings;
    this.#authorities = caFile === undefined
      ? undefined
      : new AuthoritiesFile(caFile, () => this.#authoritiesFeed!.read());
  }

  #entry(checked: CheckedEntry): CertificateEntry {
    const { name } = checked;
    return new CertificateEntry(
      checked,
      name === this.#settings.standard,
      () => this.#feeds.get(name)!.read(),
    );
  }

  async open(user: CertificatesUser = {}): Promise<void> {
    this.#users++;
    const opening = this.#opening ??= this.#start(user);
    try {
      await opening;
    } catch (error) {
      this.#users--;
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    if (opening === undefined) return;
    await opening.catch(() => {});
    // An opening that failed has stopped all and counted its user off.
    if (this.#opening !== opening || --this.#users > 0) return;
    this.#opening = undefined;
    this.#stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get several(): boolean {
    return this.#entries.size > 1;
  }

  get material(): TlsMaterial {
    const { current } = this.#standard;
    if (current !== undefined) return current.material;
    throw new TlsError(
      "material",
      "use the default certificate: it is not loaded yet; await open() first",
    );
  }

  get clientAuthorities(): ClientAuthorities | undefined {
    return this.#authorities;
  }

  select(serverName: string): TlsMaterial | undefined {
    let name = serverName.toLowerCase();
    if (name.endsWith(".")) name = name.slice(0, -1);
    const index = this.#index;
    const exact = index.get(name);
    if (exact !== undefined) return exact.material;
    return name.includes(".") ? index.get(`*.${parentName(name)}`)?.material : undefined;
  }

  onChange(listener: (change: CertificateChange) => void): () => void {
    // The same function may listen twice, and each time stops for itself.
    const own = (change: CertificateChange): void => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  rotate(name: string, material: TlsMaterial): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      const expected = `one of ${[...this.#entries.keys()].join(", ")}`;
      throw new OptionsError("invalid", [{ path: "name", found: name, expected }]);
    }
    if (this.#owner === undefined) {
      throw new TlsError("material", `rotate ${name}: the certificates are not open; await open() first`);
    }
    entry.rotate(material, this.#owner);
  }

  async reload(): Promise<ReloadReport> {
    const rotated: string[] = [], unchanged: string[] = [];
    const refused: { readonly name: string; readonly error: TlsError }[] = [];
    const owner = this.#owner;
    if (owner === undefined) return { rotated, unchanged, refused };
    await Promise.all(this.#sources.map(async (entry) => {
      const outcome = await entry.refresh(owner, false);
      if (outcome.status === "refused") refused.push({ name: entry.name, error: outcome.error });
      else (outcome.status === "rotated" ? rotated : unchanged).push(entry.name);
    }));
    return { rotated, unchanged, refused };
  }

  inspect(): readonly CertificateInspection[] {
    return Array.from(this.#entries.values()).flatMap((entry) => {
      if (entry.current === undefined) return [];
      const { certificate, serverNames, since } = entry.current;
      const { name, isDefault, rotations, refusals, refused } = entry;
      const { subject, issuer, fingerprint256, validFrom, validTo } = certificate;
      const source = entry.checked.source.kind;
      const facts = {
        name,
        isDefault,
        source,
        serverNames,
        subject,
        issuer,
        fingerprint256,
        validFrom,
        validTo,
      };
      return { ...facts, since, rotations, refusals, refused };
    });
  }

  get expires(): ReadonlyMap<string, number> {
    return new Map(this.inspect().map(({ name, validTo }) => [name, validTo]));
  }

  async #start(user: CertificatesUser): Promise<void> {
    const clock = this.#settings.clock ?? user.clock ?? systemClock;
    const log = guarded(this.#settings.logger ?? user.logger ?? standardLogger);
    const host = await this.#makeHost();
    const owner: EntryOwner = this.#owner = {
      host,
      log,
      now: () => clock.wallTime(),
      isOver: () => this.#owner !== owner,
      rotated: (entry: CertificateEntry) => this.#rotated(entry, log),
    };
    for (const { name, checked } of this.#entries.values()) {
      this.#feeds.set(name, this.#feed(checked, owner, clock));
    }
    const authorities = this.#authorities;
    if (authorities !== undefined) {
      const files = { paths: [authorities.file], given: ([text]: readonly string[]) => text! };
      this.#authoritiesFeed = this.#fileFeed(authorities.name, files, owner, clock);
    }
    const results = await Promise.allSettled(this.#sources.map((source) => source.start(owner)));
    const faults = results.flatMap((result) =>
      result.status === "rejected" ? [result.reason as TlsError] : []
    );
    if (faults.length > 0) {
      this.#stop();
      if (faults.length === 1) throw faults[0];
      throw new TlsError("material", faults.map(({ message }) => message).join("; "), { cause: faults });
    }
    for (const source of this.#sources) {
      const feed = source === authorities ? this.#authoritiesFeed! : this.#feeds.get(source.name)!;
      feed.watch({
        isRefused: () => source.refused !== undefined,
        refresh: (patience) => source.refresh(owner, patience),
      });
    }
    this.#expiry = new ExpiryWatch([...this.#entries.values()], this.#settings.warnBefore, clock, log);
  }

  /** All that is read and watched. */
  get #sources(): readonly (CertificateEntry | AuthoritiesFile)[] {
    return [...this.#entries.values(), ...this.#authorities ? [this.#authorities] : []];
  }

  #feed({ source, name }: CheckedEntry, owner: EntryOwner, clock: Clock): CertificateFeed {
    if (source.kind === "text") return new TextFeed(source.material);
    if (source.kind === "function") return new FunctionFeed(source, clock);
    const files = {
      paths: [source.certFile, source.keyFile],
      given: ([cert, key]: readonly string[]) => ({ cert: cert!, key: key! }),
    };
    return this.#fileFeed(name, files, owner, clock);
  }

  #fileFeed<Given>(
    name: string,
    files: WatchedFiles<Given>,
    { host, log }: EntryOwner,
    clock: Clock,
  ): FileFeed<Given> {
    return new FileFeed(files, host, clock, this.#settings.pollInterval, (folder, error) => {
      const fields = { certificate: name, folder, error: errorText(error) };
      log({ level: "warn", message: "certificate files cannot be watched, only polled", fields });
    });
  }

  #stop(): void {
    for (const feed of this.#feeds.values()) feed.stop();
    this.#authoritiesFeed?.stop();
    this.#expiry?.stop();
    this.#expiry = undefined;
    this.#owner = undefined;
  }

  #rotated(entry: CertificateEntry, log: Logger): void {
    this.#index = indexOf([...this.#entries.values()]);
    this.#expiry?.look();
    const { name, isDefault, current } = entry;
    for (const listener of this.#listeners) {
      try {
        listener({ name, isDefault, material: current!.material });
      } catch (error) {
        log({ level: "error", message: "hook failed", fields: { error: errorText(error) } });
      }
    }
  }
}

/** By server name: those asked for go before those found in certificates, then the first one counts. */
function indexOf(entries: readonly CertificateEntry[]): Map<string, InService> {
  const index = new Map<string, InService>();
  const asked = entries.filter(({ checked }) => checked.serverNames !== undefined);
  for (const { current } of [...asked, ...entries]) {
    for (const name of current?.serverNames ?? []) if (!index.has(name)) index.set(name, current!);
  }
  return index;
}
