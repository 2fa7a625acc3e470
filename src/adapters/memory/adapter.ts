/**
 * Sockets without a system: listeners and connections inside this process, for tests and for talking to oneself.
 *
 * `memoryAdapter` is one machine on its own; `MemoryNetwork` joins several, and the virtual network of
 * `millrace/testing` gives it wires with faults. Uses no runtime: time comes from a clock that may be a test's.
 */
import { addressText } from "../../core/text/place.ts";
import { type Clock, systemClock } from "../../core/time/clock.ts";
import { SocketError, socketErrorFrom } from "../../core/errors.ts";
import type {
  Adapter,
  AdapterConnectOptions,
  Address,
  Listener,
  Peer,
  Transport,
} from "../../core/transport.ts";
import { abortedConnect, tcpPeer, unixPeer } from "../address.ts";
import { looksLikeIp, MemoryHost } from "./host.ts";
import { MemoryTransport } from "./transport.ts";
import { type Segment, turnWires, type Wire, type WireMaker } from "./wire.ts";

export type { Route, Segment, Wire, WireMaker } from "./wire.ts";

/** Settings of {@linkcode memoryAdapter}. */
export interface MemoryOptions {
  /** Clock that delivers data at the end of a turn. @default the system's */
  readonly clock?: Clock;
  /** Bytes that one direction of a connection accepts before `write` returns false. @default 65536 */
  readonly bufferSize?: number;
  /** Whether `abort` reaches the peer as RST; otherwise as FIN, as on Deno. @default true */
  readonly reset?: boolean;
}

/** Settings of a {@linkcode MemoryNetwork}. */
interface MemoryNetworkOptions extends MemoryOptions {
  /** Makes what is between the two ends of a connection. @default wires that deliver at the end of the turn */
  readonly wires?: WireMaker;
}

/**
 * Sockets of a machine that exists only in this process and cannot be reached from outside: for tests without ports.
 *
 * @example
 * ```ts
 * import { connect, lines, serve } from "@millrace/millrace";
 * import { memoryAdapter } from "@millrace/millrace/testing";
 *
 * const options = { adapter: memoryAdapter(), port: 3034, framing: lines({ encoding: "utf-8" }) };
 * await using server = await serve({ ...options, onFrame: (line, connection) => connection.send(line) });
 * await using connection = await connect(options);
 * await connection.send(`over ${server.runtime}`);
 * for await (const line of connection) {
 *   console.log(line); // over memory
 *   break;
 * }
 * ```
 *
 * @throws {RangeError} for a `bufferSize` that is not a whole number above 0
 */
export function memoryAdapter(options: MemoryOptions = {}): Adapter {
  return new MemoryNetwork(options).adapter("localhost");
}

