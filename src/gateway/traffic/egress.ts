/**
 * Messages of the bus on their way to sockets, for one endpoint.
 *
 * A message names its connection, by the end of its subject or by metadata; what has no connection, or is not taken by
 * one, goes to `undelivered.ts`.
 */
import type { BroadcastReport } from "../../connection/broadcast.ts";
import { SocketError } from "../../core/errors.ts";
import type { SendOutcome } from "../../core/flow/outcome.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { ConfirmedSending } from "../acknowledge/confirmed_sending.ts";
import type { BusMessage } from "../buses/bus.ts";
import type { EndpointSettings } from "../config/endpoint_config.ts";
import type { FrameConnection } from "../endpoint.ts";
import type { EndpointCodec } from "../codecs/endpoint_codec.ts";
import type { Identities } from "../identity/identities.ts";
import type { OwedReplies } from "./owed_replies.ts";
import type { TrafficParts } from "./traffic_parts.ts";
import type { Undelivered } from "./undelivered.ts";

/** What the traffic needs of its endpoint. */
export interface TrafficPeers {
  readonly connections: ReadonlyMap<string, FrameConnection>;
  broadcast(frame: Uint8Array): Promise<BroadcastReport>;
  /** Ends a connection behind what it was sent and these words. */
  dismiss(
    id: string,
    why: { readonly reason: string; readonly code: string },
    lastWords: Uint8Array | undefined,
  ): void;
}

/** What stands for every connection in the place of a connection's id. */
const everyone = "*";
/** In the same place: the connection is that of another gateway. */
const elsewhere = Symbol("elsewhere");
/** In the same place: the device is not connected. */
const absent = Symbol("absent");

/** From the bus to sockets. */
export class Egress {
  readonly #settings: EndpointSettings;
  readonly #peers: TrafficPeers;
  readonly #clock: Clock;
  readonly #owed: OwedReplies;
  readonly #undelivered: Undelivered;
  readonly #identities: Identities | undefined;
  readonly #confirmed: ConfirmedSending | undefined;
  readonly #codec: EndpointCodec | undefined;
  #sent = 0;

  constructor(
    settings: EndpointSettings,
    peers: TrafficPeers,
    parts: Pick<TrafficParts, "clock" | "owed" | "undelivered" | "identities" | "confirmed" | "codec">,
  ) {
    this.#settings = settings;
    this.#peers = peers;
    this.#clock = parts.clock;
    this.#owed = parts.owed;
    this.#undelivered = parts.undelivered;
    this.#identities = parts.identities;
    this.#confirmed = parts.confirmed;
    this.#codec = parts.codec;
  }

  /** Messages that were passed to a connection, or to all. */
  get sent(): number {
    return this.#sent;
  }

  /** One message for a socket. A promise means that its peer is slow. */
  take(message: BusMessage): void | Promise<void> {
    const id = this.#target(message);
    if (id === elsewhere) return;
    if (id === absent) return this.#absent(message);
    if (id === everyone) return this.#broadcast(message);
    const connection = id === undefined ? undefined : this.#peers.connections.get(id);
    if (id === undefined || connection === undefined || isOver(connection)) {
      const why = id === undefined
        ? 'it has no connection in "conn.id" ("*" means all)'
        : "no such connection is open";
      const error = new SocketError("unknown_connection", `send to connection ${id ?? "?"}: ${why}`);
      return this.#undelivered.refuse(message, error);
    }
    try {
      const frame = this.#codec === undefined ? message.payload : this.#codec.encode(message, id);
      // A stored message is done with when the kernel has it.
      if (message.reply !== undefined || message.stored || this.#confirmed !== undefined) {
        return this.#deliver(connection, message, frame);
      }
      const wait = connection.send(frame);
      if (wait !== undefined) return this.#patiently(connection, wait, message);
      this.#sent++;
      return this.#owed.sent(id);
    } catch (error) {
      return this.#undelivered.refuse(message, error);
    }
  }

  #target(message: BusMessage): string | typeof elsewhere | typeof absent | undefined {
    const { subjects: { egress, direct }, node } = this.#settings;
    if (message.subject.length > egress.length) return message.subject.slice(direct.length + 1);
    const other = message.metadata["node"];
    if (node !== undefined && other !== undefined && other !== node) return elsewhere;
    const { "conn.id": id, identity } = message.metadata;
    if (id !== undefined || identity === undefined || this.#identities === undefined) return id;
    return this.#identities.find(identity)?.id ?? absent;
  }

  /** The device is not here; it may be at another gateway. */
  #absent(message: BusMessage): void | Promise<void> {
    if (this.#settings.identity?.unknown === "ignore") return;
    const text = `send to ${message.metadata["identity"]}: no connection with this identity is open`;
    return this.#undelivered.refuse(message, new SocketError("unknown_connection", text));
  }

  /** Waits for a slow peer, but not for ever: others are behind it. */
  #patiently(connection: FrameConnection, wait: Promise<void>, message: BusMessage): Promise<void> {
    const cancel = this.#limit(connection);
    this.#owed.sent(connection.id);
    return wait.then(() => {
      cancel();
      this.#sent++;
    }, (error: unknown) => {
      cancel();
      this.#undelivered.tell(connection.id, error);
      return this.#undelivered.refuse(message, error);
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
  async #deliver(connection: FrameConnection, message: BusMessage, payload: Uint8Array): Promise<void> {
    const send = (): Promise<SendOutcome> => this.#handOver(connection, payload);
    let outcome: SendOutcome;
    try {
      outcome = await (this.#confirmed?.deliver(connection, payload, send) ?? send());
    } catch (error) {
      return this.#undelivered.refuse(message, error);
    }
    if (outcome.status === "failed") return this.#undelivered.refuse(message, outcome.error);
    this.#sent++;
    this.#owed.sent(connection.id);
    await this.#undelivered.answer(message, { ok: outcome.status === "sent", result: outcome });
  }

  async #handOver(connection: FrameConnection, payload: Uint8Array): Promise<SendOutcome> {
    const cancel = this.#limit(connection);
    try {
      const outcome = await connection.deliver(payload);
      // At once: the connection may end in the same turn, and is told what of it is counted already.
      if (outcome.status === "failed") this.#undelivered.tell(connection.id, outcome.error);
      return outcome;
    } finally {
      cancel();
    }
  }

  async #broadcast(message: BusMessage): Promise<void> {
    let timer: unknown;
    const { egressTimeout } = this.#settings;
    // Each peer's own policy decides for it; a slow one holds back the next message only so long.
    const late = new Promise<undefined>((resolve) => {
      if (egressTimeout !== Infinity) timer = this.#clock.setTimer(() => resolve(undefined), egressTimeout);
    });
    try {
      const frame = this.#codec === undefined ? message.payload : this.#codec.encode(message, undefined);
      const report = this.#peers.broadcast(frame);
      this.#sent++;
      const known = await Promise.race([report, late]);
      if (message.reply !== undefined) {
        await this.#undelivered.answer(message, { ok: true, result: known ?? await report });
      }
    } catch (error) {
      await this.#undelivered.refuse(message, error);
    } finally {
      this.#clock.clearTimer(timer);
    }
  }
}

/** It accepts no frames any more. */
function isOver({ state }: FrameConnection): boolean {
  return state === "closing" || state === "closed";
}
