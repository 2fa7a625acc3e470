/**
 * Messages into a stream of JetStream, stored once and in order: the window, the wire under it, and what is asked after an
 * outage.
 *
 * Used by `jetstream_bus.ts`. Each message is published with a reply subject that ends with its number, so that one
 * subscription hears all acknowledgements.
 * https://docs.nats.io/reference/reference-protocols/nats_api_reference#publishing-to-a-stream
 */
import type { JetStreamManager } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import type { Clock } from "../../../core/time/clock.ts";
import { BusError, closedError } from "../../errors.ts";
import type { BusMessage, PublishObserver } from "../bus.ts";
import type { PendingLimits } from "../pending_limits.ts";
import { PublishWindow, type Sending, type WindowOwner } from "../publish_window.ts";
import { headersOf, replyHeader } from "./message_headers.ts";
import type { LinkWatcher, NatsLink } from "./nats_link.ts";
import type { Stream } from "./stream.ts";

/** The header by which a stream knows a message again. */
const idHeader = "Nats-Msg-Id";
/** The duplicate window is measured by another clock than ours, so it counts as over that much sooner, in ms. */
const marginMs = 1_000;
/** Questions to the server at a time. */
const questionsAtOnce = 64;
/** The server's codes for what no attempt changes: the message is too large for the stream, or its header is malformed. */
const permanent: ReadonlySet<number> = new Set([10054, 10097]);

const decoder = new TextDecoder();

/** The way into one stream. */
export class Ingest implements WindowOwner, LinkWatcher {
  readonly clock: Clock;
  readonly #link: NatsLink;
  readonly #stream: Stream;
  readonly #manager: JetStreamManager;
  readonly #window: PublishWindow;
  readonly #inbox: string;
  readonly #name: string;
  #unnamed = 0;

  constructor(link: NatsLink, stream: Stream, manager: JetStreamManager, limits: PendingLimits) {
    this.clock = link.clock;
    this.#link = link;
    this.#stream = stream;
    this.#manager = manager;
    this.#window = new PublishWindow(this, limits);
    this.#inbox = link.library.createInbox();
    this.#name = this.#inbox.slice(this.#inbox.lastIndexOf(".") + 1);
    link.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message);
      },
    });
    link.watch(this);
  }

  /** Messages stored, those among them that were stored before, stops, and messages that are not confirmed. */
  get counts(): Pick<PublishWindow, "stored" | "duplicates" | "stops" | "size"> {
    return this.#window;
  }

  publish(message: BusMessage, observer: PublishObserver | undefined): void | Promise<void> {
    const id = message.metadata["conn.id"];
    // One that has no place on a connection is known by its place here.
    const own = id === undefined || message.seq === undefined
      ? `${this.#name}.${++this.#unnamed}`
      : `${id}.${message.seq}`;
    return this.#window.push(message, own, observer);
  }

  /** The number of a connection's last message, where its subject is its own. */
  async lastStored(message: BusMessage): Promise<number | undefined> {
    if (!isOwnSubject(message)) return undefined;
    const id = await this.#lastId(message.subject);
    const prefix = `${message.metadata["conn.id"]}.`;
    return id?.startsWith(prefix) ? Number(id.slice(prefix.length)) : undefined;
  }

  idle(): Promise<void> {
    return this.#window.idle();
  }

  close(): void {
    this.#window.close(closedError("publish"));
  }

  // What the window asks for.

  send({ message, id, number }: Sending): void {
    const { connection, library } = this.#link;
    const headers = headersOf(library, message) ?? library.headers();
    headers.set(idHeader, id);
    if (message.reply !== undefined) headers.set(replyHeader, message.reply);
    try {
      connection.publish(message.subject, message.payload, { headers, reply: `${this.#inbox}.${number}` });
    } catch (cause) {
      // The library throws for what it would never send, such as a payload above the server's limit.
      throw new BusError("rejected", `publish to ${message.subject}: ${(cause as Error).message}`, { cause });
    }
  }

  async stored(unconfirmed: readonly Sending[], sentForMs: number): Promise<ReadonlySet<number>> {
    const known = new Set<number>();
    // As long as the stream knows their ids, sending them again does no harm.
    if (sentForMs < this.#stream.duplicateWindowMs - marginMs) return known;
    const bySubject = new Map<string, Sending[]>();
    let shared = 0;
    for (const sending of unconfirmed) {
      const { subject } = sending.message;
      const others = bySubject.get(subject);
      if (!isOwnSubject(sending.message)) shared++;
      else if (others === undefined) bySubject.set(subject, [sending]);
      else others.push(sending);
    }
    if (shared > 0) {
      this.#link.log({
        level: "warn",
        message: "messages may be stored twice: the outage was longer than the stream's duplicate window",
        fields: { messages: shared, stream: this.#stream.name, hint: "put {conn.id} into the subject" },
      });
    }
    const questions = [...bySubject];
    for (let at = 0; at < questions.length; at += questionsAtOnce) {
      await Promise.all(
        questions.slice(at, at + questionsAtOnce).map(async ([subject, sendings]) => {
          const last = await this.#lastId(subject);
          const end = last === undefined ? -1 : sendings.findLastIndex(({ id }) => id === last);
          for (const { number } of sendings.slice(0, end + 1)) known.add(number);
        }),
      );
    }
    return known;
  }

  stopped(error: BusError): void {
    const fields = { error: error.message, unconfirmed: this.#window.size };
    this.#link.log({ level: "warn", message: "publishing stopped until the stream answers", fields });
  }

  resumed(): void {
    const fields = { unconfirmed: this.#window.size };
    this.#link.log({ level: "info", message: "publishing goes on", fields });
  }

  unanswered(ms: number): BusError {
    return new BusError(
      "timeout",
      `publish to stream ${this.#stream.name}: no acknowledgement within ${ms} ms`,
    );
  }

  // What the link tells.

  down(): void {
    this.#window.down(new BusError("disconnected", "publish: the server is gone"));
  }

  up(): void {
    this.#window.up();
  }

  #answered({ subject, headers, data }: Msg): void {
    const number = Number(subject.slice(this.#inbox.length + 1));
    if (headers?.code === 503) {
      const text = `no stream takes the subject, or JetStream is not enabled on the server`;
      return this.#window.fail(number, new BusError("no_responders", `publish: ${text}`), false);
    }
    let answer: { error?: { err_code?: number; description?: string }; duplicate?: boolean };
    try {
      answer = JSON.parse(decoder.decode(data));
    } catch (cause) {
      const error = new BusError("disconnected", "publish: the acknowledgement is not JSON", { cause });
      return this.#window.fail(number, error, false);
    }
    const { error } = answer;
    if (error === undefined) return this.#window.confirm(number, answer.duplicate === true);
    const text = `publish to stream ${this.#stream.name}: ${error.description ?? "refused"}`;
    const forEver = permanent.has(error.err_code ?? 0);
    this.#window.fail(number, new BusError(forEver ? "rejected" : "disconnected", text), forEver);
  }

  /** The id of the last message that is stored under this subject. */
  async #lastId(subject: string): Promise<string | undefined> {
    const last = await this.#manager.streams.getMessage(this.#stream.name, { last_by_subj: subject });
    return last?.header?.get(idHeader);
  }
}

/** Its subject is that of its connection alone, so that the last message there is the connection's last. */
function isOwnSubject({ subject, metadata }: BusMessage): boolean {
  const id = metadata["conn.id"];
  return id !== undefined && subject.split(".").includes(id);
}
