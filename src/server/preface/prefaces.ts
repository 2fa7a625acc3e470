/**
 * The peers of one server that are no connections yet: how many at one time, and what became of them.
 *
 * Made by `socket_server.ts` where the options `proxyProtocol` or `firstBytes` are set. They have slots of their own, so that
 * those who send nothing take none from connections.
 */
import { errorText } from "../../host/standard_log.ts";
import type { Logger } from "../../core/logger.ts";
import type { SocketError } from "../../core/errors.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";
import type { Peer, Secure, Transport } from "../../core/transport.ts";
import { peerFields } from "../log.ts";
import type { Refusal } from "../admission.ts";
import { Preface, type PrefaceOwner } from "./preface.ts";
import type { PrefacePlan, PrefaceSettings } from "./preface_settings.ts";

/** What the server lends them. */
interface PrefacesOwner<Profile> {
  readonly wheel: TimerWheel;
  readonly log: Logger;
  /** It accepts connections. */
  running(): boolean;
  /** Why this peer, who is known now, may not connect, if so. */
  knock(peer: Peer): Refusal | undefined;
  /** A peer of this address waits, or does no more. */
  entered(ip: string): void;
  left(ip: string): void;
  accept(transport: Transport, profile: Profile | undefined): void;
  /** `plain`: the peer understands what is sent to it in plaintext. */
  reject(transport: Transport, reason: Refusal, plain: boolean, detail?: string): void;
  lose(error: SocketError): void;
}

/** Those of one server. */
export class Prefaces<Profile extends object> implements PrefaceOwner<Profile> {
  /** Peers that left before they had sent anything of their own. */
  probes = 0;
  /** Health checks answered. */
  healthChecks = 0;
  readonly wheel: TimerWheel;
  readonly #settings: PrefaceSettings<Profile>;
  readonly #most: number;
  readonly #owner: PrefacesOwner<Profile>;
  readonly #slots: Set<Preface<Profile>> = new Set();

  constructor(settings: PrefaceSettings<Profile>, most: number, owner: PrefacesOwner<Profile>) {
    this.#settings = settings;
    this.#most = most;
    this.#owner = owner;
    this.wheel = owner.wheel;
  }

  /** Those that are here. */
  get active(): number {
    return this.#slots.size;
  }

  /** Addresses of those of whom that is known. */
  *addresses(): IterableIterator<string> {
    for (const { known } of this.#slots) if (known !== undefined) yield known;
  }

  /** Takes one that has just been accepted; `secure` where its TLS may begin. */
  readonly take = (transport: Transport, secure?: Secure): void => {
    this.#begin(transport, this.#settings, secure);
  };

  /** Takes one that TLS has secured. */
  takeSecured(transport: Transport): void {
    const { secured } = this.#settings;
    if (secured === undefined) this.#owner.accept(transport, undefined);
    else this.#begin(transport, secured, undefined);
  }

  /** Drops all that are here, without counting them. */
  abortAll(): void {
    for (const preface of [...this.#slots]) preface.abort();
  }

  // What a preface asks for.

  known(peer: Peer): Refusal | undefined {
    const refusal = peer.tls === undefined ? this.#owner.knock(peer) : undefined;
    if (refusal === undefined) this.#owner.entered(peer.ip);
    return refusal;
  }

  accept(transport: Transport, profile: Profile | undefined): void {
    this.#owner.accept(transport, profile);
  }

  reject(transport: Transport, reason: Refusal, plain: boolean, detail?: string): void {
    this.#owner.reject(transport, reason, plain, detail);
  }

  healthy(): boolean {
    if (!this.#owner.running()) return false;
    try {
      return this.#settings.first?.check?.healthy?.() ?? true;
    } catch (error) {
      this.#owner.log({ level: "error", message: "hook failed", fields: { error: errorText(error) } });
      return false;
    }
  }

  checked(): void {
    this.healthChecks++;
  }

  left(peer: Peer, silent: boolean, error: SocketError | undefined): void {
    if (silent) {
      this.probes++;
      this.#owner.log({ level: "debug", message: "connection was a probe", fields: peerFields(peer) });
    } else if (error !== undefined) this.#owner.lose(error);
    else {this.#owner.log({
        level: "debug",
        message: "peer left before it was connected",
        fields: peerFields(peer),
      });}
  }

  over(preface: Preface<Profile>, known: string | undefined): void {
    if (known !== undefined) this.#owner.left(known);
    this.#slots.delete(preface);
  }

  #begin(transport: Transport, plan: PrefacePlan<Profile>, secure: Secure | undefined): void {
    if (this.#slots.size >= this.#most) {
      const detail = `${this.#most} peers have not said what they are; maxPending is the maximum`;
      return this.reject(transport, "max_pending", false, detail);
    }
    const preface = new Preface(transport, plan, this, secure);
    this.#slots.add(preface);
    preface.begin();
  }
}
