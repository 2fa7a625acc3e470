/**
 * TLS over the plain sockets of a runtime: the one place where it is decided whose TLS that is.
 *
 * The TLS of a runtime's own sockets where it does all that is asked for, which is what `isSimple…` says below; else
 * `node:tls`, which Node, Bun and Deno have alike, over plain sockets. Bun's own TLS chooses no
 * certificate by name and documents no versions; Deno's also asks for no client certificates, cannot
 * send small writes at once, changes no certificate while listening and can't tell what a wrong peer speaks, so that
 * it is never used.
 */
import { isIp } from "../../core/text/place.ts";
import type { TlsClientSettings, TlsProtocol, TlsServerSettings } from "../../core/tls/tls.ts";
import type { MakeLower } from "./below.ts";
import type {
  Adapter,
  AdapterConnectOptions,
  AdapterListenOptions,
  Listener,
  Transport,
} from "../../core/transport.ts";

type Sockets = Pick<Adapter, "listen" | "connect">;

/** On what TLS is laid. */
interface TlsGround {
  /** @default the plain sockets themselves */
  readonly sockets?: () => Promise<Sockets>;
  readonly lower: () => Promise<MakeLower>;
  /** Whether the plain sockets can secure themselves, as far as that is simple. @default false */
  readonly ownTls?: boolean;
}

/** Sockets with TLS where it is asked for. */
export function secured(plain: Sockets, given: TlsGround): Sockets {
  const ground = { sockets: () => Promise.resolve(plain), ...given };
  const upgrading = () => Promise.all([import("./upgradable.ts"), ground.sockets()]);
  return {
    async listen(options: AdapterListenOptions, accept: (transport: Transport) => void): Promise<Listener> {
      const { tls, handshakes, beforeTls } = options;
      if (tls === undefined) {
        if (!options.upgradable) return plain.listen(options, accept);
        const [{ UpgradableTransport, upgradeOver }, sockets] = await upgrading();
        const upgrade = upgradeOver(ground.lower);
        return sockets.listen(options, (one) => accept(new UpgradableTransport(one, upgrade)));
      }
      // The TLS of a runtime's own begins with the connection.
      if (ground.ownTls && beforeTls === undefined && isSimpleServer(tls)) {
        return plain.listen(options, accept);
      }
      const [{ TlsAcceptor }, { requireVerdicts }, { PlainFirst }, sockets, lower] = await Promise.all([
        import("./server.ts"),
        import("./verdict.ts"),
        import("./upgradable.ts"),
        ground.sockets(),
        ground.lower(),
      ]);
      await requireVerdicts(tls);
      const acceptor = new TlsAcceptor(tls, handshakes, accept, lower);
      const take = (one: Transport): void => {
        if (beforeTls === undefined) return acceptor.take(one);
        const part = new PlainFirst(one);
        beforeTls(part, (head, peer) => {
          part.handOver(head, peer);
          // Not within a chunk: TLS takes the place of what is telling of it.
          queueMicrotask(() => acceptor.take(part));
        });
      };
      const listener = await sockets.listen({ ...options, tls: undefined }, take);
      return securedListener(listener);
    },
    async connect(options: AdapterConnectOptions): Promise<Transport> {
      const { tls, address, signal, preface } = options;
      if (tls === undefined) {
        if (!options.upgradable) return plain.connect(options);
        const [{ UpgradableTransport, upgradeOver }, sockets] = await upgrading();
        return new UpgradableTransport(await sockets.connect(options), upgradeOver(ground.lower));
      }
      if (ground.ownTls && preface === undefined && isSimpleClient(tls)) return plain.connect(options);
      const [{ secureClient }, sockets, lower] = await Promise.all([
        import("./client.ts"),
        ground.sockets(),
        ground.lower(),
      ]);
      const transport = await sockets.connect({ ...options, tls: undefined });
      return secureClient(transport, tls, address, signal, lower, preface?.(transport.peer));
    },
  };
}

function securedListener(listener: Listener): Listener {
  return {
    address: listener.address,
    tls: "node:tls",
    get descriptor() {
      return listener.descriptor;
    },
    stop: () => listener.stop(),
    ...(listener.pause && listener.resume && {
      pause: () => listener.pause!(),
      resume: () => listener.resume!(),
    }),
  };
}

function isSimpleServer(tls: TlsServerSettings): boolean {
  return tls.select === undefined && tls.clientCertificates === "none" && isUsual(tls);
}

function isSimpleClient(tls: TlsClientSettings): boolean {
  const { material, insecureSkipVerify, serverName } = tls;
  return material === undefined && !insecureSkipVerify && !isIp(serverName) && isUsual(tls);
}

function isUsual({ minVersion, maxVersion, ciphers }: TlsProtocol): boolean {
  return minVersion === "TLSv1.2" && maxVersion === "TLSv1.3" && ciphers === undefined;
}
