// Complete settings of TLS at the seam, of which a test says only what it is about.
import type { ClientTls, ServerTls, TlsMaterial } from "../../src/core/tls/tls.ts";

const protocol = { minVersion: "TLSv1.2", maxVersion: "TLSv1.3", ciphers: undefined, alpn: [] } as const;

export function serverTls(material: TlsMaterial, given: Partial<ServerTls> = {}): ServerTls {
  return { ...protocol, material, select: undefined, clientCertificates: "none", ca: undefined, ...given };
}

export function clientTls(given: Partial<ClientTls> = {}): ClientTls {
  return {
    ...protocol,
    serverName: "localhost",
    ca: undefined,
    material: undefined,
    insecureSkipVerify: false,
    ...given,
  };
}
