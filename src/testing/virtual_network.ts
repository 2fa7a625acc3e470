/**
 * A network that exists only in a test: machines joined by links that are slow, cut bytes anywhere, or break,
 * all on one clock and from one seed, so that every run is the same.
 *
 * Part of `millrace/testing`. Built on the adapter in memory; knows nothing of servers and clients.
 */
import { MemoryNetwork } from "../adapters/memory/adapter.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Adapter } from "../core/transport.ts";
import { checkLink, type Fault, Link, type LinkOptions } from "./virtual_network_link.ts";
import { type NetworkEvent, NetworkLog } from "./virtual_network_log.ts";
import { Circuit, VirtualWire } from "./virtual_network_wire.ts";

export type { Fault, FaultKind, LinkOptions, NumberOrRange } from "./virtual_network_link.ts";
export type { NetworkEvent } from "./virtual_network_log.ts";

/** Options of {@linkcode VirtualNetwork}. */
export interface VirtualNetworkOptions extends LinkOptions {
  /** Clock for all delays: a `FakeClock`, unless the test should take real time. */
  readonly clock: Clock;
  /** Seed of every random choice. Print it when a test fails, to repeat the run. @default 1 */
  readonly seed?: number;
  /** Number of events to keep. @default 10000 */
  readonly logSize?: number;
}

/**
 * A network of machines that exists only in a test. Machines reach each other by name, or by the address that
 * `peer.ip` shows; each has its own loopback. The options apply to every link that `link` does not configure.
 *
 * @example A sensor whose connection ends in the middle of a reading
 * ```ts
 * import { connect, lines, serve } from "@millrace/millrace";
 * import { FakeClock, VirtualNetwork } from "@millrace/millrace/testing";
 *
 * const clock = new FakeClock();
 * const network = new VirtualNetwork({ clock, seed: 42, latency: [5, 40], chunk: [1, 100] });
 * network.fault("sensor", "hub", { kind: "fin", afterBytes: 10 });
 *
 * const framing = lines({ encoding: "utf-8" });
 * const hub = { clock, framing, host: "hub", port: 3034 };
 * const starting = serve({
 *   ...hub,
 *   adapter: network.adapter("hub"),
 *   onFrame: (reading) => console.log(reading),
 *   onFrameError: ({ reason }) => console.log(reason), // truncated
 * });
 * await clock.advanceAsync(200);
 * const server = await starting;
 * const connecting = connect({ ...hub, adapter: network.adapter("sensor") });
 * await clock.advanceAsync(200);
 * const sensor = await connecting;
 * void sensor.send("a reading of 21.5 degrees");
 * await clock.advanceAsync(1_000);
 * console.error(network.report());
 * await server.destroy();
 * ```
 */
export class VirtualNetwork {
  /** The seed, to print when a test fails: it repeats the run. */
  readonly seed: number;
  readonly #clock: Clock;
  readonly #memory: MemoryNetwork;
  readonly #log: NetworkLog;
  readonly #defaults: LinkOptions;
  readonly #links: Map<string, Link> = new Map();
  readonly #circuits: Map<number, Circuit> = new Map();

  /**
   * Takes the behaviour of all links.
   *
   * @throws {RangeError} for invalid options
   */
  constructor(options: VirtualNetworkOptions) {
    const { clock, seed = 1, logSize = 10_000, ...defaults } = options;
    checkLink(defaults);
    this.seed = seed;
    this.#clock = clock;
    this.#defaults = defaults;
    this.#log = new NetworkLog(logSize);
    this.#memory = new MemoryNetwork({
      clock,
      wires: (route, arrive) => {
        const link = this.#link(route.from, route.to);
        return new VirtualWire(route, arrive, link, this.#circuit(route.connection), clock, this.#log, seed);
      },
    });
  }

  /** Returns the sockets of a machine, which is created by the first call. */
  adapter(host: string): Adapter {
    return this.#memory.adapter(host);
  }

  /** Sets how the link between two machines behaves from now on; `window` and chances apply to new connections. */
  link(one: string, other: string, options: LinkOptions): void {
    checkLink(options);
    for (const link of this.#both(one, other)) link.options = options;
  }

  /**
   * Schedules a fault for bytes sent by `from` to `to`, whichever side connected. Several faults strike one
   * connection after another.
   */
  fault(from: string, to: string, fault: Fault): void {
    this.#link(from, to).arm(fault);
  }

  /**
   * Blocks all traffic between two machines until `heal`; nothing is lost, and neither side is notified. With
   * `oneWay` only what `one` sends is blocked.
   */
  partition(one: string, other: string, options: { readonly oneWay?: boolean } = {}): void {
    this.#link(one, other).parted = true;
    this.#note(one, other, "partition");
    if (options.oneWay) return;
    this.#link(other, one).parted = true;
    this.#note(other, one, "partition");
  }

  /** Ends a partition; blocked data arrives. */
  heal(one: string, other: string): void {
    for (const [from, to] of [[one, other], [other, one]] as const) {
      const link = this.#link(from, to);
      if (!link.parted) continue;
      link.parted = false;
      this.#note(from, to, "heal");
    }
    for (const wire of this.#wires(one, other)) wire.wake();
  }

  /** Resets every open connection between two machines, at both ends. Call it from a test, not from an event. */
  reset(one: string, other: string): void {
    for (const wire of this.#wires(one, other)) wire.break("reset");
  }

  /** The events, oldest first. */
  get log(): readonly NetworkEvent[] {
    return this.#log.events;
  }

  /** The seed and the last events as text, for the message of a failing test. */
  report(last: number = 50): string {
    return `virtual network, seed ${this.seed}\n${this.#log.text(last)}`;
  }

  #link(from: string, to: string): Link {
    const key = JSON.stringify([from, to]);
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new Link();
      // A machine's own loopback is perfect, unless `link` says otherwise.
      if (from !== to) link.options = this.#defaults;
      this.#links.set(key, link);
    }
    return link;
  }

  #both(one: string, other: string): readonly Link[] {
    return one === other ? [this.#link(one, one)] : [this.#link(one, other), this.#link(other, one)];
  }

  #circuit(connection: number): Circuit {
    let circuit = this.#circuits.get(connection);
    if (circuit === undefined) {
      circuit = new Circuit(() => this.#circuits.delete(connection));
      this.#circuits.set(connection, circuit);
    }
    return circuit;
  }

  #wires(one: string, other: string): readonly VirtualWire[] {
    const found: VirtualWire[] = [];
    for (const circuit of this.#circuits.values()) {
      for (const wire of circuit.wires) {
        const { from, to } = wire.route;
        if ((from === one && to === other) || (from === other && to === one)) found.push(wire);
      }
    }
    return found;
  }

  #note(from: string, to: string, what: NetworkEvent["what"]): void {
    this.#log.add({ at: this.#clock.now(), connection: 0, from, to, what });
  }
}
