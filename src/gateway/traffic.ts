/**
 * Frames to the bus and messages to sockets, for one endpoint.
 *
 * Ingress: every frame is published with who its peer is (`peer_metadata.ts`); while the bus is slow the loop over
 * the connection waits, reading stops, and the peer's window closes. Egress: a message names its connection, by
 * metadata or by the reply subject that a frame came with. What cannot be delivered is answered, counted and
 * logged.
 */
import type * as Effect from "effect/Effect";
import type { BroadcastReport } from "../connection/broadcast.ts";
import type { TerminationRecord } from "../connection/termination.ts";
import type { Clock } from "../core/time/clock.ts";
import { LimitError, MillraceError, SocketError } from "../core/errors.ts";
import type { SendOutcome } from "../core/flow/outcome.ts";
import type { Logger } from "../core/logger.ts";
import type { Bus, BusMessage, BusSubscription, SubscribeOptions } from "./buses/bus.ts";
import type { EndpointSettings } from "./config/endpoint_config.ts";
import type { FrameConnection, TrafficStats } from "./endpoint.ts";
import { Sparingly } from "./log.ts";
import { peerMetadata } from "./peer_metadata.ts";
import { Storing } from "./storing.ts";
import { fillSubject, subjectPattern } from "./subject_template.ts";
import { awaited } from "./patience.ts";

/** What the traffic needs of its endpoint. */
interface TrafficPeers {
  readonly connections: ReadonlyMap<string, FrameConnection>;
  broadcast(frame: Uint8Array): Promise<BroadcastReport>;
}

/** What stands for every connection in the place of a connection's id. */
const everyone = "*";
/** In the same place: the connection is that of another gateway. */
const elsewhere = Symbol("elsewhere");
const encoder = new TextEncoder();
const nothing: Readonly<Record<string, string>> = Object.freeze({});

/** The two directions of one endpoint. */
export class Traffic {
  readonly #settings: EndpointSettings;
  readonly #bus: Bus;
  readonly #peers: TrafficPeers;
  readonly #clock: Clock;
  readonly #sparingly: Sparingly;
  readonly #queue: SubscribeOptions;
  #subscriptions: BusSubscription[] = [];
  #framesPublished = 0;
  #messagesSent = 0;
  #messagesUndelivered = 0;
  /** For each connection, frames that it had accepted and that are counted as undelivered already. */
  readonly #told: Map<string, number> = new Map();
  /** Connections whose input has ended and that wait for replies; called whenever one was sent. */
  readonly #owed: Map<string, () => void> = new Map();

  constructor(
    settings: EndpointSettings,
    bus: Bus,
    peers: TrafficPeers,
    context: { readonly clock: Clock; readonly log: Logger; readonly queue: SubscribeOptions },
  ) {
    this.#settings = settings;
    this.#bus = bus;
    this.#peers = peers;
    this.#clock = context.clock;
    this.#sparingly = new Sparingly(context.log);
    this.#queue = context.queue;
  }

  /** Begins to take messages for sockets, and to echo where the endpoint does. */
  start(): void {
    const { subjects, echo, name, node } = this.#settings;
    const send = (message: BusMessage) => this.egress(message);
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
  }

