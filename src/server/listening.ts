/**
 * The listener of one server: bound, suspended, bound again at the same address, and stopped for good.
 *
 * Made by `socket_server.ts`, which says what its states mean for the server; knows no registry and no framing.
 */
import { SocketError, socketErrorFrom } from "../core/errors.ts";
import type { Adapter, Address, Listener, Transport } from "../core/transport.ts";
import type { ServerState } from "./server_options.ts";
import type { ServerSettings } from "./settings.ts";
import type { TlsAdmission } from "./tls_admission.ts";

/** What the server lends it. */
interface ListeningOwner {
  readonly adapter: Adapter;
  readonly settings: Pick<ServerSettings<never, never, never>, "listen" | "tls">;
  /** Undefined where no connection is ever secured. */
  readonly tlsAdmission: TlsAdmission | undefined;
  /** That of the server. */
  state(): ServerState;
  /** The server is being closed, or will be once what is under way here is done. */
  closing(): boolean;
  enter(state: "running" | "suspended"): void;
  /** Takes a connection; with `tls`, once it is secured. */
  accept(transport: Transport): void;
  /** A peer had reset its connection before it was accepted. */
  lost(error: SocketError): void;
  /** The listener itself has failed; if `fatal`, it accepts no more. */
  failed(error: SocketError, fatal: boolean): void;
}

/** The listener of one server. */
export class Listening {
  readonly #owner: ListeningOwner;
  #address: Address;
  #listener: Listener | undefined = undefined;
  /** What the adapter does with its listener, one after the other. */
  #switching: Promise<void> = Promise.resolve();

  constructor(owner: ListeningOwner) {
    this.#owner = owner;
    this.#address = owner.settings.listen.address;
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
    await tlsAdmission?.open();
    const options = {
      ...settings.listen,
      handshakes: tlsAdmission?.handshakes,
      address: this.#address,
      failed: (error: SocketError, fatal: boolean) => this.#owner.failed(error, fatal),
      lost: (error: SocketError) => this.#owner.lost(error),
    };
    const accept = (transport: Transport) => this.#owner.accept(transport);
    const secured = tlsAdmission && settings.tls &&
      ((transport: Transport) => tlsAdmission.handshakes.admit(transport, accept));
    const listener = await adapter.listen(options, secured ?? accept).catch(async (error) => {
      if (this.#owner.state() === "created") await tlsAdmission?.close();
      throw error;
    });
    this.#listener = listener;
    this.#address = listener.address;
    this.#owner.enter("running");
  }

  /** Stops accepting until `resume`. */
  suspend(): Promise<void> {
    return this.#switch(async () => {
      if (this.#owner.state() !== "running") return;
      this.#owner.enter("suspended");
      await this.#listener?.stop();
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
      if (this.#owner.state() === "suspended") await this.open();
    });
  }

  /** Stops accepting for good; never rejects. */
  stop(): Promise<void> {
    return this.#listener?.stop().catch((error) =>
      this.#owner.failed(socketErrorFrom(error, "stop listening"), false)
    ) ?? Promise.resolve();
  }

  /** One change of the listener at a time. */
  #switch(change: () => Promise<void>): Promise<void> {
    const done = this.#switching.then(change);
    this.#switching = done.catch(() => {});
    return done;
  }
}
