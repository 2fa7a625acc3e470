/**
 * Listening and connecting at either kind of address, from what a runtime does once the address is fit for it: a
 * path is checked first, and one that a dead server left behind is cleared away.
 *
 * Used by the adapters of the runtimes. What deals with paths is loaded when the first path is met.
 */
import type { Adapter, ConnectOptions, Listener, ListenOptions, Transport } from "../core/transport.ts";

/** A runtime's own listening and connecting. Both reject, and never throw. */
export interface Placing {
  bind(options: ListenOptions, accept: (transport: Transport) => void): Promise<Listener>;
  dial(options: ConnectOptions): Promise<Transport>;
}

/** The same for any address. */
export function placed({ bind, dial }: Placing): Pick<Adapter, "listen" | "connect"> {
  return {
    async listen(options, accept) {
      const { address } = options;
      if (address.transport === "tcp") return bind(options, accept);
      const { bindPath } = await import("./unix_path.ts");
      return bindPath(
        address.path,
        () => bind(options, accept),
        () => dial({ ...options, tls: undefined, signal: undefined }),
      );
    },
    async connect(options) {
      const { address } = options;
      if (address.transport === "unix") {
        (await import("./unix_path.ts")).checkPath(address.path, `connect to ${address.path}`);
      }
      return dial(options);
    },
  };
}
