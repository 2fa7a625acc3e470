/**
 * What `node:tls` is given for one side, made once for each certificate; and what a handshake has agreed on.
 *
 * Used by `tls/server.ts` and `tls/client.ts`, on every runtime that has `node:tls`.
 */
import { constants, createHash } from "node:crypto";
import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import type {
  PeerCertificate,
  TlsInfo,
  TlsMaterial,
  TlsProtocol,
  TlsServerSettings,
  TlsVersion,
} from "../../core/tls/tls.ts";
import { TlsError } from "../../core/tls/tls_error.ts";
import { readCertificate } from "../../core/tls/x509.ts";

/**
 * Neither side may begin a second handshake within a connection, which TLS 1.2 has and 1.3 does not: it costs the one who
 * is asked much more than the one who asks. OpenSSL has to be told; BoringSSL and rustls never do it, and Bun knows no
 * such flag.
 */
const noRenegotiation = constants.SSL_OP_NO_RENEGOTIATION ?? 0;

/**
 * Secure contexts of one listener or client, one for each certificate that was ever used. When those who sign for the
 * other side have changed, all are made anew; so a session from before is not resumed; for Deno see `tls/resumption.ts`.
 */
export class TlsContexts {
  readonly #settings: TlsProtocol & { readonly ca: string | undefined };
  #made: WeakMap<TlsMaterial, SecureContext> = new WeakMap();
  #ca: string | undefined = undefined;
  #bare: SecureContext | undefined = undefined;

  constructor(settings: TlsProtocol & { readonly ca: string | undefined }) {
    this.#settings = settings;
  }

  /** Throws `TlsError` `material`, without any part of the key in it. */
  for(material: TlsMaterial | undefined): SecureContext {
    const { ca } = this.#settings;
    if (ca !== this.#ca) {
      this.#ca = ca;
      this.#bare = undefined;
      this.#made = new WeakMap();
    }
    if (material === undefined) return this.#bare ??= this.#make(undefined);
    let context = this.#made.get(material);
    if (context === undefined) this.#made.set(material, context = this.#make(material));
    return context;
  }

  #make(material: TlsMaterial | undefined): SecureContext {
    const { ca, ciphers, minVersion, maxVersion } = this.#settings;
    try {
      return createSecureContext({
        minVersion,
        maxVersion,
        secureOptions: noRenegotiation,
        // Needed to resume sessions of clients with certificates; any name will do.
        sessionIdContext: "millrace",
        ...(material && { cert: material.cert, key: material.key }),
        ...(ca !== undefined && { ca }),
        ...(ciphers !== undefined && { ciphers }),
      });
    } catch (cause) {
      const { code = "", message } = cause as { code?: string; message: string };
      const what = /CIPHER/.test(code)
        ? `prepare TLS: found ciphers ${JSON.stringify(ciphers)}, expected names that OpenSSL knows`
        : `prepare TLS: certificate, key or CA cannot be used (${message}); check that they are PEM ` +
          "text, that the key is not encrypted and that it belongs to the certificate";
      throw new TlsError("material", what, { cause });
    }
  }
}

const contexts = new WeakMap<TlsServerSettings, TlsContexts>();

/** Those of one server's side: the same for all upgrades that are settled by it, so that sessions can be resumed. */
export function contextsOf(tls: TlsServerSettings): TlsContexts {
  let made = contexts.get(tls);
  if (made === undefined) contexts.set(tls, made = new TlsContexts(tls));
  return made;
}

/** The peer's certificate; undefined when it sent none. */
export function certificateOf(
  socket: { getPeerCertificate(): unknown },
): PeerCertificate | undefined {
  const { raw } = (socket.getPeerCertificate() ?? {}) as { raw?: Uint8Array };
  return raw && readCertificate(raw, createHash("sha256").update(raw).digest());
}

/** What was agreed on. */
export function tlsInfo(
  socket: TLSSocket,
  serverName: string | undefined,
  authorized: boolean,
  certificate: PeerCertificate | undefined,
): TlsInfo {
  const protocol = socket.getProtocol();
  return {
    engine: "node:tls",
    protocol: protocol === "TLSv1.2" || protocol === "TLSv1.3" ? protocol as TlsVersion : undefined,
    cipher: socket.getCipher()?.name,
    alpn: socket.alpnProtocol || undefined,
    serverName,
    authorized,
    certificate,
  };
}
