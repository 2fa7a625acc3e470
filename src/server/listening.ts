/**
 * The listener of one server: bound, suspended, bound again at the same address, also after it has failed, and stopped
 * for good.
 *
 * Made by `socket_server.ts`, which says what its states mean for the server; knows no registry and no framing.
 */
import { SocketError, socketErrorFrom } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { addressText } from "../core/text/place.ts";
import { type BackoffSchedule, Retries } from "../core/time/backoff.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Adapter, Address, Listener, Secure, Transport } from "../core/transport.ts";
import type { ServerState } from "./server_options.ts";
import { bindRetryDefaults, type ServerSettings } from "./settings.ts";
import type { TlsAdmission } from "./tls_admission.ts";

/** Takes peers that are no connections yet. */
interface PrefaceIntake {
  readonly take: (transport: Transport, secure?: Secure) => void;
  takeSecured(transport: Transport): void;
  abortAll(): void;
}

/** What the server lends it. */
interface ListeningOwner {
  readonly adapter: Adapter;
  readonly settings: Pick<ServerSettings<never, never, never>, "listen" | "tls" | "bindRetry">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Undefined where no connection is ever secured. */
  readonly tlsAdmission: TlsAdmission | undefined;
  /** Undefined where nothing stands in front of a connection. */
  readonly prefaces: PrefaceIntake | undefined;
  /** That of the server. */
  readonly state: () => ServerState;
  /** The server is being closed, or will be once what is under way here is done. */
  closing(): boolean;
  enter(state: "running" | "suspended" | "binding"): void;
  /** Takes a connection; with `tls`, once it is secured. */
  accept(transport: Transport): void;
  /** A peer had reset its connection before it was accepted. */
  lost(error: SocketError): void;
  /** The listener itself has failed; if `fatal`, it accepts no more. */
  failed(error: SocketError, fatal: boolean): void;
}

/** How a listener that has failed is bound again where `bindRetry` does not say it: until that succeeds. */
const standing: BackoffSchedule = { ...bindRetryDefaults, for: Infinity };

/** What may be otherwise in a while; what else there is remains as it is. */
const passing: readonly SocketError["reason"][] = ["address_in_use", "address_not_available"];

/** The listener of one server. */
export class Listening {
  /** Failures of listeners, by reason. */
  readonly failures: Partial<Record<SocketError["reason"], number>> = {};
  readonly #owner: ListeningOwner;
  readonly #retries: Retries;
  readonly #longestWait: number;
  #address: Address;
  #listener: Listener | undefined = undefined;
  /** How often one was asked for: what an earlier one tells is none of the present one's. */
  #generation = 0;
  #boundAt = 0;
  /** The wait before a listener that has failed is bound again. */
  #waiting: unknown = undefined;
  /** What the adapter does with its listener, one after the other. */
  #switching: Promise<void> = Promise.resolve();

  constructor(owner: ListeningOwner) {
    const { listen, bindRetry = standing } = owner.settings;
    this.#owner = owner;
    this.#retries = new Retries(bindRetry);
    this.#longestWait = bindRetry.max;
    this.#address = listen.address;
  }

  /** The address that was asked for; once it is bound, the one that was. */
  get address(): Address {
    return this.#address;
  }

  /** The TLS implementation; undefined without TLS, and before it is bound. */
  get tls(): string | undefined {
    return this.#listener?.tls;
  }

  /** What is under way; never rejects. */
  get settled(): Promise<void> {
    return this.#switching;
  }

