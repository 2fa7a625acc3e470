/**
 * TLS over the plain sockets of a runtime: the one place where it is decided whose TLS that is.
 *
 * Always `node:tls`, which Node, Bun and Deno have alike, over the runtime's own plain sockets. The TLS of Bun's and
 * Deno's own sockets can neither choose a certificate by name nor change one while listening, nor tell what a wrong
 * peer speaks; Deno's asks for no client certificates and cannot send small writes at once. And above plain sockets a
 * connection that was cut off can be told from one that was closed, which no runtime's TLS does.
 */
import type { MakeLower } from "./tls_below.ts";
import type { Adapter, ConnectOptions, Listener, ListenOptions, Transport } from "../core/transport.ts";

type Sockets = Pick<Adapter, "listen" | "connect">;

/** On what TLS is laid. */
export interface TlsGround {
  readonly sockets: () => Promise<Sockets>;
  readonly lower: () => Promise<MakeLower>;
}

/** Sockets with TLS where it is asked for; the ground is the plain sockets themselves, unless said otherwise. */
export function secured(plain: Sockets, given: Partial<TlsGround> = {}): Sockets {
  const ground: TlsGround = { sockets: () => Promise.resolve(plain), lower: overTransport, ...given };
  const upgrading = () => Promise.all([import("./upgradable.ts"), ground.sockets()]);
  return {
    async listen(options: ListenOptions, accept: (transport: Transport) => void): Promise<Listener> {
      const { tls, handshakes } = options;
      if (tls === undefined) {
        if (!options.upgradable) return plain.listen(options, accept);
        const [{ UpgradableTransport, upgradeOver }, sockets] = await upgrading();
        const upgrade = upgradeOver(ground.lower);
        return sockets.listen(options, (one) => accept(new UpgradableTransport(one, upgrade)));
      }
      const [{ TlsDoor }, sockets, lower] = await Promise.all([
        import("./tls_server.ts"),
        ground.sockets(),
        ground.lower(),
      ]);
      const door = new TlsDoor(tls, handshakes, accept, lower);
      const listener = await sockets.listen({ ...options, tls: undefined }, (one) => door.take(one));
      return { address: listener.address, tls: "node:tls", stop: () => listener.stop() };
    },
    async connect(options: ConnectOptions): Promise<Transport> {
      const { tls, address, signal } = options;
      if (tls === undefined) {
        if (!options.upgradable) return plain.connect(options);
        const [{ UpgradableTransport, upgradeOver }, sockets] = await upgrading();
        return new UpgradableTransport(await sockets.connect(options), upgradeOver(ground.lower));
      }
      const [{ secureClient }, sockets, lower] = await Promise.all([
        import("./tls_client.ts"),
        ground.sockets(),
        ground.lower(),
      ]);
      const transport = await sockets.connect({ ...options, tls: undefined });
      return secureClient(transport, tls, address, signal, lower);
    },
  };
}

async function overTransport(): Promise<MakeLower> {
  const { Below } = await import("./tls_below.ts");
  return (transport, owner, first) => new Below(transport, owner, first);
}
