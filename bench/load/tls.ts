/** TLS on the load's side: full handshakes of TLS 1.3 on Bun's own sockets, with the server's certificate verified. */

/** What `Bun.connect` takes. */
export interface TlsClientSettings {
  readonly ca: string;
  readonly serverName: string;
}

/** The part of a secured socket of Bun that tells what was agreed on. */
export interface SecuredSocket {
  getTLSVersion(): string;
  isSessionReused(): boolean;
}

/** Trusts this certificate alone. */
export function clientTls(trusted: string): TlsClientSettings {
  return { ca: trusted, serverName: "localhost" };
}

/** What is wrong with a handshake that is over; undefined when it was as it should be. */
export function checkSecured(
  socket: SecuredSocket,
  trusted: boolean,
  fault: Error | null,
): string | undefined {
  if (!trusted || fault !== null) return `the handshake failed: ${fault?.message ?? "no reason was given"}`;
  const version = socket.getTLSVersion();
  if (version !== "TLSv1.3") return `expected TLSv1.3, found ${version}`;
  return socket.isSessionReused() ? "expected a full handshake, found a resumed session" : undefined;
}
