/**
 * The check of an address and of options of the draft, which is done at once, and of what needs to know the sockets
 * that are used, which is not.
 *
 * Used by `bind_sockets.ts`.
 */
import { resolveTuning } from "../connection/socket_settings.ts";
import type { TlsClientOptions } from "../connection/tls/options.ts";
import { resolveClientTls } from "../connection/tls/settings.ts";
import { warnInsecure } from "../connection/tls/trust.ts";
import { OptionsCheck } from "../core/options.ts";
import { readPort } from "../core/text/address.ts";
import { addressText, peerName, readHost } from "../core/text/place.ts";
import { wanted } from "../core/text/reading.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { TlsClientSettings } from "../core/tls/tls.ts";
import type { Adapter, SocketTuning, TcpAddress } from "../core/transport.ts";
import type { AnySocketAddress, SecureTransportKind, SocketOptions } from "./socket.ts";
import { SocketError } from "./socket_error.ts";

/** What was asked of `connect`. */
interface Wish {
  readonly address: TcpAddress;
  readonly secureTransport: SecureTransportKind;
  readonly allowHalfOpen: boolean;
  readonly sni: string | undefined;
  readonly alpn: readonly string[] | undefined;
}

/** Settings of a binding object that its sockets must be able to meet. */
interface BoundOptions {
  readonly tls?: TlsClientOptions | undefined;
  readonly noDelay?: boolean | undefined;
  readonly tcpKeepAlive?: boolean | "system" | DurationInput | undefined;
}

const kinds: readonly unknown[] = ["off", "on", "starttls"];

/** Throws `SocketError` for what is not valid. */
export function readWish(address: AnySocketAddress, options: SocketOptions = {}): Wish {
  const { secureTransport = "off", allowHalfOpen = false, sni = null, alpn = [] } = options ?? {};
  const where = readSocketAddress(address);
  if (!kinds.includes(secureTransport)) {
    refuse("secureTransport", secureTransport, '"off", "on" or "starttls"');
  }
  if (!Array.isArray(alpn)) refuse("alpn", alpn, "a list of application protocols");
  if (secureTransport === "off" && (sni !== null || alpn.length > 0)) {
    const found = sni === null ? "alpn" : "sni";
    refuse(found, sni ?? alpn, 'to be left out, or secureTransport "on" or "starttls"');
  }
  if (sni !== null && peerName(sni) === undefined) refuse("sni", sni, "the name of a host, or null");
  return {
    address: where,
    secureTransport,
    allowHalfOpen: Boolean(allowHalfOpen),
    sni: sni ?? undefined,
    alpn: alpn.length > 0 ? alpn : undefined,
  };
}

function readSocketAddress(address: AnySocketAddress): TcpAddress {
  const text = typeof address === "string" ? address : undefined;
  const [, v6, name, digits] = text === undefined
    ? []
    : /^(?:\[([^[\]]+)\]|([^:[\]\s]+)):(\d+)$/.exec(text) ?? [];
  if (text !== undefined && digits === undefined) {
    refuse("address", text, '"HOST:PORT", such as "example.org:443" or "[::1]:443"');
  }
  const { hostname = undefined, port = undefined } = text === undefined
    ? address as { hostname?: unknown; port?: unknown } ?? {}
    : { hostname: v6 ?? name, port: digits };
  const host = readHost(hostname);
  if (!host.ok) return refuse("address", hostname, wanted(host));
  const number = readPort(typeof port === "string" ? port : port as number, "connect");
  if (!number.ok) return refuse("address", port, wanted(number));
  return { transport: "tcp", host: host.value, port: number.value };
}

function refuse(what: string, found: unknown, expected: string): never {
  const shown = typeof found === "string" ? JSON.stringify(found) : String(found);
  throw new SocketError(`connect: ${what}: found ${shown}, expected ${expected}`);
}

/** The rest, for these sockets. Throws `OptionsError`. */
export function settingsFor(
  { address, secureTransport, sni, alpn }: Wish,
  bound: BoundOptions,
  adapter: Adapter,
): { readonly tuning: SocketTuning; readonly tls: TlsClientSettings | undefined } {
  const check = new OptionsCheck();
  const tuning = resolveTuning(check, bound, adapter);
  let tls: TlsClientSettings | undefined;
  if (secureTransport !== "off") {
    const given = {
      ...bound.tls,
      ...(sni !== undefined && { serverName: sni }),
      ...(alpn !== undefined && { alpn }),
    } as TlsClientOptions;
    tls = resolveClientTls(check, given, address, adapter);
  }
  check.done();
  if (tls?.insecureSkipVerify) warnInsecure(addressText(address));
  return { tuning, tls };
}
