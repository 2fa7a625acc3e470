/**
 * The TLS of one server at work: its certificates from start to stop, its handshakes, and what is said of those that fail.
 *
 * Made by `socket_server.ts` where the option `tls` is set, or `upgradable`, whose handshakes those of upgrades are.
 */
import type { Clock } from "../core/time/clock.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import type { TimerWheel } from "../core/time/timer_wheel.ts";
import type { Admission } from "./admission.ts";
import { Handshakes } from "./handshakes.ts";
import { peerFields } from "./log.ts";
import type { Logger } from "../core/logger.ts";
import { inspectTls, type TlsInspection } from "./inspection.ts";
import type { HandshakePeer, ServerSecurity } from "./server_tls.ts";

/** What the server lends it. */
interface SecureDoorOwner {
  readonly log: Logger;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly maxHandshakes: number;
  /** Tells the user; what that throws is caught. */
  failed(error: TlsError, peer: HandshakePeer): void;
  /** Asked before a handshake begins; one that is refused has been counted. */
  refused(peer: HandshakePeer): boolean;
  /** Counts handshakes by address. */
  readonly admission: Admission;
}

/** TLS of one server. */
export class TlsAdmission {
  readonly handshakes: Handshakes;
  /** None where connections begin in plaintext. */
  readonly #settings: ServerSecurity | undefined;
  readonly #owner: SecureDoorOwner;
  #opened = false;

  constructor(settings: ServerSecurity | undefined, owner: SecureDoorOwner) {
    const { log, wheel, maxHandshakes } = owner;
    this.#settings = settings;
    this.#owner = owner;
    this.handshakes = new Handshakes({
      timeout: settings?.handshakeTimeout ?? Infinity,
      most: maxHandshakes,
      authorize: settings?.authorize,
      failed: (error, peer) => {
        const fields = { ...peerFields(peer), reason: error.reason, error: error.message };
        log({ level: "warn", message: "TLS handshake failed", fields });
        owner.failed(error, peer);
      },
      refused: (peer) => owner.refused(peer),
      entered: (ip) => owner.admission.entered(ip),
      left: (ip) => owner.admission.left(ip),
      probed: (peer) => {
        const message = "connection closed before a TLS handshake began";
        log({ level: "debug", message, fields: { ...peerFields(peer), reason: "probe" } });
      },
      full: (maxHandshakes, peer) => {
        const fields = { ...peerFields(peer), reason: "too_many_handshakes", maxHandshakes };
        log({ level: "warn", message: "TLS handshakes are dropped: too many are in progress", fields });
      },
    }, wheel);
  }

  /** Rejects with `TlsError` `material`. */
  async open(): Promise<void> {
    if (this.#opened || this.#settings === undefined) return;
    const { log, clock } = this.#owner;
    await this.#settings.certificates.open({ logger: log, clock });
    this.#opened = true;
  }

  /** Drops what is on its way, and watches the certificates no more. */
  async close(): Promise<void> {
    this.handshakes.abortAll();
    if (!this.#opened) return;
    this.#opened = false;
    await this.#settings?.certificates.close();
  }

  inspect(engine: string): TlsInspection | undefined {
    return this.#settings && inspectTls(this.#settings, engine);
  }
}