  /** Takes no more messages; those that wait are forgotten and counted by the bus. */
  stop(): Effect.Effect<void> {
    // Promises, as everything of a bus, which may be the user's own.
    return awaited(() => Promise.all(this.#subscriptions.map((subscription) => subscription.close())));
  }

  stats(): TrafficStats {
    return {
      framesPublished: this.#framesPublished,
      messagesSent: this.#messagesSent,
      messagesUndelivered: this.#messagesUndelivered,
    };
  }

  /**
   * The handler of one connection: publishes its frames until its input ends, then gives what the bus still has
   * for it time to arrive. When this resolves, nothing more is owed.
   */
  async ingress(connection: FrameConnection): Promise<void> {
    const { subjects, name, node, encoding } = this.#settings;
    const { id } = connection;
    const known = { ...peerMetadata(connection), endpoint: name, ...(node !== undefined && { node }) };
    const subject = fillSubject(subjects.ingress, known);
    const message = { subject, reply: `${subjects.direct}.${id}`, metadata: Object.freeze(known), encoding };
    const storing = this.#bus.stores?.(subject)
      ? new Storing(connection, () => this.#framesPublished++)
      : undefined;
    let seq = 0;
    void connection.closed.then((record) => this.#lost(record));
    try {
      for await (const payload of connection) {
        const frame = { ...message, payload, seq: ++seq, received: this.#clock.wallTime() };
        const wait = storing === undefined ? this.#bus.publish(frame) : storing.publish(this.#bus, frame);
        if (wait !== undefined) await wait;
        if (storing === undefined) this.#framesPublished++;
      }
    } finally {
      await (storing === undefined ? this.#bus.flush() : storing.done());
      await this.#replies(connection);
    }
  }

  /** One message for a socket. A promise means that its peer is slow. */
  egress(message: BusMessage): void | Promise<void> {
    const id = this.#target(message);
    if (id === elsewhere) return;
    if (id === everyone) return this.#broadcast(message);
    const connection = id === undefined ? undefined : this.#peers.connections.get(id);
    if (id === undefined || connection === undefined || isOver(connection)) {
      const why = id === undefined
        ? 'it has no connection in "conn.id" ("*" means all)'
        : "no such connection is open";
      return this.#undelivered(
        message,
        new SocketError("unknown_connection", `send to connection ${id ?? "?"}: ${why}`),
      );
    }
    try {
      // A stored message is done with when the kernel has it.
      if (message.reply !== undefined || message.stored) return this.#deliver(connection, message);
      const wait = connection.send(message.payload);
      if (wait !== undefined) return this.#patiently(connection, wait, message);
      return this.#sent(id);
    } catch (error) {
      return this.#undelivered(message, error);
    }
  }

  #target(message: BusMessage): string | typeof elsewhere | undefined {
    const { subjects: { egress, direct }, node } = this.#settings;
    if (message.subject.length > egress.length) return message.subject.slice(direct.length + 1);
    const other = message.metadata["node"];
    if (node !== undefined && other !== undefined && other !== node) return elsewhere;
    return message.metadata["conn.id"];
  }

  #echo(frame: BusMessage): void | Promise<void> {
    // Another endpoint may publish under the same subject.
    if (frame.reply === undefined || frame.metadata["endpoint"] !== this.#settings.name) return;
    return this.#bus.publish({ subject: frame.reply, payload: frame.payload, metadata: nothing });
  }

  /** Waits for a slow peer, but not for ever: others are behind it. */
  #patiently(connection: FrameConnection, wait: Promise<void>, message: BusMessage): Promise<void> {
    const cancel = this.#limit(connection);
    this.#owed.get(connection.id)?.();
    return wait.then(() => {
      cancel();
      this.#messagesSent++;
    }, (error: unknown) => {
      cancel();
      this.#tell(connection.id, error);
      return this.#undelivered(message, error);
    });
  }

  /** Ends a connection that takes nothing for too long; returns how to call that off. */
  #limit(connection: FrameConnection): () => void {
    const { egressTimeout } = this.#settings;
    if (egressTimeout === Infinity) return () => {};
    const reason = `it accepted no bytes for ${egressTimeout} ms while messages waited for it`;
    const timer = this.#clock.setTimer(
      () => connection.destroy({ reason, code: "egress_timeout" }),
      egressTimeout,
    );
    return () => this.#clock.clearTimer(timer);
  }

  /** Sends, and answers with what became of it. */
  async #deliver(connection: FrameConnection, message: BusMessage): Promise<void> {
    const cancel = this.#limit(connection);
    let outcome: SendOutcome;
    try {
      outcome = await connection.deliver(message.payload);
    } catch (error) {
      return this.#undelivered(message, error);
    } finally {
      cancel();
    }
    if (outcome.status === "failed") {
      this.#tell(connection.id, outcome.error);
      return this.#undelivered(message, outcome.error);
    }
    this.#sent(connection.id);
    await this.#answer(message, { ok: outcome.status === "sent", result: outcome });
  }

