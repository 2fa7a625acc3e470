/**
 * Those who may sign the certificates of clients, in a file: whether what is in it is fit for service, and what is told
 * of it.
 *
 * Owned by `CertificateSet`. How one file's content follows another is in `rotation.ts`.
 */
import { TlsError } from "../core/tls/tls_error.ts";
import type { CheckedAuthorities } from "../host/certificate_pair.ts";
import type { ClientAuthorities, ClientAuthoritiesInspection } from "../core/tls/certificate_options.ts";
import { type RefreshOutcome, Rotation, type RotationOwner } from "./rotation.ts";

interface InService extends CheckedAuthorities {
  readonly since: number;
}

/** One file with them, through its changes. */
export class AuthoritiesFile implements ClientAuthorities {
  /** The option that names the file, in reports. */
  readonly name = "caFile";
  readonly file: string;
  readonly #rotation: Rotation<string, InService, RotationOwner>;

  constructor(file: string, read: () => Promise<string>) {
    this.file = file;
    this.#rotation = new Rotation({
      place: file,
      read,
      identityOf: (text) => text,
      fit: (text, owner) => {
        const since = owner.now();
        return { ...owner.host.checkClientAuthorities(text, since, file), since };
      },
      givenOf: ({ ca }) => ca,
      entered: ({ certificates }, isFirst, { log }) => {
        const message = isFirst ? "client CA in service" : "client CA rotated";
        log({
          level: "info",
          message,
          fields: { file, subjects: certificates.map(({ subject }) => subject) },
        });
      },
      refused: ({ message, reason }, { log }) => {
        const inService = this.#rotation.current?.certificates.map(({ subject }) => subject);
        const fields = { file, error: message, reason, inService };
        log({ level: "error", message: "client CA refused", fields });
      },
    });
  }

  get ca(): string {
    const { current } = this.#rotation;
    if (current !== undefined) return current.ca;
    throw new TlsError("material", `use ${this.file}: it is not loaded yet; await open() first`);
  }

  get refused(): TlsError | undefined {
    return this.#rotation.refused;
  }

  inspect(): ClientAuthoritiesInspection | undefined {
    const { current, rotations, refusals, refused } = this.#rotation;
    if (current === undefined) return undefined;
    const { certificates, since } = current;
    const authorities = certificates.map(({ subject, fingerprint256, validFrom, validTo }) => (
      { subject, fingerprint256, validFrom, validTo }
    ));
    return { file: this.file, authorities, since, rotations, refusals, refused };
  }

  /** Reads the file for the start. Rejects with `TlsError` `material`. */
  start(owner: RotationOwner): Promise<void> {
    return this.#rotation.start(owner);
  }

  /** Reads the file again. */
  refresh(owner: RotationOwner, patience: boolean): Promise<RefreshOutcome> {
    return this.#rotation.refresh(owner, patience);
  }
}
