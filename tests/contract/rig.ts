/**
 * What one test of the contract works with: listeners and connections of the adapter under test, all of them
 * gone when the test is over.
 */
import type { TestContext } from "node:test";
import type { SocketError } from "../../src/core/errors.ts";
import type {
  Adapter,
  AdapterConnectOptions,
  AdapterListenOptions,
  Address,
  Listener,
  Transport,
} from "../../src/core/transport.ts";
import { Probe } from "./probe.ts";
import { within } from "./within.ts";

/** An adapter and where it can be tried. */
export interface Subject {
  readonly name: string;
  /** The listening end, and both ends of Unix sockets. */
  readonly adapter: Adapter;
  /** The dialling end: the same adapter, unless another machine dials. */
  readonly dialler: Adapter;
  /** Where to listen, and its address as peers see it. */
  readonly host: string;
  readonly ip: string;
  /** Makes a path for a Unix socket that nobody has used yet. */
  readonly unixPath: () => string;
  /** Whether `::1` can be used here; a string says why not. */
  readonly ipv6: true | string;
  /** Under TLS a connection that is dropped never looks like one that has ended. */
  readonly secured?: true;
}

/** A listener with the connections it has accepted and nobody has taken yet. */
export class Listening {
  listener!: Listener;
  /** What the adapter told `failed`. */
  readonly failures: SocketError[] = [];
  readonly #accepted: Transport[] = [];
  readonly #wanted: ((transport: Transport) => void)[] = [];

  get address(): Address {
    return this.listener.address;
  }

  get port(): number {
    return this.address.transport === "tcp" ? this.address.port : 0;
  }

  accept(transport: Transport): void {
    const next = this.#wanted.shift();
    if (next === undefined) this.#accepted.push(transport);
    else next(transport);
  }

  next(): Promise<Probe> {
    const waiting = this.#accepted.shift();
    if (waiting !== undefined) return Promise.resolve(new Probe(waiting));
    return within(
      new Promise<Transport>((resolve) => this.#wanted.push(resolve)).then((transport) =>
        new Probe(transport)
      ),
      () => "an accepted connection",
    );
  }
}

/** Both ends of one connection, neither started. */
export interface Pair {
  readonly client: Probe;
  readonly server: Probe;
  readonly listening: Listening;
}

/** Tools of one test. */
export class Rig {
  readonly subject: Subject;
  readonly #transports: Transport[] = [];
  readonly #listeners: Listener[] = [];
  #echo: Probe | undefined = undefined;

  constructor(subject: Subject, t: TestContext) {
    this.subject = subject;
    t.after(async () => {
      for (const transport of this.#transports) transport.abort();
      for (const listener of this.#listeners) await listener.stop();
    });
  }

  /** Listens on the subject's host and a free port, unless told otherwise. */
  async listen(
    options: Partial<AdapterListenOptions> = {},
    accept?: (transport: Transport) => void,
  ): Promise<Listening> {
    const listening = new Listening();
    const listener = await within(
      this.subject.adapter.listen({
        address: { transport: "tcp", host: this.subject.host, port: 0 },
        noDelay: true,
        keepAlive: "system",
        backlog: undefined,
        reusePort: false,
        ipv6Only: false,
        tls: undefined,
        failed: (error) => listening.failures.push(error),
        ...options,
      }, (transport) => {
        this.#transports.push(transport);
        if (accept === undefined) listening.accept(transport);
        else accept(transport);
      }),
      () => "listen",
    );
    listening.listener = listener;
    this.#listeners.push(listener);
    return listening;
  }

  async connect(address: Address, options: Partial<AdapterConnectOptions> = {}): Promise<Probe> {
    const adapter = address.transport === "unix" ? this.subject.adapter : this.subject.dialler;
    const transport = await within(
      adapter.connect({
        address,
        noDelay: true,
        keepAlive: "system",
        signal: undefined,
        tls: undefined,
        ...options,
      }),
      () => "connect",
    );
    this.#transports.push(transport);
    return new Probe(transport);
  }

  /** One connection over TCP, or over what the address says. */
  async pair(address?: Address): Promise<Pair> {
    const listening = await this.listen(address && { address });
    const [client, server] = await Promise.all([this.connect(listening.address), listening.next()]);
    return { client, server, listening };
  }

  /** The same, with both ends started. */
  async started(address?: Address): Promise<Pair> {
    const pair = await this.pair(address);
    pair.client.start();
    pair.server.start();
    return pair;
  }

  /** Passes when a byte has gone to and fro often enough that whatever was under way elsewhere has arrived. */
  async fence(): Promise<void> {
    if (this.#echo === undefined) {
      const { client, server } = await this.pair();
      server.onData = (chunk) => {
        server.transport.write(chunk);
        return true;
      };
      server.start();
      this.#echo = client.start();
    }
    for (let round = 0; round < 12; round++) {
      const before = this.#echo.bytes;
      this.#echo.transport.write(new Uint8Array([round]));
      await this.#echo.received(before + 1);
    }
  }
}

/** Bytes that differ wherever they are moved by a chunk, a page or a window. */
export function pattern(length: number, seed: number = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Where two byte strings first differ, or -1: a comparison that says something when it fails, and is fast. */
export function firstDifference(found: Uint8Array, expected: Uint8Array): number {
  const shorter = Math.min(found.length, expected.length);
  for (let i = 0; i < shorter; i++) if (found[i] !== expected[i]) return i;
  return found.length === expected.length ? -1 : shorter;
}
