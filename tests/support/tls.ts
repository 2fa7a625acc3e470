// Complete settings of TLS at the seam, of which a test says only what it is about.
import type { TlsClientSettings, TlsMaterial, TlsServerSettings } from "../../src/core/tls/tls.ts";

const protocol = { minVersion: "TLSv1.2", maxVersion: "TLSv1.3", ciphers: undefined, alpn: [] } as const;

export function serverTls(material: TlsMaterial, given: Partial<TlsServerSettings> = {}): TlsServerSettings {
  return { ...protocol, material, select: undefined, clientCertificates: "none", ca: undefined, ...given };
}

export function clientTls(given: Partial<TlsClientSettings> = {}): TlsClientSettings {
  return {
    ...protocol,
    serverName: "localhost",
    ca: undefined,
    material: undefined,
    insecureSkipVerify: false,
    ...given,
  };
}
