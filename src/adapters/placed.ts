/**
 * Listening and connecting at either kind of address, from what a runtime does once the address is fit for it: a
 * path is checked first, bound so that two servers never take it from each other, and cleared of what a dead one left.
 *
 * Used by the adapters of the runtimes. What deals with paths is loaded when the first path is met.
 */
import type { InheritedSocket, Inheriting } from "./inherited.ts";
import type {
  Adapter,
  AdapterConnectOptions,
  AdapterListenOptions,
  Address,
  Transport,
} from "../core/transport.ts";

type TcpAddress = Extract<Address, { readonly transport: "tcp" }>;

/** A runtime's own listening and connecting. Both reject, and never throw. */
interface Placing extends Inheriting {
  /** `at` is the place that the system is told; peers and messages have that of the options. */
  bind(
    options: AdapterListenOptions,
    accept: (transport: Transport) => void,
    at: Address,
  ): Promise<InheritedSocket>;
  dial(options: AdapterConnectOptions): Promise<Transport>;
}

/** The same for any address. */
export function placed({ bind, dial, discard }: Placing): Pick<Adapter, "listen" | "connect"> {
  return {
    async listen(options, accept) {
      const { address, descriptor } = options;
      if (descriptor !== undefined) {
        const { listenInherited } = await import("./inherited.ts");
        return listenInherited(options, accept, { bind, ...(discard && { discard }) });
      }
      if (address.transport === "tcp") return zoned(address, () => bind(options, accept, address));
      const { bindPath } = await import("./unix/path.ts");
      const plain = { ...options, tls: undefined, failed: ignore };
      const dropped = (transport: Transport) => transport.abort();
      return bindPath(address.path, {
        bind: (path) => bind(options, accept, { transport: "unix", path }),
        claim: (path) => bind(plain, dropped, { transport: "unix", path }),
        dial: (path) => dial({ ...plain, address: { transport: "unix", path }, signal: undefined }),
      }, options.rights);
    },
    async connect(options) {
      const { address } = options;
      if (address.transport === "tcp") return zoned(address, () => dial(options));
      const { path } = address;
      const { checkPath, dialError } = await import("./unix/path.ts");
      checkPath(path, `connect to ${path}`);
      return dial(options).catch((error) => {
        throw dialError(error, path);
      });
    },
  };
}

/** An address with a zone is used by `use` once the zone is known. */
async function zoned<T>(address: TcpAddress, use: () => Promise<T>): Promise<T> {
  if (!address.host.includes("%")) return use();
  const { checkZone, zoneError } = await import("./zone.ts");
  checkZone(address.host);
  return use().catch((error) => {
    throw zoneError(error, address.host);
  });
}

function ignore(): void {}
