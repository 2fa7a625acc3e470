/**
 * Whom the admin endpoint answers to: names that stand in `Host`.
 *
 * A page in an operator's browser may have its own name resolved to 127.0.0.1 and then read what is served there; the
 * name is what gives it away.
 */
import { ipWords, readIp } from "../core/text/ip.ts";
import { ipRanges } from "../core/text/ip_ranges.ts";
import { plainHost } from "./host_name.ts";

const loopback = ipRanges("127.0.0.0/8", "::1");

/** The names of one admin endpoint. */
export class AdminHosts {
  readonly #local: boolean;
  readonly #named: ReadonlySet<string> | undefined;

  /** `listen` is the address that is bound; `named` are further names, in their plain writing. */
  constructor(listen: string, named: readonly string[] | undefined) {
    this.#local = isLoopback(plainHost(listen));
    this.#named = named && new Set(named.map(plainHost));
  }

  /**
   * True for names and addresses of this machine alone, and for those that are configured. Where none are and others
   * than this machine can reach it, for addresses: no page can have one of those as its name.
   */
  accepts(host: string): boolean {
    if (isLoopback(host) || this.#named?.has(host) === true) return true;
    return !this.#local && this.#named === undefined && isAddress(host);
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || loopback.has(host);
}

function isAddress(host: string): boolean {
  return readIp(host, ipWords()) !== undefined;
}
