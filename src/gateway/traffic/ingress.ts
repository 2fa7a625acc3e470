/**
 * Frames of sockets on their way to the bus, for one endpoint.
 *
 * Every frame is published with who its peer is (`peer_metadata.ts`); while the bus is slow the loop over the
 * connection waits, reading stops, and the peer's window closes.
 */
import type { Bus } from "../buses/bus.ts";
import type { EndpointSettings } from "../config/endpoint_config.ts";
import type { FrameConnection } from "../endpoint.ts";
import { peerMetadata } from "./peer_metadata.ts";
import { Storing } from "./storing.ts";
import { fillSubject } from "./subject_template.ts";
import type { TrafficParts } from "./traffic_parts.ts";

/** What takes the frames: a bus, or a spool before it. */
type Outlet = Pick<Bus, "publish" | "stores" | "flush">;

/** From sockets to the bus. */
export class Ingress {
  readonly #settings: EndpointSettings;
  readonly #outlet: Outlet;
  readonly #parts: TrafficParts;
  #published = 0;

  constructor(settings: EndpointSettings, outlet: Outlet, parts: TrafficParts) {
    this.#settings = settings;
    this.#outlet = outlet;
    this.#parts = parts;
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
    const { name, node } = this.#settings;
    const outlet = this.#outlet;
    const { clock, owed, undelivered, acknowledger, codec, identities, peers, tracer } = this.#parts;
    const known = { ...peerMetadata(connection), endpoint: name, ...(node !== undefined && { node }) };
    const device = identities?.begin(connection, known);
    let message = this.#messageOf(connection, known, device?.identity);
    if (!device?.open) peers?.watch(connection, message.metadata);
    const acks = acknowledger?.begin(connection);
    const storing = outlet.stores?.(message.subject)
      ? new Storing(connection, () => this.#published++, acks)
      : undefined;
    const decoder = codec?.begin(connection);
    const traced = tracer?.connection(connection, outlet);
    let seq = 0;
    void connection.closed.then((record) => undelivered.ended(record));
    try {
      for await (const payload of connection) {
        if (acks?.isReply(payload)) continue;
        decoder?.read(payload);
        if (device !== undefined) {
          if (device.open) {
            device.read(payload);
            if (device.identity !== undefined) message = this.#messageOf(connection, known, device.identity);
            if (!device.open) peers?.watch(connection, message.metadata);
          }
          if (device.refused) break;
        }
        const raw = { ...message, payload, seq: seq + 1, received: clock.wallTime() };
        const frame = decoder === undefined ? raw : decoder.message(raw);
        if (frame === undefined) {
          const kept = decoder!.skip(raw, acks);
          if (kept !== undefined) await kept;
          if (acks?.slow !== undefined) await acks.slow;
          if (decoder!.over || acks?.over) break;
          continue;
        }
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
      if (device?.open) peers?.watch(connection, message.metadata);
      acks?.exchange?.end();
      await (storing === undefined ? outlet.flush() : storing.done());
      if (acks !== undefined) await acks.answered();
      if (decoder?.over) decoder.end();
      await owed.paid(connection, acks);
    }
  }

  /** What is the same in all messages of a connection, as far as it is known whose it is. */
  #messageOf(
    connection: FrameConnection,
    known: Readonly<Record<string, string>>,
    identity: string | undefined,
  ) {
    const { subjects, encoding } = this.#settings;
    const metadata = identity === undefined ? known : { ...known, identity };
    const reply = `${subjects.direct}.${connection.id}`;
    return {
      subject: fillSubject(subjects.ingress, metadata),
      reply,
      metadata: Object.freeze(metadata),
      encoding,
    };
  }
}
