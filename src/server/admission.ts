/**
 * Which connections are accepted: numbers, rates, lists and bans, asked in one place, and what becomes of the rejected.
 *
 * Called for every accepted transport, before there is a connection, and with `tls` for every handshake before it
 * begins. What is asked is the peer, whoever has found out who that is; so it can be asked again of another.
 */
import type { Logger } from "../core/logger.ts";
import type { SocketError } from "../core/errors.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Address, Peer, Transport } from "../core/transport.ts";
import { AddressKeys } from "./address_keys.ts";
import { AddressTable } from "./address_table.ts";
import type { RejectReason } from "./admission_options.ts";
import type { AdmissionSettings } from "./admission_settings.ts";
import { Bans } from "./bans.ts";
import { Farewells } from "./farewells.ts";
import { RefusalLog } from "./refusal_log.ts";
import { type Bucket, hasToken, takeTokens } from "./token_bucket.ts";

/** What is known of a peer before it has a connection. */
type Stranger = Pick<Peer, "ip" | "port">;

/**
 * Why a peer may not come in. `gone`: it had reset before its address could be read, so nobody can say whether it might;
 * the adapter has counted it as lost, and it is no rejection.
 */
export type Refusal = RejectReason | "gone";

/** What the server lends it. */
interface AdmissionOwner {
  readonly clock: Clock;
  readonly log: Logger;
  /** Peers have no addresses. */
  readonly unix: () => boolean;
  /** The memory budget is exceeded. */
  exceeded(): boolean;
  /** Tells the user; what that throws is logged. */
  rejected(peer: Peer, reason: RejectReason): void;
  /** Calls a function of the user's; undefined where it throws, which is logged. */
  call<Result>(hook: () => Result): Result | undefined;
}

const encoder = new TextEncoder();

/** Decides which connections are accepted. */
export class Admission {
  /** Peers rejected. */
  rejected = 0;
  readonly rejectedByReason: Partial<Record<RejectReason, number>> = {};
  /** Peers that had reset before they were accepted. */
  lost = 0;
  readonly keys: AddressKeys;
  readonly bans: Bans;
  readonly #owner: AdmissionOwner;
  readonly #farewells: Farewells;
  readonly #refusals: RefusalLog;
  readonly #table: AddressTable;
  #settings: AdmissionSettings;
  /** Of all peers together. */
  readonly #bucket: Bucket = { tokens: Infinity, at: 0 };

  constructor(settings: AdmissionSettings, owner: AdmissionOwner) {
    const { clock, log } = owner;
    this.#settings = settings;
    this.#owner = owner;
    this.keys = new AddressKeys(settings.prefix);
    this.bans = new Bans(clock);
    this.#farewells = new Farewells(clock);
    this.#refusals = new RefusalLog(log);
    this.#table = new AddressTable(settings.pacePerAddress);
  }

  /** The settings in force. */
  get settings(): AdmissionSettings {
    return this.#settings;
  }

  /** Addresses that something is known of. */
  get addresses(): number {
    this.#table.forget(this.#now);
    return this.#table.size;
  }

