/**
 * Which connections are accepted: the maximum number, and the farewell of a rejected peer.
 *
 * Called for every accepted transport, before there is a connection.
 */
import type { Clock } from "../core/time/clock.ts";
import type { SocketError } from "../core/errors.ts";
import type { Transport } from "../core/transport.ts";
import type { RejectReason } from "./server_options.ts";
import type { Logger } from "../core/logger.ts";

/** How long a rejected peer gets to take the farewell and close. */
const farewellMs = 1000;
/** Rejected peers that may be reading their farewell at one time; further ones are dropped at once. */
const mostFarewells = 256;

/** Decides which connections are accepted. */
export class Admission {
  /** Peers rejected. */
  rejected = 0;
  /** Peers that had reset before they were accepted. */
  lost = 0;
  /** The most connections at one time; `Infinity` for no limit. */
  maxConnections: number;
  readonly #farewell: Uint8Array | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;
  #leaving = 0;

  constructor(
    { maxConnections, farewell }: { maxConnections: number; farewell: Uint8Array | undefined },
    clock: Clock,
    log: Logger,
  ) {
    this.maxConnections = maxConnections;
    this.#farewell = farewell;
    this.#clock = clock;
    this.#log = log;
  }

  /** A peer had reset before it was accepted. */
  lose({ message, reason }: SocketError): void {
    this.lost++;
    this.#log({
      level: "debug",
      message: "connection lost before it was accepted",
      fields: { error: message, reason },
    });
  }

  /** Why one more may not come in, if so. */
  refusal(open: number): RejectReason | undefined {
    return open >= this.maxConnections ? "max_connections" : undefined;
  }

  /** Turns a peer away: the farewell and FIN where one is set, else dropped. */
  reject(transport: Transport): void {
    this.rejected++;
    if (this.#farewell === undefined || this.#leaving >= mostFarewells) return transport.abort();
    this.#leaving++;
    let held = false;
    // What the kernel has of the farewell is still delivered.
    const leave = () => held ? transport.abort() : transport.release();
    const timer = this.#clock.setTimer(leave, farewellMs);
    transport.start({
      data: () => true,
      drain: () => void (held = false),
      end: () => {},
      close: () => {
        this.#leaving--;
        this.#clock.clearTimer(timer);
      },
    });
    held = !transport.write(this.#farewell);
    transport.end();
  }
}
