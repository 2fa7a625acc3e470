/**
 * TLS handshakes of a server, those of upgrades among them: how many at one time, how long each may take, and what
 * became of them.
 *
 * They have slots of their own, so that a flood of them takes none from connections; and only a few begin in one turn
 * of the event loop, so that the frames of connections go on between them. Knows no certificate.
 */
import { unauthorized } from "../connection/tls/trust.ts";
import type { UpgradeSlot, UpgradeSlots } from "../connection/tls/upgrade_slots.ts";
import { Deadline } from "../core/time/deadline.ts";
import { Fifo } from "../core/bytes/fifo.ts";
import type { Handshake, HandshakeObserver } from "../core/tls/tls.ts";
import { TlsError, type TlsErrorReason } from "../core/tls/tls_error.ts";
import type { TimerWheel } from "../core/time/timer_wheel.ts";
import type { Transport } from "../core/transport.ts";
import type { Authorize, HandshakePeer } from "./server_tls.ts";

/** Handshakes that may begin in one turn: each costs about half a millisecond before it waits for the peer. */
const perTurn = 4;

/** Limits, and who is told of failures. */
interface HandshakeSettings {
  /** Milliseconds. */
  readonly timeout: number;
  /** May change while the server runs. */
  most: number;
  readonly authorize: Authorize | undefined;
  failed(error: TlsError, peer: HandshakePeer): void;
  /** The peer has left without having sent anything, as checks of load balancers do. */
  probed(peer: HandshakePeer): void;
  /** The peer may not connect, and has been counted. */
  refused(peer: HandshakePeer): boolean;
  /** A handshake of this address has begun, or is over. */
  entered(ip: string): void;
  left(ip: string): void;
  /** All slots are taken: told once, until one is free again. */
  full(most: number, peer: HandshakePeer): void;
}

/** Of one handshake on its way. */
interface Slot {
  readonly ip: string;
  /** None for upgrades, whose connections limit them and end them. */
  readonly deadline: Deadline | undefined;
}

/** Handshakes of one server. */
export class Handshakes implements HandshakeObserver, UpgradeSlots {
  completed = 0;
  failed = 0;
  /** Peers that left before they had sent a byte. */
  probes = 0;
  readonly failedByReason: Partial<Record<TlsErrorReason, number>> = {};
  readonly #settings: HandshakeSettings;
  readonly #wheel: TimerWheel;
  readonly #slots: Map<{ abort(): void }, Slot> = new Map();
  /** Of whose peers nothing has come. */
  readonly #silent: Set<object> = new Set();
  readonly #ready: Fifo<Handshake> = new Fifo();
  #inTurn = 0;
  #armed = false;
  #full = false;

  constructor(settings: HandshakeSettings, wheel: TimerWheel) {
    this.#settings = settings;
    this.#wheel = wheel;
  }

  /** Those on their way. */
  get active(): number {
    return this.#slots.size;
  }

