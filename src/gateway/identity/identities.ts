/**
 * The devices of one endpoint by name: which connection is whose, and what happens when a name comes twice.
 *
 * `traffic/ingress.ts` begins it for each connection, `traffic/egress.ts` and the control find connections by it. Holds
 * open connections only.
 */
import type { Logger } from "../../core/logger.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { Bus } from "../buses/bus.ts";
import type { EndpointSettings } from "../config/endpoint_config.ts";
import type { FrameConnection, GatewayEndpoint } from "../endpoint.ts";
import type { IdentityConfig } from "./identity_config.ts";
import { compileRule } from "./identity_rule.ts";
import { Identifying, type IdentityClaims } from "./identifying.ts";
import { Presence } from "./presence.ts";

/** Those of one endpoint. */
export class Identities implements IdentityClaims {
  readonly config: IdentityConfig;
  readonly clock: Clock;
  readonly readFrame: ((frame: Uint8Array) => string | undefined) | undefined;
  readonly #presence: Presence;
  /** The newest connection is the last. */
  readonly #byIdentity: Map<string, readonly FrameConnection[]> = new Map();
  readonly #byConnection: Map<string, string> = new Map();
  #replaced = 0;
  #missing = 0;

  constructor(
    config: IdentityConfig,
    settings: EndpointSettings,
    bus: Pick<Bus, "publish">,
    context: { readonly clock: Clock; readonly log: Logger },
  ) {
    this.config = config;
    this.clock = context.clock;
    this.readFrame = "from" in config.rule ? undefined : compileRule(config.rule);
    this.#presence = new Presence(settings, bus, context.clock, context.log);
  }

  /** A connection has been accepted; `known` is its metadata. */
  begin(connection: FrameConnection, known: Readonly<Record<string, string>>): Identifying {
    return new Identifying(this, connection, known);
  }

  /** The newest connection of a device. */
  find(identity: string): FrameConnection | undefined {
    return this.#byIdentity.get(identity)?.at(-1);
  }

  /** All of them, the newest last. */
  all(identity: string): readonly FrameConnection[] {
    return this.#byIdentity.get(identity) ?? [];
  }

  /** Whose connection this is. */
  of(connectionId: string): string | undefined {
    return this.#byConnection.get(connectionId);
  }

  stats(): ReturnType<NonNullable<GatewayEndpoint["identities"]>["stats"]> {
    return {
      identified: this.#byConnection.size,
      identitiesReplaced: this.#replaced,
      identitiesMissing: this.#missing,
    };
  }

  claim(connection: FrameConnection, identity: string): boolean {
    const { onDuplicate } = this.config;
    const others = this.all(identity);
    if (others.length > 0 && onDuplicate === "oldest") {
      this.#replaced++;
      this.#presence.tell("refused", identity, connection, { by: others[0]!.id });
      connection.destroy({ reason: `${identity} is connected already`, code: "refused" });
      return false;
    }
    this.#byConnection.set(connection.id, identity);
    if (onDuplicate === "newest") {
      this.#byIdentity.set(identity, [connection]);
      for (const other of others) {
        this.#replaced++;
        this.#byConnection.delete(other.id);
        this.#presence.tell("replaced", identity, other, { by: connection.id });
        other.destroy({ reason: `${identity} has connected again`, code: "replaced" });
      }
    } else {
      this.#byIdentity.set(identity, [...others, connection]);
    }
    this.#presence.tell("connected", identity, connection);
    void connection.closed.then((record) => {
      if (!this.#byConnection.delete(connection.id)) return;
      const left = this.all(identity).filter((other) => other !== connection);
      if (left.length === 0) this.#byIdentity.delete(identity);
      else this.#byIdentity.set(identity, left);
      const { reason, code } = record;
      this.#presence.tell("disconnected", identity, connection, { reason, code });
    });
    return true;
  }

  missing(connection: FrameConnection, reason: string): void {
    this.#missing++;
    connection.destroy({ reason, code: "no_identity" });
  }
}
