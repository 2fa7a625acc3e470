/**
 * What TLS has found of a client's certificate. Only a `tls.Server` documents that, as `authorized`; but it makes its
 * sockets out of sight, and these have to be held from their first byte (`tls/below_handle.ts`). So the socket is asked in
 * the way a `tls.Server` does, and whether that way still tells anything is tried by a handshake in memory before the
 * first listener that needs it: a runtime on which it does not is refused.
 *
 * Used by `secured.ts`, `upgradable.ts` and `tls/server.ts`.
 */
import { Duplex } from "node:stream";
import { connect, createSecureContext, rootCertificates, TLSSocket } from "node:tls";
import { OptionsError } from "../../core/errors.ts";
import type { TlsMaterial, TlsServerSettings } from "../../core/tls/tls.ts";

/** The part of a socket of `node:tls` that is meant here. */
interface Judging {
  readonly ssl?: { verifyError?(): unknown };
}

/** What is wrong with a certificate, as a code; undefined for one that is good. */
type Verdict = (socket: TLSSocket) => string | undefined;

/** An error or null on Node and Bun, a code or "" on Deno; whatever else is told counts as a fault. */
export const verdictOn: Verdict = (socket) => {
  const { ssl } = socket as Judging;
  const fault = typeof ssl?.verifyError === "function" ? ssl.verifyError() : "UNABLE_TO_VERIFY";
  if (fault === null || fault === "") return undefined;
  return typeof fault === "string" ? fault : (fault as { code?: string })?.code ?? "UNABLE_TO_VERIFY";
};

/** The handshake is in memory: it waits for nobody. */
const limitMs = 10_000;

let tried: Promise<boolean> | undefined = undefined;

/**
 * Rejects with `OptionsError` `unsupported` where certificates of clients are asked for and this version of the runtime
 * does not tell of one that is not good. Tried once for each process.
 */
export async function requireVerdicts({ clientCertificates, material }: TlsServerSettings): Promise<void> {
  if (clientCertificates === "none") return;
  if (await (tried ??= tellsFaults(material, verdictOn))) return;
  const expected =
    '"none" on this version of the runtime, whose TLS does not report whether a certificate is valid';
  throw new OptionsError("unsupported", [{
    path: "tls.clientCertificates",
    found: clientCertificates,
    expected,
  }]);
}

/** Whether a client that shows this certificate to a server that does not trust its CA is rejected. */
export function tellsFaults({ cert, key }: TlsMaterial, verdict: Verdict): Promise<boolean> {
  const [below, far] = joined();
  const secureContext = createSecureContext({ cert, key, ca: rootCertificates[0]! });
  const server = new TLSSocket(below, {
    isServer: true,
    secureContext,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const client = connect({ socket: far, cert, key, rejectUnauthorized: false });
  return new Promise<boolean>((resolve) => {
    const timer = setTimeout(resolve, limitMs, false);
    const over = (told: boolean) => {
      clearTimeout(timer);
      resolve(told);
    };
    server.on("secure", () => over(verdict(server) !== undefined));
    for (const end of [server, client]) end.on("error", () => over(false));
  }).finally(() => {
    client.destroy();
    server.destroy();
  });
}

/** Two streams, each of which reads what is written to the other. */
function joined(): readonly [Duplex, Duplex] {
  const ends: Duplex[] = [0, 1].map((at) =>
    new Duplex({
      read() {},
      write(chunk, _, done) {
        ends[1 - at]!.push(chunk);
        done();
      },
    })
  );
  return [ends[0]!, ends[1]!];
}
