/**
 * The binding object of the draft: a `connect` that conforms, over sockets and with settings that are chosen before.
 *
 * Used by `native_sockets.ts` and `edge_sockets.ts`, which say over whose sockets.
 */
import type { TlsClientOptions } from "../connection/tls/options.ts";
import { checkFlag, defaults, OptionsCheck } from "../core/options.ts";
import { addressText } from "../core/text/place.ts";
import type { SizeInput } from "../core/text/size.ts";
import { type Clock, systemClock } from "../core/time/clock.ts";
import { checkDuration, type DurationInput } from "../core/time/duration.ts";
import type { Adapter, Transport } from "../core/transport.ts";
import type { TlsClientSettings } from "../core/tls/tls.ts";
import { type CloudflareConnect, cloudflareSockets } from "./cloudflare_sockets.ts";
import { DialedSocket } from "./dialed_socket.ts";
import type { AnySocketAddress, Connect, SocketOptions } from "./socket.ts";
import { readWish, settingsFor } from "./socket_settings.ts";

/** Settings of all sockets that a binding object connects. */
export type SocketsOptions =
  & SocketSettings
  & (
    | {
      /** `connect` of the module `cloudflare:sockets`, or of a service that a Worker is bound to. */
      readonly connect: CloudflareConnect;
      /** Not with `connect`. */
      readonly adapter?: undefined;
    }
    | {
      /** Not with `adapter`. */
      readonly connect?: undefined;
      /** Sockets to use. @default those of this runtime */
      readonly adapter?: Adapter | undefined;
    }
  );

/** Settings that do not depend on whose sockets they are. */
export interface SocketSettings {
  /** TLS: CAs, a certificate of this side, versions. `sni` and `alpn` of `connect` go before. @default the system's CAs */
  readonly tls?: TlsClientOptions | undefined;
  /** Time limit for connecting, including the TLS handshake, and for that of `startTls`. @default "10 seconds" */
  readonly connectTimeout?: DurationInput | undefined;
  /** Closes every socket, with the signal's reason, be it open or not. */
  readonly signal?: AbortSignal | undefined;
  /** Send small writes at once (TCP_NODELAY). @default true */
  readonly noDelay?: boolean | undefined;
  /** TCP keepalive of the operating system, as in `connect` of Millrace. @default "30 seconds" */
  readonly tcpKeepAlive?: boolean | "system" | DurationInput | undefined;
  /** Reading from the peer stops when this many bytes wait for the reader. @default 65_536 */
  readonly readableBytes?: SizeInput | undefined;
  /** `writer.ready` is pending while this many bytes wait for the kernel. @default 65_536 */
  readonly writableBytes?: SizeInput | undefined;
  /** Clock to use, for tests. @default the system's */
  readonly clock?: Clock | undefined;
}

/** A binding object. */
export interface Sockets {
  /** Connects, with these settings. It does not need its object: `const { connect } = sockets(…)`. */
  readonly connect: Connect;
}

const keys = [
  "tls",
  "connectTimeout",
  "signal",
  "noDelay",
  "tcpKeepAlive",
  "readableBytes",
  "writableBytes",
  "connect",
  "adapter",
  "clock",
];

/** Over these sockets, unless the options name others. Throws `OptionsError`. */
export function bindSockets(options: SocketsOptions, own: () => Promise<Adapter>): Sockets {
  const check = new OptionsCheck();
  check.keys(options, keys);
  const { connect: given, clock = systemClock, signal } = options;
  checkFlag(check, "noDelay", options.noDelay);
  if (options.tls !== undefined && (typeof options.tls !== "object" || options.tls === null)) {
    check.refuse("tls", options.tls, "an object");
  }
  const timeout = checkDuration(check, "connectTimeout", options.connectTimeout, defaults.connectTimeout);
  const marks = {
    readableBytes: check.size("readableBytes", options.readableBytes, 65_536),
    writableBytes: check.size("writableBytes", options.writableBytes, 65_536),
  };
  check.functions(options, ["connect"]);
  if (given !== undefined && options.adapter !== undefined) {
    check.refuse("connect", "connect and adapter", "one of the two");
  }
  check.done();
  const adapter = given === undefined ? options.adapter : cloudflareSockets(given);
  const connect = (address: AnySocketAddress, asked?: SocketOptions): DialedSocket => {
    const wish = readWish(address, asked);
    let tls: TlsClientSettings | undefined;
    const { secureTransport, allowHalfOpen } = wish;
    const upgradable = secureTransport === "starttls";
    const dial = async (attempt: AbortSignal): Promise<Transport> => {
      const sockets = adapter ?? await own();
      const settings = settingsFor(wish, options, sockets);
      tls = settings.tls;
      return sockets.connect({
        ...settings.tuning,
        address: wish.address,
        signal: attempt,
        tls: upgradable ? undefined : tls,
        upgradable,
      });
    };
    return new DialedSocket({
      secureTransport,
      allowHalfOpen,
      marks,
      timeout,
      clock,
      signal,
      where: addressText(wish.address),
      secure: (transport, attempt, ready) =>
        transport.upgrade!({ client: tls! }, attempt, () => Promise.resolve(ready())),
    }, dial);
  };
  return { connect };
}
