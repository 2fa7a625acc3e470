/**
 * Frames of sockets on their way to the bus, for one endpoint.
 *
 * Every frame is published with who its peer is (`peer_metadata.ts`); while the bus is slow the loop over the
 * connection waits, reading stops, and the peer's window closes.
 */
import type { Acknowledger } from "../acknowledge/acknowledger.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { Bus } from "../buses/bus.ts";
import type { EndpointSettings } from "../config/endpoint_config.ts";
import type { FrameConnection } from "../endpoint.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import type { OwedReplies } from "./owed_replies.ts";
import { peerMetadata } from "./peer_metadata.ts";
import { Storing } from "./storing.ts";
import { fillSubject } from "./subject_template.ts";
import type { Undelivered } from "./undelivered.ts";

/** What takes the frames: a bus. */
type Outlet = Pick<Bus, "publish" | "stores" | "flush">;

/** From sockets to the bus. */
export class Ingress {
  readonly #settings: EndpointSettings;
  readonly #outlet: Outlet;
  readonly #clock: Clock;
  readonly #owed: OwedReplies;
  readonly #undelivered: Undelivered;
  readonly #acknowledger: Acknowledger | undefined;
  readonly #tracer: Tracer | undefined;
  #published = 0;

  constructor(
    settings: EndpointSettings,
    outlet: Outlet,
    context: {
      readonly clock: Clock;
      readonly owed: OwedReplies;
      readonly undelivered: Undelivered;
      readonly acknowledger: Acknowledger | undefined;
      readonly tracer: Tracer | undefined;
    },
  ) {
    this.#settings = settings;
    this.#outlet = outlet;
    this.#clock = context.clock;
    this.#owed = context.owed;
    this.#undelivered = context.undelivered;
    this.#acknowledger = context.acknowledger;
    this.#tracer = context.tracer;
  }

  /** Frames published; those of a bus that stores are counted when they are stored. */
  get published(): number {
    return this.#published;
  }

  /**
   * The handler of one connection: publishes its frames until its input ends, then gives what the bus still has for it
   * time to arrive.
   */
  async handle(connection: FrameConnection): Promise<void> {
    const { subjects, name, node, encoding } = this.#settings;
    const outlet = this.#outlet;
    const known = { ...peerMetadata(connection), endpoint: name, ...(node !== undefined && { node }) };
    const subject = fillSubject(subjects.ingress, known);
    const reply = `${subjects.direct}.${connection.id}`;
    const message = { subject, reply, metadata: Object.freeze(known), encoding };
    const acks = this.#acknowledger?.begin(connection);
    const storing = outlet.stores?.(subject)
      ? new Storing(connection, () => this.#published++, acks)
      : undefined;
    const traced = this.#tracer?.connection(connection, outlet);
    let seq = 0;
    void connection.closed.then((record) => this.#undelivered.ended(record));
    try {
      for await (const payload of connection) {
        const frame = { ...message, payload, seq: seq + 1, received: this.#clock.wallTime() };
        const done = acks?.take(payload, frame) ?? false;
        if (acks?.slow !== undefined) await acks.slow;
        if (acks?.over) break;
        if (done) continue;
        seq++;
        const way = traced?.due ? traced : outlet;
        const wait = storing === undefined ? way.publish(frame) : storing.publish(way, frame);
        if (wait !== undefined) await wait;
        if (storing === undefined) this.#published++;
      }
    } finally {
      await (storing === undefined ? outlet.flush() : storing.done());
      if (acks !== undefined) await acks.answered();
      await this.#owed.paid(connection, acks);
    }
  }
}