/** Machines in memory that reach each other by name, or by an address 10.0.x.y given in order. */
export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #bufferSize: number;
  readonly #reset: boolean;
  readonly #wires: WireMaker;
  readonly #hosts: Map<string, MemoryHost> = new Map();
  #connections = 0;

  constructor(options: MemoryNetworkOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#bufferSize = options.bufferSize ?? 65_536;
    this.#reset = options.reset ?? true;
    this.#wires = options.wires ?? turnWires(this.#clock);
    if (!(Number.isInteger(this.#bufferSize) && this.#bufferSize > 0)) {
      throw new RangeError(
        `make a network: found bufferSize ${this.#bufferSize}, expected an integer above 0`,
      );
    }
  }

  /** The sockets of the machine with this name, which is there from the first call on. */
  adapter(name: string): Adapter {
    const host = this.#host(name);
    return {
      name: "memory",
      can: {
        reset: this.#reset,
        reusePort: false,
        backlog: false,
        ipv6Only: true,
        descriptor: false,
        // Small writes are never kept waiting, which either setting allows.
        noDelay: true,
        keepAlive: false,
        keepAliveDelay: false,
        unix: true,
        // No file stands at its paths.
        socketMode: false,
        socketOwner: false,
        pause: true,
        tls: false,
        tlsCiphers: false,
        tlsCipherSuites: false,
        ownTls: false,
      },
      listen: (options, accept) => {
        try {
          const binding = host.bind(options, accept);
          const stop = (): Promise<void> => Promise.resolve(host.unbind(binding));
          return Promise.resolve<Listener>({ address: binding.address, stop });
        } catch (error) {
          return Promise.reject(error);
        }
      },
      connect: (options) => this.#connect(host, options),
    };
  }

  #host(name: string): MemoryHost {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      const number = this.#hosts.size + 1;
      host = new MemoryHost(name, `10.0.${number >> 8}.${number & 255}`);
      this.#hosts.set(name, host);
    }
    return host;
  }

  #connect(from: MemoryHost, { address, signal }: AdapterConnectOptions): Promise<Transport> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortedConnect(signal, address));
      const { host: to, dialled } = this.#find(from, address);
      const peers = ends(from, to, dialled);
      const route = {
        connection: ++this.#connections,
        from: from.name,
        to: to.name,
        service: dialled.transport === "unix" ? dialled.path : String(dialled.port),
        reply: false,
      };
      let client: MemoryTransport | undefined;
      let server: MemoryTransport | undefined;
      let settled = false;

      const there: Wire = this.#wires(route, (segment: Segment) => {
        if (segment.kind !== "open") return server?.receive(segment);
        const binding = to.find(dialled);
        if (binding === undefined) return back.send({ kind: "refused" });
        server = this.#transport(peers.server, back);
        back.send({ kind: "opened" });
        binding.accept(server);
      });
      const back: Wire = this.#wires(
        { ...route, from: to.name, to: from.name, reply: true },
        (segment: Segment) => {
          if (settled) return client?.receive(segment);
          settled = true;
          signal?.removeEventListener("abort", aborted);
          if (segment.kind === "opened") resolve(client = this.#transport(peers.client, there));
          else reject(refusal("ECONNREFUSED", address));
        },
      );
      const aborted = (): void => {
        settled = true;
        there.send({ kind: "reset" });
        reject(abortedConnect(signal!, address));
      };
      signal?.addEventListener("abort", aborted, { once: true });
      there.send({ kind: "open" });
    });
  }

  #transport(peer: Peer, wire: Wire): MemoryTransport {
    return new MemoryTransport(peer, wire, wire.window ?? this.#bufferSize, this.#clock, this.#reset);
  }

  /** Whose address this is, and the address as its owner has it. Throws a `SocketError`. */
  #find(from: MemoryHost, address: Address): { host: MemoryHost; dialled: Address } {
    if (address.transport === "unix") {
      if (from.find(address) === undefined) throw refusal("ENOENT", address);
      return { host: from, dialled: address };
    }
    const own = from.own(address.host);
    if (own !== undefined) return { host: from, dialled: { ...address, host: own } };
    for (const host of this.#hosts.values()) {
      if (address.host === host.name || address.host === host.ip) {
        return { host, dialled: { ...address, host: host.ip } };
      }
    }
    throw refusal(looksLikeIp(address.host) ? "EHOSTUNREACH" : "ENOTFOUND", address);
  }
}

/** How each end sees the connection. */
function ends(from: MemoryHost, to: MemoryHost, dialled: Address): { client: Peer; server: Peer } {
  if (dialled.transport === "unix") return { client: unixPeer(""), server: unixPeer(dialled.path) };
  const { host, port } = dialled;
  const ip = from === to ? host : from.ip;
  const ephemeral = from.freePort();
  return { client: tcpPeer(host, port, ip, ephemeral), server: tcpPeer(ip, ephemeral, host, port) };
}

function refusal(code: string, address: Address): SocketError {
  return socketErrorFrom({ code, message: code }, `connect to ${addressText(address)}`);
}
