/**
 * One connection until it is known whose it is.
 *
 * Made by `identities.ts`, asked by `traffic/ingress.ts` before its first frame and with each frame until it is over.
 */
import type { Clock } from "../../core/time/clock.ts";
import type { FrameConnection } from "../endpoint.ts";
import type { IdentityConfig } from "./identity_config.ts";
import { checkedIdentity } from "./identity_rule.ts";

/** What it needs of the devices of its endpoint. */
export interface IdentityClaims {
  readonly config: IdentityConfig;
  readonly clock: Clock;
  /** Undefined where the identity is not in frames. */
  readonly readFrame: ((frame: Uint8Array) => string | undefined) | undefined;
  /** False: the identity is another connection's, and this one is closed. */
  claim(connection: FrameConnection, identity: string): boolean;
  /** It has not said who it is, and is closed. */
  missing(connection: FrameConnection, reason: string): void;
}

/** What is known of one connection. */
export class Identifying {
  /** Whose connection it is. */
  identity: string | undefined = undefined;
  /** A further frame may say it. */
  open: boolean;
  /** It is closed, and nothing of it counts any more. */
  refused = false;
  readonly #claims: IdentityClaims;
  readonly #connection: FrameConnection;
  #timer: unknown = undefined;

  constructor(claims: IdentityClaims, connection: FrameConnection, known: Readonly<Record<string, string>>) {
    this.#claims = claims;
    this.#connection = connection;
    const { config: { rule, timeout, required }, clock } = claims;
    this.open = claims.readFrame !== undefined;
    if ("from" in rule) {
      this.#found(known[rule.from], `its ${rule.from} says no identity`);
    } else if (required && timeout !== Infinity) {
      const reason = `it did not say who it is within ${timeout} ms`;
      this.#timer = clock.setTimer(() => this.#refuse(reason), timeout);
      void connection.closed.then(() => clock.clearTimer(this.#timer));
    }
  }

  /** Looks into one frame while it is open. */
  read(frame: Uint8Array): void {
    const last = this.#claims.config.frame === "first";
    const value = this.#claims.readFrame!(frame);
    if (last) this.open = false;
    this.#found(value, last ? "its first frame says no identity" : undefined);
  }

  /** `missing` is why it has none if this is none, where no other chance follows. */
  #found(value: string | undefined, missing: string | undefined): void {
    const { config: { maxLength, required } } = this.#claims;
    const identity = checkedIdentity(value, maxLength);
    if (identity === undefined) {
      if (missing !== undefined && required) this.#refuse(missing);
      return;
    }
    this.open = false;
    this.#claims.clock.clearTimer(this.#timer);
    if (this.#claims.claim(this.#connection, identity)) this.identity = identity;
    else this.refused = true;
  }

  #refuse(reason: string): void {
    this.open = false;
    this.refused = true;
    this.#claims.clock.clearTimer(this.#timer);
    this.#claims.missing(this.#connection, reason);
  }
}
