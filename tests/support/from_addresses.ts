/** Peers of chosen addresses, where a network in memory knows only one. */
import type { Adapter, Transport } from "../../src/core/transport.ts";

/** The adapter, whose accepted connections come from what `next` says. */
export function fromAddresses(adapter: Adapter, next: () => string): Adapter {
  return {
    ...adapter,
    listen: (options, accept) =>
      adapter.listen(options, (transport: Transport) => {
        Object.defineProperty(transport, "peer", { value: { ...transport.peer, ip: next() } });
        accept(transport);
      }),
  };
}