  /** Addresses of those that are no connections yet. */
  *addresses(): IterableIterator<string> {
    for (const { ip, deadline } of this.#slots.values()) if (deadline !== undefined) yield ip;
  }

  /** Another maximum; those on their way go on. */
  limit(most: number): void {
    this.#settings.most = most;
    if (this.#slots.size < most) this.#full = false;
  }

  began(handshake: Handshake): boolean {
    if (this.#settings.refused(handshake) || !this.#hasRoom(handshake)) return false;
    this.#silent.add(handshake);
    this.#hold(handshake, handshake, "the handshake");
    return true;
  }

  take(peer: HandshakePeer): UpgradeSlot | undefined {
    if (!this.#hasRoom(peer)) return undefined;
    const { ip, port } = peer;
    const slot: Handshake = { ip, port, proceed: () => {}, abort: () => {} };
    this.#slots.set(slot, { ip, deadline: undefined });
    return {
      pace: (proceed) => this.ready(Object.assign(slot, { proceed })),
      succeed: () => {
        if (this.#release(slot)) this.completed++;
      },
      fail: (error) => {
        if (this.#release(slot)) this.#fail(error, peer);
      },
      giveBack: () => void this.#release(slot),
    };
  }

  ready(handshake: Handshake): void {
    this.#silent.delete(handshake);
    if (this.#inTurn < perTurn && this.#ready.length === 0) {
      this.#inTurn++;
      handshake.proceed();
    } else this.#ready.push(handshake);
    this.#arm();
  }

  ended(handshake: Handshake, error?: TlsError): void {
    const silent = this.#silent.has(handshake);
    this.#release(handshake);
    if (error === undefined) return;
    if (silent && error.reason === "peer_closed") this.#probed(handshake);
    else this.#fail(error, handshake);
  }

  /** The handshake is done: lets the connection in, once `authorize` agrees. */
  admit(transport: Transport, accept: (transport: Transport) => void): void {
    const { authorize } = this.#settings;
    if (authorize === undefined) return this.#accept(transport, accept);
    const { peer } = transport;
    try {
      const verdict = authorize(peer.tls?.certificate, peer);
      if (typeof verdict === "boolean") this.#decide(transport, accept, verdict);
      else this.#await(transport, accept, verdict);
    } catch (error) {
      this.#refuse(transport, { cause: error });
    }
  }

  /** Drops all that are on their way and no connections yet, without counting them. */
  abortAll(): void {
    for (const [slot, { deadline }] of [...this.#slots]) {
      if (deadline === undefined) continue;
      this.#release(slot);
      slot.abort();
    }
  }

  #hasRoom(peer: HandshakePeer): boolean {
    const { most } = this.#settings;
    if (this.#slots.size < most) return true;
    this.#count("too_many_handshakes");
    if (!this.#full) this.#settings.full(most, peer);
    this.#full = true;
    return false;
  }

  #await(
    transport: Transport,
    accept: (transport: Transport) => void,
    verdict: Promise<boolean>,
  ): void {
    this.#hold(transport, transport.peer, "authorize");
    verdict.then((good) => {
      if (this.#release(transport)) this.#decide(transport, accept, good);
    }, (error) => {
      if (this.#release(transport)) this.#refuse(transport, { cause: error });
    });
  }

  #decide(transport: Transport, accept: (transport: Transport) => void, good: boolean): void {
    if (good === true) this.#accept(transport, accept);
    else this.#refuse(transport);
  }

  #accept(transport: Transport, accept: (transport: Transport) => void): void {
    this.completed++;
    accept(transport);
  }

  #refuse(transport: Transport, thrown?: { readonly cause: unknown }): void {
    const { peer } = transport;
    transport.abort();
    this.#fail(unauthorized(peer, thrown), peer);
  }

  #hold(slot: { abort(): void }, peer: HandshakePeer, what: string): void {
    const { timeout } = this.#settings;
    const deadline = new Deadline(this.#wheel, () => {
      this.#release(slot);
      slot.abort();
      const limit = `not complete within ${timeout} ms`;
      this.#fail(new TlsError("timeout", `TLS handshake with ${peer.ip}: ${what} was ${limit}`), peer);
    });
    this.#slots.set(slot, { ip: peer.ip, deadline });
    this.#settings.entered(peer.ip);
    deadline.set(timeout);
  }

  /** False when it is over already. */
  #release(slot: { abort(): void }): boolean {
    this.#silent.delete(slot);
    const held = this.#slots.get(slot);
    if (held === undefined) return false;
    this.#slots.delete(slot);
    if (held.deadline !== undefined) {
      held.deadline.unset();
      this.#settings.left(held.ip);
    }
    this.#full = false;
    return true;
  }

  #probed(peer: HandshakePeer): void {
    this.probes++;
    this.#settings.probed(peer);
  }

  #fail(error: TlsError, peer: HandshakePeer): void {
    this.#count(error.reason);
    this.#settings.failed(error, peer);
  }

  #count(reason: TlsErrorReason): void {
    this.failed++;
    this.failedByReason[reason] = (this.failedByReason[reason] ?? 0) + 1;
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#wheel.clock.endOfTurn(this.#turn);
  }

  readonly #turn = (): void => {
    this.#armed = false;
    this.#inTurn = 0;
    while (this.#ready.length > 0 && this.#inTurn < perTurn) {
      const handshake = this.#ready.take();
      if (!this.#slots.has(handshake)) continue;
      this.#inTurn++;
      handshake.proceed();
    }
    if (this.#inTurn > 0) this.#arm();
  };
}
