/** A host for certificates whose files are in memory: they change when the test says so, and news of it comes or not. */
import { checkClientAuthorities, checkPair } from "../../src/host/certificate_pair.ts";
import type { CertificatesOptions, CertificateSource } from "../../src/core/tls/certificate_options.ts";
import type { CertificateHost } from "../../src/certificates/certificate_host.ts";
import { resolveCertificates } from "../../src/certificates/certificate_settings.ts";
import { CertificateSet } from "../../src/certificates/certificates.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

/** Files in memory. */
export class MemoryFiles implements CertificateHost {
  readonly checkPair: CertificateHost["checkPair"] = checkPair;
  readonly checkClientAuthorities: CertificateHost["checkClientAuthorities"] = checkClientAuthorities;
  readonly #files = new Map<string, { text: string; version: number }>();
  readonly #watchers = new Map<string, Set<() => void>>();
  #version = 0;
  #generation = 0;
  /** Set to have watching fail. */
  watchFault: Error | undefined = undefined;
  reads = 0;

  /** Writes, and tells those who watch unless `silently`. */
  write(path: string, text: string, silently = false): void {
    this.#files.set(path, { text, version: ++this.#version });
    if (!silently) this.tell(path);
  }

  remove(path: string): void {
    this.#files.delete(path);
    this.tell(path);
  }

  tell(path: string): void {
    for (const changed of this.#watchers.get(this.folderOf(path)) ?? []) changed();
  }

  /** Every folder is another one now, and the old ones tell nothing any more. */
  replaceFolders(): void {
    this.#generation++;
    this.#watchers.clear();
  }

  get watchers(): number {
    return [...this.#watchers.values()].reduce((sum, { size }) => sum + size, 0);
  }

  readonly readSmallFile = (path: string): Promise<string> => {
    this.reads++;
    const file = this.#files.get(path);
    return file === undefined ? Promise.reject(new Error("ENOENT")) : Promise.resolve(file.text);
  };

  readonly fileStamp = (path: string): Promise<string> =>
    Promise.resolve(String(this.#files.get(path)?.version ?? "ENOENT"));

  readonly folderIdentity = (path: string): Promise<string> => Promise.resolve(`${path}:${this.#generation}`);

  readonly folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

  readonly watchFolder: CertificateHost["watchFolder"] = (path, changed, failed) => {
    if (this.watchFault !== undefined) {
      failed(this.watchFault);
      return () => {};
    }
    const watchers = this.#watchers.get(path) ?? new Set();
    this.#watchers.set(path, watchers.add(changed));
    return () => void watchers.delete(changed);
  };
}

/** Certificates with files in memory, a clock that the test moves, and what they logged. */
export class CertificateStage {
  readonly files: MemoryFiles = new MemoryFiles();
  readonly clock: FakeClock = new FakeClock({ wallTime: Date.now() });
  readonly logs: LogRecord[] = [];

  set(
    sources: Readonly<Record<string, CertificateSource>>,
    options: CertificatesOptions = {},
  ): CertificateSet {
    const { clock, logs } = this;
    const own = { clock, logger: (record: LogRecord) => void logs.push(record), ...options };
    return new CertificateSet(resolveCertificates(sources, own), () => Promise.resolve(this.files));
  }

  /** Messages of this level and above, with the certificate's name. */
  told(level: "info" | "warn" = "warn"): string[] {
    return this.logs.filter((record) => level === "info" || record.level !== "info")
      .map(({ message, fields }) => `${message}: ${fields.certificate}`);
  }
}