  async #broadcast(message: BusMessage): Promise<void> {
    let timer: unknown;
    const { egressTimeout } = this.#settings;
    // Each peer's own policy decides for it; a slow one holds back the next message only so long.
    const late = new Promise<undefined>((resolve) => {
      if (egressTimeout !== Infinity) timer = this.#clock.setTimer(() => resolve(undefined), egressTimeout);
    });
    try {
      const report = this.#peers.broadcast(message.payload);
      this.#messagesSent++;
      const known = await Promise.race([report, late]);
      if (message.reply !== undefined) {
        await this.#answer(message, { ok: true, result: known ?? await report });
      }
    } catch (error) {
      await this.#undelivered(message, error);
    } finally {
      this.#clock.clearTimer(timer);
    }
  }

  /** A frame is counted as undelivered; one above the limit was never the connection's. */
  #tell(id: string, error: unknown): void {
    if (!(error instanceof LimitError)) this.#told.set(id, (this.#told.get(id) ?? 0) + 1);
  }

  /** A connection has ended: what it had accepted and never handed to the kernel is undelivered, and said once. */
  #lost({ connectionId, reason, framesUnsent, framesDropped }: TerminationRecord): void {
    const lost = framesUnsent + framesDropped - (this.#told.get(connectionId) ?? 0);
    this.#told.delete(connectionId);
    if (lost <= 0) return;
    this.#messagesUndelivered += lost;
    const error = `${lost} messages were queued on connection ${connectionId} and not sent before it ended`;
    this.#sparingly.warn("message not delivered", { connectionId, reason, error });
  }

  #undelivered(message: BusMessage, error: unknown): void | Promise<void> {
    this.#messagesUndelivered++;
    const reason = reasonOf(error);
    const text = error instanceof Error ? error.message : String(error);
    this.#sparingly.warn("message not delivered", { subject: message.subject, reason, error: text });
    const { deadLetter } = this.#settings.subjects;
    if (deadLetter !== undefined) {
      const wait = this.#bury(deadLetter, message, reason, text);
      if (wait !== undefined) {
        return wait.then(() => this.#answer(message, { ok: false, error: { reason, message: text } }));
      }
    }
    return this.#answer(message, { ok: false, error: { reason, message: text } });
  }

  /** Keeps a message that could not be delivered where somebody may look for it. */
  #bury(subject: string, { payload, metadata, subject: from }: BusMessage, reason: string, error: string) {
    const why = { ...metadata, subject: from, reason, error, endpoint: this.#settings.name };
    return this.#bus.publish({ subject, payload, metadata: why, encoding: this.#settings.encoding });
  }

  #answer(message: BusMessage, value: object): void | Promise<void> {
    if (message.reply === undefined) return;
    const payload = encoder.encode(JSON.stringify(value));
    return this.#bus.publish({ subject: message.reply, payload, metadata: nothing, encoding: "json" });
  }

  #sent(id: string): void {
    this.#messagesSent++;
    this.#owed.get(id)?.();
  }

  /** Waits until as many frames went out as came in, the connection ends, or `replyWait` is over. */
  #replies(connection: FrameConnection): Promise<void> | undefined {
    const { replyWait } = this.#settings;
    const owed = (): boolean => {
      const { framesReceived, framesSent, outboxBytes } = connection.stats();
      return outboxBytes === 0 && framesSent < framesReceived;
    };
    if (replyWait === 0 || !owed()) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#clock.clearTimer(timer);
        this.#owed.delete(connection.id);
        resolve();
      };
      const timer = this.#clock.setTimer(done, replyWait);
      this.#owed.set(connection.id, () => {
        void connection.flush().then(() => owed() || done(), done);
      });
      void connection.closed.then(done);
    });
  }
}

/** It accepts no frames any more. */
function isOver({ state }: FrameConnection): boolean {
  return state === "closing" || state === "closed";
}

/** The word for a program: the error's own reason, or its class. */
function reasonOf(error: unknown): string {
  if (!(error instanceof MillraceError)) return "failed";
  const { reason } = error as { reason?: unknown };
  return typeof reason === "string" ? reason : error._tag;
}
