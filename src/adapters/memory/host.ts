/**
 * One machine of a network in memory: its name and address, its ports and paths, and who listens on them.
 *
 * Used by `memory/adapter.ts`. Knows nothing of connections.
 */
import { addressText } from "../../core/text/place.ts";
import { SocketError, socketErrorFrom } from "../../core/errors.ts";
import type { AdapterListenOptions, Address, Transport } from "../../core/transport.ts";

/** Where a system's own choice of ports begins, by RFC 6335. */
const firstEphemeral = 49_152;
const lastPort = 65_535;

/** A listener. */
interface Binding {
  readonly address: Address;
  readonly ipv6Only: boolean;
  readonly accept: (transport: Transport) => void;
}

/** One machine. */
export class MemoryHost {
  readonly name: string;
  /** Its IPv4 address in the network; loopback has it too, besides 127.0.0.1 and ::1. */
  readonly ip: string;
  readonly #bindings: Binding[] = [];
  #lastGiven: number = firstEphemeral - 1;

  constructor(name: string, ip: string) {
    this.name = name;
    this.ip = ip;
  }

  /** Our own address that this text means; undefined when it isn't ours. Wildcards are for listening only. */
  own(host: string): string | undefined {
    if (host === "localhost") return "127.0.0.1";
    if (host === this.name || host === this.ip) return this.ip;
    return host === "127.0.0.1" || host === "::1" ? host : undefined;
  }

  /** Throws a `SocketError` where a system would refuse. */
  bind(options: AdapterListenOptions, accept: (transport: Transport) => void): Binding {
    const binding = { address: this.#bindable(options.address), ipv6Only: options.ipv6Only, accept };
    const other = this.#bindings.find((bound) => clash(bound, binding));
    if (other !== undefined) throw this.#refusal(options.address, "EADDRINUSE");
    this.#bindings.push(binding);
    return binding;
  }

  unbind(binding: Binding): void {
    const index = this.#bindings.indexOf(binding);
    if (index >= 0) this.#bindings.splice(index, 1);
  }

  /** Who listens on an address of ours, or undefined. */
  find(address: Address): Binding | undefined {
    return this.#bindings.find((binding) => serves(binding, address));
  }

  /** A port that nobody listens on, for port 0 or the dialling end of a connection. */
  freePort(): number {
    for (let tried = firstEphemeral; tried <= lastPort; tried++) {
      this.#lastGiven = this.#lastGiven === lastPort ? firstEphemeral : this.#lastGiven + 1;
      const port = this.#lastGiven;
      if (!this.#bindings.some(({ address }) => address.transport === "tcp" && address.port === port)) {
        return port;
      }
    }
    throw new SocketError("address_not_available", `choose a free port on ${this.name}: all are taken`);
  }

  #bindable(address: Address): Address {
    if (address.transport === "unix") return address;
    const host = wildcard(address.host) ? address.host : this.own(address.host);
    if (host === undefined) {
      throw this.#refusal(address, looksLikeIp(address.host) ? "EADDRNOTAVAIL" : "ENOTFOUND");
    }
    return { transport: "tcp", host, port: address.port === 0 ? this.freePort() : address.port };
  }

  #refusal(address: Address, code: string): SocketError {
    return socketErrorFrom({ code, message: code }, `listen on ${addressText(address)}`);
  }
}

/** Whether a host is written as an address rather than as a name. */
export function looksLikeIp(host: string): boolean {
  return host.includes(":") || /^[\d.]+$/.test(host);
}

function wildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function serves({ address: bound, ipv6Only }: Binding, asked: Address): boolean {
  if (bound.transport === "unix") return asked.transport === "unix" && asked.path === bound.path;
  if (asked.transport === "unix" || asked.port !== bound.port) return false;
  if (bound.host === "0.0.0.0") return !asked.host.includes(":");
  if (bound.host === "::") return asked.host.includes(":") || !ipv6Only;
  return bound.host === asked.host;
}

/** Two listeners clash where one connection could be meant for both. */
function clash(a: Binding, b: Binding): boolean {
  if (serves(a, b.address) || serves(b, a.address)) return true;
  const [one, two] = [a.address, b.address];
  if (one.transport === "unix" || two.transport === "unix" || one.port !== two.port) return false;
  return wildcard(one.host) && wildcard(two.host) && !a.ipv6Only && !b.ipv6Only;
}
