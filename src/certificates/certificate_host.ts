/**
 * What certificates need of the host: files, and the check that the runtime's cryptography makes.
 *
 * Loaded when certificates are opened, since servers without TLS need none of it; tests have their own.
 */
import type { CheckedAuthorities, CheckedPair, PairOrigin } from "../host/certificate_pair.ts";
import type { TlsMaterial } from "../core/tls/tls.ts";

/** Files and cryptography. */
export interface CertificateHost {
  /** Throws `TlsError` `material`. */
  checkPair(pair: TlsMaterial, now: number, origin: PairOrigin): CheckedPair;
  /** Throws `TlsError` `material`. */
  checkClientAuthorities(pem: string, now: number, origin: string): CheckedAuthorities;
  readSmallFile(path: string): Promise<string>;
  fileStamp(path: string): Promise<string>;
  folderIdentity(path: string): Promise<string>;
  folderOf(path: string): string;
  watchFolder(path: string, changed: () => void, failed: (error: unknown) => void): () => void;
}

/** The host that this process runs on. */
export async function certificateHost(): Promise<CertificateHost> {
  const [{ checkPair, checkClientAuthorities }, files] = await Promise.all([
    import("../host/certificate_pair.ts"),
    import("../host/watched_files.ts"),
  ]);
  const { readSmallFile, fileStamp, folderIdentity, folderOf, watchFolder } = files;
  return {
    checkPair,
    checkClientAuthorities,
    readSmallFile,
    fileStamp,
    folderIdentity,
    folderOf,
    watchFolder,
  };
}