  /** Other settings, from the next connection on; `present` are the addresses of those that are here. */
  change(settings: AdmissionSettings, present: Iterable<string>): void {
    const now = this.#now;
    const { pace } = this.#settings;
    if (pace !== undefined) takeTokens(this.#bucket, pace, now, 0);
    this.#settings = settings;
    this.#table.change(settings.pacePerAddress, now);
    this.#table.recount(now);
    for (const ip of present) this.entered(ip);
  }

  /**
   * Why this peer may not come in, if so, beside `open` connections. One that may takes a token of each rate, unless it
   * `knocked` before: then it has.
   */
  refusal(peer: Stranger, open: number, knocked = false): Refusal | undefined {
    if (this.#owner.exceeded()) return "memory_budget";
    const full = open >= this.#settings.maxConnections;
    if (!this.#watches) return full ? "max_connections" : undefined;
    const key = this.keys.of(peer.ip);
    return this.#unwelcome(peer, key) ??
      (full ? "max_connections" : this.#crowded(key) ?? (knocked ? undefined : this.#hasty(key)));
  }

  /** The same before a handshake, which is no connection yet, at this address; one that may not begin is counted. */
  turnsAway({ ip, port }: Stranger, local: Address): boolean {
    const refusal = this.#watches || this.#owner.exceeded() ? this.refusal({ ip, port }, -1) : undefined;
    if (refusal !== undefined && refusal !== "gone") this.#count({ ip, port, local }, refusal);
    return refusal !== undefined;
  }

  /** A connection has begun, as the registry tells. */
  opened({ transport }: { readonly transport: { readonly peer: Stranger } }): void {
    this.entered(transport.peer.ip);
  }

  /** It is over. */
  closed({ transport }: { readonly transport: { readonly peer: Stranger } }): void {
    this.left(transport.peer.ip);
  }

  /** A connection or a handshake of this address has begun. */
  entered(ip: string): void {
    if (this.#settings.maxPerAddress === Infinity) return;
    const key = this.keys.of(ip);
    if (key !== undefined) this.#table.enter(key, this.#now);
  }

  /** It is over. */
  left(ip: string): void {
    if (this.#settings.maxPerAddress === Infinity) return;
    const key = this.keys.of(ip);
    if (key !== undefined) this.#table.leave(key, this.#now);
  }

  /** A peer had reset before it was accepted. */
  lose({ message, reason }: SocketError): void {
    this.lost++;
    this.#owner.log({
      level: "debug",
      message: "connection lost before it was accepted",
      fields: { error: message, reason },
    });
  }

  /** Turns a peer away: the farewell and FIN where one is set, else dropped. */
  reject(transport: Transport, reason: Refusal): void {
    const { peer } = transport;
    if (reason === "gone") return transport.abort();
    const farewell = this.#farewells.free ? this.#farewell(peer, reason) : undefined;
    if (farewell === undefined) transport.abort();
    else this.#farewells.say(transport, farewell);
    this.#count(peer, reason);
  }

  /** Drops a peer that would not understand a farewell; `detail` is for the log. */
  drop(transport: Transport, reason: Refusal, detail?: string): void {
    const { peer } = transport;
    transport.abort();
    if (reason !== "gone") this.#count(peer, reason, detail);
  }

  /** Counts, logs and tells of one that was turned away. */
  #count(peer: Peer, reason: RejectReason, detail?: string): void {
    this.rejected++;
    const total = this.rejectedByReason[reason] = (this.rejectedByReason[reason] ?? 0) + 1;
    if (reason === "banned") this.bans.count(this.keys.of(peer.ip)!);
    this.#refusals.note(peer, reason, total, this.#now, detail);
    this.#owner.rejected(peer, reason);
  }

  get #now(): number {
    return this.#owner.clock.now();
  }

  /** Who somebody is matters. */
  get #addressed(): boolean {
    const { allow, deny, maxPerAddress, pacePerAddress } = this.#settings;
    return allow !== undefined || deny !== undefined || maxPerAddress !== Infinity ||
      pacePerAddress !== undefined || !this.bans.empty;
  }

  /** There is more to look at than how many there are. */
  get #watches(): boolean {
    return this.#settings.pace !== undefined || this.#addressed;
  }

  #unwelcome({ ip }: Stranger, key: string | undefined): Refusal | undefined {
    if (key === undefined) return this.#owner.unix() || !this.#addressed ? undefined : "gone";
    const { allow, deny } = this.#settings;
    if (!this.bans.empty && this.bans.has(key)) return "banned";
    if (deny?.has(ip)) return "denied";
    return allow === undefined || allow.has(ip) ? undefined : "not_allowed";
  }

  #crowded(key: string | undefined): RejectReason | undefined {
    const { maxPerAddress } = this.#settings;
    if (key === undefined || maxPerAddress === Infinity) return undefined;
    return this.#table.open(key) >= maxPerAddress ? "address_connections" : undefined;
  }

  /** Takes a token of both rates, or of none. */
  #hasty(key: string | undefined): RejectReason | undefined {
    const { pace } = this.#settings;
    const now = this.#now;
    if (key !== undefined && !this.#table.allows(key, now)) return "address_rate";
    if (pace !== undefined) {
      if (!hasToken(this.#bucket, pace, now)) return "accept_rate";
      takeTokens(this.#bucket, pace, now, 1);
    }
    if (key !== undefined) this.#table.take(key, now);
    return undefined;
  }

  #farewell(peer: Peer, reason: RejectReason): Uint8Array | undefined {
    const { farewell } = this.#settings;
    const words = typeof farewell === "function"
      ? this.#owner.call(() => checkedFarewell(farewell(reason, peer)))
      : farewell;
    return typeof words === "string" ? encoder.encode(words) : words;
  }
}

function checkedFarewell(found: unknown): Uint8Array | string | undefined {
  if (found === undefined || typeof found === "string" || found instanceof Uint8Array) return found;
  throw new TypeError(`farewell: found ${typeof found}, expected text, a Uint8Array or undefined`);
}
