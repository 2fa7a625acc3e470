/**
 * The listening socket of an endpoint, which may stay where the server behind it changes: who connects in between waits.
 *
 * Stands between a server and its adapter. Sockets with TLS pass through it, since their handshakes belong to one server.
 */
import type { Adapter, AdapterListenOptions, Listener, Transport } from "../core/transport.ts";

/** Connections that may wait for the next server; further ones are dropped. */
const mostWaiting = 1_024;

/** A server that listens, or has listened, here. */
interface Owner {
  readonly options: Pick<AdapterListenOptions, "failed" | "lost">;
  accept(transport: Transport): void;
}

/** One listening socket, and the server that has it. */
export class KeptListener {
  /** What the server is given. */
  readonly adapter: Adapter;
  readonly #real: Adapter;
  #listener: Listener | undefined = undefined;
  #owner: Owner | undefined = undefined;
  /** Those who came while there was no server; undefined while there is one. */
  #waiting: Transport[] | undefined = undefined;

  constructor(real: Adapter) {
    const { name, can, listens, longestPath } = real;
    this.#real = real;
    this.adapter = {
      name,
      can,
      listens,
      longestPath,
      connect: (options) => real.connect(options),
      listen: (options, accept) => this.#listen(options, accept),
    };
  }

  /** Binds before there is a server. Rejects as `listen` of an adapter does. */
  async bind(options: Omit<AdapterListenOptions, "failed" | "lost" | "tls">): Promise<void> {
    this.hold();
    this.#listener = await this.#open({ ...options, tls: undefined, failed: () => {} });
  }

  /** From now on it stays open when its server stops, and those who come wait for the next. */
  hold(): void {
    this.#waiting ??= [];
  }

  /** The next server has started: it gets those who wait. */
  admit(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const transport of waiting) this.#take(transport);
  }

  /** Nobody listens here any more; those who wait are dropped. */
  async close(): Promise<void> {
    const listener = this.#listener;
    this.#listener = this.#owner = undefined;
    for (const transport of this.#waiting?.splice(0) ?? []) transport.abort();
    await listener?.stop();
  }

  async #listen(options: AdapterListenOptions, accept: Owner["accept"]): Promise<Listener> {
    const plain = options.tls === undefined;
    if (!plain || this.#waiting === undefined) await this.close();
    if (!plain) return await this.#real.listen(options, accept);
    const owner = this.#owner = { options, accept };
    const listener = this.#listener ??= await this.#open(options);
    return {
      address: listener.address,
      get descriptor() {
        return listener.descriptor;
      },
      ...(listener.pause && { pause: () => listener.pause!() }),
      ...(listener.resume && { resume: () => listener.resume!() }),
      stop: async () => {
        if (this.#waiting === undefined && this.#owner === owner) await this.close();
      },
    };
  }

  #open(options: AdapterListenOptions): Promise<Listener> {
    return this.#real.listen({
      ...options,
      failed: (error, fatal) => {
        if (fatal) this.#listener = undefined;
        (this.#owner?.options ?? options).failed(error, fatal);
      },
      lost: (error) => this.#owner?.options.lost?.(error),
    }, (transport) => this.#take(transport));
  }

  #take(transport: Transport): void {
    if (this.#waiting === undefined) {
      if (this.#owner === undefined) transport.abort();
      else this.#owner.accept(transport);
    } else if (this.#waiting.length < mostWaiting) this.#waiting.push(transport);
    else transport.abort();
  }
}
