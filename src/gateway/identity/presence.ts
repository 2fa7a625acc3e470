/**
 * Events about devices on the bus: who has come, gone, was replaced or refused.
 *
 * Made by `identities.ts`. Events leave in order; while the bus is slow a bounded number of them waits.
 */
import type { Clock } from "../../core/time/clock.ts";
import type { Bus } from "../buses/bus.ts";
import type { EndpointSettings } from "../config/endpoint_config.ts";
import type { FrameConnection } from "../endpoint.ts";
import { Sparingly } from "../log.ts";
import type { Logger } from "../../core/logger.ts";

/** What has happened. */
type PresenceEvent = "connected" | "disconnected" | "replaced" | "refused";

/** Events that wait for a slow bus at most; further ones are dropped, counted and logged. */
const mostEvents = 10_000;
const encoder = new TextEncoder();

/** The events of one endpoint. */
export class Presence {
  dropped = 0;
  readonly #settings: EndpointSettings;
  readonly #bus: Pick<Bus, "publish">;
  readonly #clock: Clock;
  readonly #sparingly: Sparingly;
  readonly #waiting: Uint8Array[] = [];
  #publishing = false;

  constructor(settings: EndpointSettings, bus: Pick<Bus, "publish">, clock: Clock, log: Logger) {
    this.#settings = settings;
    this.#bus = bus;
    this.#clock = clock;
    this.#sparingly = new Sparingly(log);
  }

  /** One event; `more` are further facts. */
  tell(event: PresenceEvent, identity: string, { id, peer }: FrameConnection, more: object = {}): void {
    if (this.#waiting.length >= mostEvents) {
      this.dropped++;
      return this.#sparingly.warn("presence event dropped", { event, identity, "conn.id": id });
    }
    const { name: endpoint, node } = this.#settings;
    const at = new Date(this.#clock.wallTime()).toISOString();
    const { ip, port } = peer;
    const fields = {
      event,
      identity,
      "conn.id": id,
      endpoint,
      node,
      "peer.ip": ip,
      "peer.port": port,
      at,
      ...more,
    };
    this.#waiting.push(encoder.encode(JSON.stringify(fields)));
    if (!this.#publishing) void this.#publish();
  }

  async #publish(): Promise<void> {
    this.#publishing = true;
    const { presence: subject } = this.#settings.subjects;
    for (;;) {
      const payload = this.#waiting[0];
      if (payload === undefined) break;
      try {
        const wait = this.#bus.publish({ subject, payload, metadata: {}, encoding: "json" });
        if (wait !== undefined) await wait;
      } catch (error) {
        this.dropped++;
        this.#sparingly.warn("presence event dropped", { error: (error as Error).message });
      }
      this.#waiting.shift();
    }
    this.#publishing = false;
  }
}
