/**
 * A listener of `node:net` on an inherited descriptor, which can pause: libuv closes the descriptor of what it stops.
 *
 * Used by `node/adapter.ts`. A stream of libuv that was opened from a descriptor may be read, also where it listens: to
 * begin and to stop that ends the polling, and nothing has been read in between. To listen again begins it anew.
 */
import type { Server } from "node:net";
import type { Address, Listener } from "../../core/transport.ts";
import type { InheritedSocket } from "../inherited.ts";

/** What Node has at `_handle` of a server that listens. */
interface PolledHandle {
  readStart(): number;
  readStop(): number;
  listen(backlog: number): number;
}

/** What Node takes where nothing is said. */
const usualBacklog = 511;

/** A listener that keeps its descriptor while it pauses. */
export class PausingListener implements InheritedSocket {
  readonly address: Address;
  readonly #listener: Listener;
  readonly #server: Server & { readonly _handle?: PolledHandle | null };
  readonly #backlog: number;

  constructor(listener: Listener, server: Server, backlog: number | undefined) {
    this.address = listener.address;
    this.#listener = listener;
    this.#server = server;
    this.#backlog = backlog ?? usualBacklog;
  }

  get descriptor(): number | undefined {
    return this.#listener.descriptor;
  }

  pause(): Promise<void> {
    const handle = this.#server._handle;
    handle?.readStart();
    handle?.readStop();
    return Promise.resolve();
  }

  resume(): Promise<void> {
    this.#server._handle?.listen(this.#backlog);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#listener.stop();
  }
}
