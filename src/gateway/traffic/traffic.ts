/**
 * Frames to the bus and messages to sockets, for one endpoint.
 *
 * Ingress: `ingress.ts` publishes every frame with who its peer is. Egress: `egress.ts` writes a message to the
 * connection that it names, by metadata or by the reply subject that a frame came with. What cannot be delivered is
 * answered, counted and logged by `undelivered.ts`.
 */
import type * as Effect from "effect/Effect";
import { Acknowledger } from "../acknowledge/acknowledger.ts";
import { ConfirmedSending } from "../acknowledge/confirmed_sending.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { Bus, BusMessage, BusSubscription, SubscribeOptions } from "../buses/bus.ts";
import type { EndpointSettings } from "../config/endpoint_config.ts";
import type { Spool } from "../spool/spool.ts";
import type { FrameConnection, TrafficStats } from "../endpoint.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import type { Codec } from "../codecs/codec.ts";
import type { CodecError } from "../codecs/codec_error.ts";
import { EndpointCodec } from "../codecs/endpoint_codec.ts";
import { Identities } from "../identity/identities.ts";
import { PeerMetrics } from "../peer_metrics.ts";
import { awaited } from "../patience.ts";
import { Egress, type TrafficPeers } from "./egress.ts";
import { Ingress } from "./ingress.ts";
import type { TrafficParts } from "./traffic_parts.ts";
import { OwedReplies } from "./owed_replies.ts";
import { subjectPattern } from "./subject_template.ts";
import { Undelivered } from "./undelivered.ts";

const nothing: Readonly<Record<string, string>> = Object.freeze({});

/** The two directions of one endpoint. */
export class Traffic {
  readonly #settings: EndpointSettings;
  readonly #bus: Bus;
  readonly #queue: SubscribeOptions;
  readonly #tracer: Tracer | undefined;
  readonly #undelivered: Undelivered;
  readonly #egress: Egress;
  readonly #ingress: Ingress;
  readonly #acknowledger: Acknowledger | undefined;
  readonly #codec: EndpointCodec | undefined;
  /** Whose its connections are; undefined where nothing says it. */
  readonly identities: Identities | undefined;
  /** What is counted by who its peers are; undefined where nothing is. */
  readonly peers: PeerMetrics | undefined;
  readonly #clock: Clock;
  readonly #spool: Spool | undefined;
  #subscriptions: BusSubscription[] = [];

  constructor(
    settings: EndpointSettings,
    bus: Bus,
    peers: TrafficPeers,
    context: {
      readonly clock: Clock;
      readonly log: Logger;
      readonly queue: SubscribeOptions;
      readonly tracer?: Tracer | undefined;
      readonly spool?: Spool | undefined;
      /** Turns its frames into messages and back. */
      readonly codec?: Codec | undefined;
      readonly onCodecError?: ((error: CodecError) => void) | undefined;
    },
  ) {
    const { clock, log, queue, tracer, spool } = context;
    const owed = new OwedReplies(settings.replyWait, clock);
    this.#settings = settings;
    this.#bus = bus;
    this.#queue = queue;
    this.#clock = clock;
    this.#spool = spool;
    this.#tracer = tracer;
    const undelivered = this.#undelivered = new Undelivered(settings, bus, log, tracer);
    const { acknowledge, codec, identity, metricLabels } = settings;
    const dismiss: TrafficPeers["dismiss"] = (id, why, words) => peers.dismiss(id, why, words);
    this.identities = identity && new Identities(identity, settings, bus, context);
    this.peers = metricLabels && new PeerMetrics(metricLabels, settings.name);
    this.#acknowledger = acknowledge && new Acknowledger(acknowledge, dismiss);
    this.#codec = context.codec &&
      new EndpointCodec(context.codec, codec!, settings, {
        bus,
        log,
        onError: context.onCodecError,
        dismiss,
      });
    const confirmed = acknowledge?.egress && new ConfirmedSending(this.#acknowledger!, clock);
    const parts: TrafficParts = {
      clock,
      owed,
      undelivered,
      tracer,
      acknowledger: this.#acknowledger,
      confirmed,
      codec: this.#codec,
      identities: this.identities,
      peers: this.peers,
    };
    this.#egress = new Egress(settings, peers, parts);
    this.#ingress = new Ingress(settings, spool ?? bus, parts);
  }

  /** Begins to take messages for sockets, and to echo where the endpoint does. */
  start(): void {
    const { subjects, echo, name, node } = this.#settings;
    const tracer = this.#tracer;
    const take = (message: BusMessage) => this.#egress.take(message);
    const send = tracer === undefined ? take : (message: BusMessage) => tracer.message(message, take);
    this.#subscriptions = [
      this.#bus.subscribe(subjects.egress, send, { ...this.#queue, durable: `${name}-${node}-all` }),
      this.#bus.subscribe(`${subjects.direct}.*`, send, { ...this.#queue, durable: `${name}-${node}` }),
    ];
    if (echo) {
      const pattern = subjectPattern(subjects.ingress, {
        endpoint: name,
        ...(node !== undefined && { node }),
      });
      this.#subscriptions.push(this.#bus.subscribe(pattern, (frame) => this.#echo(frame), this.#queue));
    }
    this.#spool?.start();
  }

  /**
   * Takes no more messages; those that wait are forgotten and counted by the bus. What is spooled is forwarded first, until
   * that time of the clock.
   */
  stop(until: number = -Infinity): Effect.Effect<void> {
    // Promises, as everything of a bus, which may be the user's own.
    return awaited(async () => {
      await this.#spool?.close(until - this.#clock.now());
      await Promise.all(this.#subscriptions.map((subscription) => subscription.close()));
    });
  }

  stats(): TrafficStats {
    const spool = this.#spool?.stats();
    return {
      ...(spool && { spool }),
      framesPublished: spool?.forwarded ?? this.#ingress.published,
      messagesSent: this.#egress.sent,
      messagesUndelivered: this.#undelivered.count,
      framesSkipped: this.#codec?.framesSkipped ?? 0,
      decodeErrors: this.#codec?.decodeFaults ?? 0,
      encodeErrors: this.#codec?.encodeFaults ?? 0,
      acksSent: this.#acknowledger?.acks ?? 0,
      naksSent: this.#acknowledger?.naks ?? 0,
      acksReceived: this.#acknowledger?.acksReceived ?? 0,
      naksReceived: this.#acknowledger?.naksReceived ?? 0,
    };
  }

  /** The handler of one connection. When this resolves, nothing more is owed. */
  ingress(connection: FrameConnection): Promise<void> {
    return this.#ingress.handle(connection);
  }

  /** For the hook of the endpoint's sockets; undefined where refused bytes are not answered. */
  get onFrameError(): ((error: unknown, connection: FrameConnection) => void) | undefined {
    const acknowledger = this.#acknowledger;
    return acknowledger && ((_, connection) => acknowledger.refused(connection));
  }

  #echo(frame: BusMessage): void | Promise<void> {
    // Another endpoint may publish under the same subject.
    if (frame.reply === undefined || frame.metadata["endpoint"] !== this.#settings.name) return;
    const { traceparent } = frame.metadata;
    const metadata = traceparent === undefined ? nothing : { traceparent };
    return this.#bus.publish({ subject: frame.reply, payload: frame.payload, metadata });
  }
}