  /** Binds, and begins to accept. */
  async open(): Promise<void> {
    const { adapter, settings, tlsAdmission } = this.#owner;
    const generation = ++this.#generation;
    // A server that shares no port has no use for it.
    const shared = settings.listen.reusePort && this.#listener === undefined
      ? await import("./shared_port.ts")
      : undefined;
    await tlsAdmission?.open();
    const options = {
      ...settings.listen,
      handshakes: tlsAdmission?.handshakes,
      beforeTls: settings.tls && this.#owner.prefaces?.take,
      address: this.#address,
      failed: (error: SocketError, fatal: boolean) => {
        this.failed(error, fatal);
        if (fatal && generation === this.#generation) this.#over(error);
      },
      lost: (error: SocketError) => this.#owner.lost(error),
    };
    const { prefaces } = this.#owner;
    const accept = (transport: Transport) => this.#owner.accept(transport);
    const inTls = prefaces === undefined ? accept : (transport: Transport) => prefaces.takeSecured(transport);
    const secured = tlsAdmission && settings.tls &&
      ((transport: Transport) => tlsAdmission.handshakes.admit(transport, inTls));
    const plain = prefaces === undefined ? accept : (transport: Transport) => prefaces.take(transport);
    const listener = await adapter.listen(options, secured ?? plain).catch(async (error) => {
      if (this.#listener === undefined) await tlsAdmission?.close();
      throw error;
    });
    if (this.#listener === undefined) this.#retries.succeeded();
    this.#listener = listener;
    this.#address = listener.address;
    shared?.logSharedPort(this.#owner.log, listener.address);
    this.#boundAt = this.#owner.clock.now();
    this.#owner.enter("running");
  }

  /** Stops accepting until `resume`. */
  suspend(): Promise<void> {
    return this.#switch(async () => {
      const state = this.#owner.state();
      if (state === "binding") this.#clearWait();
      else if (state !== "running") return;
      this.#owner.enter("suspended");
      if (this.inherits) await this.#listener?.pause?.();
      else await this.#listener?.stop();
      this.#owner.prefaces?.abortAll();
      this.#owner.tlsAdmission?.handshakes.abortAll();
    });
  }

  /** Binds again, at the same address. */
  resume(): Promise<void> {
    return this.#switch(async () => {
      if (this.#owner.closing()) {
        throw new SocketError(
          "closed",
          "resume: the server is shutting down, expected one that is suspended",
        );
      }
      if (this.#owner.state() === "suspended") await (this.inherits ? this.#unpause() : this.open());
      if (this.#owner.state() === "binding") await this.#bindAgain();
    });
  }

  /** A descriptor that is closed would not come back. */
  get inherits(): boolean {
    return this.#owner.settings.listen.descriptor !== undefined;
  }

  async #unpause(): Promise<void> {
    await this.#listener!.resume!();
    this.#owner.enter("running");
  }

  /** Stops accepting for good; never rejects. */
  stop(): Promise<void> {
    this.#clearWait();
    return this.#listener?.stop().catch((error) =>
      this.failed(socketErrorFrom(error, "stop listening"), false)
    ) ?? Promise.resolve();
  }

  /** A listener has failed, or could not be stopped. */
  failed(error: SocketError, fatal: boolean): void {
    this.failures[error.reason] = (this.failures[error.reason] ?? 0) + 1;
    this.#owner.failed(error, fatal);
  }

  /**
   * An attempt to bind has failed. Says how many ms to wait before the next one, and tells of it; undefined where there
   * shall be none, because the schedule is over or, at the start, because the reason will not pass.
   */
  retryIn(error: unknown): number | undefined {
    const starting = this.#listener === undefined;
    if (!(error instanceof SocketError) || (starting && !passing.includes(error.reason))) return undefined;
    const { clock, log } = this.#owner;
    const wait = this.#retries.failed(clock.now());
    if (wait === undefined) return undefined;
    if (this.#owner.state() !== "binding") this.#owner.enter("binding");
    const { message, reason } = error;
    const fields = { error: message, reason, attempt: this.#retries.failures, waitMs: Math.round(wait) };
    log({ level: "warn", message: "listening failed and is tried again", fields });
    return wait;
  }

  /** What `retryIn` has given up, as the error of the last attempt that says how often it was tried. */
  givenUp(error: SocketError): SocketError {
    const { failures } = this.#retries;
    if (failures === 0) return error;
    const text = `${error.message}; tried ${failures + 1} times, which is all that bindRetry allows`;
    return new SocketError(error.reason, text, { cause: error });
  }

  /** The present listener accepts no more: it is bound again after a wait, since what was wrong may still be so. */
  #over(error: SocketError): void {
    const { clock, state } = this.#owner;
    if (state() !== "running") return;
    if (this.inherits) return this.#owner.enter("suspended");
    if (clock.now() - this.#boundAt > this.#longestWait) this.#retries.succeeded();
    this.#wait(error);
  }

  #wait(error: SocketError): void {
    const wait = this.retryIn(error);
    if (wait === undefined) {
      this.failed(this.givenUp(error), true);
      this.#retries.succeeded();
      return this.#owner.enter("suspended");
    }
    this.#waiting = this.#owner.clock.setTimer(() => {
      // Who asks for it, by `resume`, is told of a failure; here the next wait tells.
      this.#switch(async () => {
        if (this.#owner.state() === "binding" && !this.#owner.closing()) await this.#bindAgain();
      }).catch(() => {});
    }, wait);
  }

  async #bindAgain(): Promise<void> {
    this.#clearWait();
    await this.#listener?.stop().catch(() => {});
    try {
      await this.open();
    } catch (error) {
      this.#wait(socketErrorFrom(error, `listen on ${addressText(this.#address)}`));
      throw error;
    }
  }

  #clearWait(): void {
    this.#owner.clock.clearTimer(this.#waiting);
    this.#waiting = undefined;
  }

  /** One change of the listener at a time. */
  #switch(change: () => Promise<void>): Promise<void> {
    const done = this.#switching.then(change);
    this.#switching = done.catch(() => {});
    return done;
  }
}
