/**
 * One certificate of a server: which names it is for, whether it is fit for service, and what is told of it.
 *
 * Owned by `CertificateSet`. How one follows another is in `rotation.ts`.
 */
import { serverName } from "../core/text/server_name.ts";
import type { PeerCertificate, TlsMaterial } from "../core/tls/tls.ts";
import { TlsError } from "../core/tls/tls_error.ts";
import { dnsNames } from "../core/tls/x509.ts";
import type { PairOrigin } from "../host/certificate_pair.ts";
import type { CheckedEntry } from "./certificate_settings.ts";
import { type RefreshOutcome, Rotation, type RotationOwner } from "./rotation.ts";

/** A certificate that clients are shown. */
export interface InService {
  readonly material: TlsMaterial;
  readonly certificate: PeerCertificate;
  /** Canonical names of servers. */
  readonly serverNames: readonly string[];
  readonly since: number;
}

/** What an entry is told by the set that owns it. */
export interface EntryOwner extends RotationOwner {
  /** A new pair is in service. */
  rotated(entry: CertificateEntry): void;
}

/** One certificate, through its rotations. */
export class CertificateEntry {
  readonly name: string;
  readonly isDefault: boolean;
  readonly checked: CheckedEntry;
  readonly #origin: PairOrigin;
  readonly #rotation: Rotation<TlsMaterial, InService, EntryOwner>;

  constructor(checked: CheckedEntry, isDefault: boolean, read: () => Promise<TlsMaterial>) {
    const { name, source } = checked;
    this.name = name;
    this.isDefault = isDefault;
    this.checked = checked;
    const place = source.kind === "function"
      ? `${name}.load`
      : source.kind === "text"
      ? name
      : source.certFile;
    this.#origin = source.kind === "files"
      ? { cert: source.certFile, key: source.keyFile }
      : source.kind === "text"
      ? { cert: `${name}.cert`, key: `${name}.key` }
      : { cert: `the cert that ${name}.load returned`, key: `the key that ${name}.load returned` };
    this.#rotation = new Rotation({
      place,
      read,
      identityOf: ({ cert, key }) => `${cert}\0${key}`,
      fit: (material, owner) => this.#fit(material, owner, this.#origin),
      givenOf: ({ material }) => material,
      entered: (fit, isFirst, owner) => this.#entered(fit, isFirst, owner),
      refused: (error, owner) => this.#refused(error, owner),
    });
  }

  get current(): InService | undefined {
    return this.#rotation.current;
  }

  get rotations(): number {
    return this.#rotation.rotations;
  }

  get refusals(): number {
    return this.#rotation.refusals;
  }

  get refused(): TlsError | undefined {
    return this.#rotation.refused;
  }

  /** Reads the source for the start. Rejects with `TlsError` `material`. */
  start(owner: EntryOwner): Promise<void> {
    return this.#rotation.start(owner);
  }

  /** Reads the source again. */
  refresh(owner: EntryOwner, patience: boolean): Promise<RefreshOutcome> {
    return this.#rotation.refresh(owner, patience);
  }

  /** Puts a pair in service that does not come from the source. Throws `TlsError` `material`. */
  rotate(material: TlsMaterial, owner: EntryOwner): void {
    const { name } = this;
    const origin = { cert: `rotate ${name}: cert`, key: `rotate ${name}: key` };
    this.#rotation.enter(this.#fit(material, owner, origin), owner);
  }

  #fit(material: TlsMaterial, owner: EntryOwner, origin: PairOrigin): InService {
    const since = owner.now();
    const pair = owner.host.checkPair(material, since, origin);
    const serverNames = this.checked.serverNames ??
      dnsNames(pair.certificate).flatMap((name) => serverName(name) ?? []);
    if (serverNames.length === 0 && !this.isDefault) {
      throw new TlsError(
        "material",
        `use ${origin.cert}: found a certificate without DNS names; set serverNames to the names that it is for`,
      );
    }
    return { ...pair, serverNames, since };
  }

  #entered({ certificate, serverNames }: InService, isFirst: boolean, owner: EntryOwner): void {
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
    owner.rotated(this);
  }

  #refused(error: TlsError, owner: EntryOwner): void {
    const inService = this.current?.certificate;
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
}

function covers(names: readonly string[], name: string): boolean {
  const dot = name.indexOf(".");
  return names.includes(name) || (dot > 0 && names.includes(`*${name.slice(dot)}`));
}
