/**
 * From a transport to a connection, or to its rejection: asks for every one whether it may come in, once it is known
 * who it is.
 *
 * Made by `socket_server.ts`. What stands in front of a connection, if anything, is read by `preface/`.
 */
import * as Effect from "effect/Effect";
import type { ConnectionProfile } from "../connection/profile.ts";
import type { Registry } from "../connection/registry.ts";
import type { Logger } from "../core/logger.ts";
import type { SocketError } from "../core/errors.ts";
import type { TimerWheel } from "../core/time/timer_wheel.ts";
import type { Peer, Transport } from "../core/transport.ts";
import { settled } from "./settling.ts";
import type { Admission, Refusal } from "./admission.ts";
import type { Live } from "./live.ts";
import { Prefaces } from "./preface/prefaces.ts";
import type { ServerSettings } from "./settings.ts";

/** What the server lends it. */
interface IntakeOwner<Received, Sent, Context> {
  readonly registry: Registry<Received, Sent, Context>;
  readonly admission: Admission;
  /** What connections are given. */
  readonly live: Live<Received, Sent, Context>;
  readonly log: Logger;
  readonly handshakes: { readonly active: number } | undefined;
  /** It accepts connections. */
  running(): boolean;
}

/** The intake of one server. */
export class Intake<Received, Sent, Context> {
  /** Undefined where nothing stands in front of a connection. */
  readonly prefaces: Prefaces<ConnectionProfile<Received, Sent, Context>> | undefined;
  readonly wheel: TimerWheel;
  #settling = false;
  readonly log: Logger;
  readonly #owner: IntakeOwner<Received, Sent, Context>;
  /** Who becomes a connection has been asked about before. */
  readonly #knocks: boolean;

  constructor(
    { preface, maxPending, tls }: Pick<
      ServerSettings<Received, Sent, Context>,
      "preface" | "maxPending" | "tls"
    >,
    owner: IntakeOwner<Received, Sent, Context>,
  ) {
    this.wheel = owner.registry.wheel;
    this.log = owner.log;
    this.#owner = owner;
    this.#knocks = preface !== undefined || tls !== undefined;
    this.prefaces = preface && new Prefaces(preface, maxPending, this);
  }

  /** Takes a connection: one of another protocol with its profile. */
  accept(transport: Transport, profile?: ConnectionProfile<Received, Sent, Context>): void {
    const reason = this.#refusal(transport.peer, this.#knocks);
    if (reason !== undefined) return this.#owner.admission.reject(transport, reason);
    const { registry, live } = this.#owner;
    registry.open(transport, profile === undefined ? live.profile : live.of(profile));
  }

  /** Why this peer may not connect, if so: asked once it is known who it is, before anything else is done for it. */
  knock(peer: Peer): Refusal | undefined {
    return this.#refusal(peer, false);
  }

  entered(ip: string): void {
    this.#owner.admission.entered(ip);
  }

  left(ip: string): void {
    this.#owner.admission.left(ip);
  }

  reject(transport: Transport, reason: Refusal, plain: boolean, detail?: string): void {
    const { admission } = this.#owner;
    if (plain) admission.reject(transport, reason);
    else admission.drop(transport, reason, detail);
  }

  #refusal(peer: Peer, knocked: boolean): Refusal | undefined {
    const { admission, registry } = this.#owner;
    if (!this.running()) return "draining";
    return admission.refusal(peer, registry.sessions.size, knocked);
  }

  running(): boolean {
    return this.#settling || this.#owner.running();
  }

  /** The listener has stopped: those who are on their way become connections yet; `cut` says that there is no time. */
  settle(most: number, cut: () => boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#settling = true;
      const pending = () => cut() ? 0 : (this.#owner.handshakes?.active ?? 0) + (this.prefaces?.active ?? 0);
      return Effect.ensuring(settled(pending, most), Effect.sync(() => this.#settling = false));
    });
  }

  /** A peer was gone before it was a connection. */
  lose(error: SocketError): void {
    this.#owner.admission.lose(error);
  }
}
