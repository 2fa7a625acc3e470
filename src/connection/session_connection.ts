/** What is behind a `Connection`: its methods over `session.ts`, which has the life. */
import type { Unshared } from "../core/bytes/byte_chunk.ts";
import type { Framing } from "../core/framing/framing.ts";
import type { SendOutcome } from "../core/flow/outcome.ts";
import type { Peer } from "../core/transport.ts";
import type { Connection, ConnectionState, ConnectionStats, ReframeOptions } from "./connection.ts";
import { readableOf, writableOf } from "./connection_streams.ts";
import { InboxReader, oneFrame, waitingFrames } from "../core/flow/inbox.ts";
import { reframe } from "./reframe.ts";
import { heldBytes } from "./memory_budget.ts";
import type { Session } from "./session.ts";
import type { TerminationRecord } from "./termination.ts";
import type { UpgradeOptions } from "./tls/options.ts";
import { upgrade } from "./tls/upgrade.ts";

/** A connection of a session. What its public members mean is said at `Connection`. */
export class SessionConnection<Received, Sent, Context> implements Connection<Received, Sent, Context> {
  readonly #session: Session<Received, Sent, Context>;
  #abort: AbortController | undefined = undefined;
  #closed: Promise<TerminationRecord> | undefined = undefined;
  #readable: ReadableStream<Unshared<Received>> | undefined = undefined;
  #writable: WritableStream<Sent> | undefined = undefined;
  context: Context = undefined as Context;

  constructor(session: Session<Received, Sent, Context>) {
    this.#session = session;
  }

  get id(): string {
    return this.#session.id;
  }

  get peer(): Peer {
    return this.#session.transport.peer;
  }

  get protocol(): string | undefined {
    return this.#session.profile.protocol;
  }

  get state(): ConnectionState {
    return this.#session.state;
  }

  get startedAt(): number {
    return this.#session.startedAt;
  }

  stats(): ConnectionStats {
    const { pipeline, outbox, delivery, ageMs } = this.#session;
    return {
      bytesReceived: pipeline.bytesReceived,
      bytesSent: outbox.bytesSent,
      framesReceived: pipeline.framesReceived,
      framesSent: outbox.framesSent,
      framesDropped: outbox.framesDropped,
      inboxFrames: delivery.inbox.length,
      outboxBytes: outbox.pending,
      heldBytes: heldBytes(this.#session),
      ageMs,
    };
  }

  [Symbol.asyncIterator](): AsyncIterator<Received, undefined> {
    return new InboxReader(this.#session, oneFrame);
  }

  batches(): AsyncIterable<Received[]> {
    const session = this.#session;
    return { [Symbol.asyncIterator]: () => new InboxReader(session, waitingFrames) };
  }

  send(frame: Sent): void | Promise<void> {
    return this.#session.send(frame);
  }

  deliver(frame: Sent): Promise<SendOutcome> {
    return new Promise((resolve) => void this.#session.send(frame, resolve));
  }

  flush(): Promise<void> {
    return this.#session.whenFlushed();
  }

  upgrade<NewReceived = Received, NewSent = NewReceived>(
    options: UpgradeOptions<NewReceived, NewSent>,
  ): Promise<Connection<NewReceived, NewSent, Context>> {
    const secured = upgrade(this.#session, options as unknown as UpgradeOptions<Received, Sent>)
      .then(() => this as unknown as Connection<NewReceived, NewSent, Context>);
    // A peer must not be able to end the process of a program that does not await.
    secured.catch(() => {});
    return secured;
  }

  reframe<NewReceived, NewSent = NewReceived>(
    framing: Framing<NewReceived, NewSent>,
    options?: ReframeOptions<NewReceived, NewSent, Context>,
  ): Connection<NewReceived, NewSent, Context> {
    reframe(this.#session as unknown as Session<NewReceived, NewSent, Context>, framing, options);
    return this as unknown as Connection<NewReceived, NewSent, Context>;
  }

  end(): void {
    this.#session.life.end();
  }

  close(message?: string): Promise<TerminationRecord> {
    this.#session.life.finish("closed", "local", undefined, message);
    return this.closed;
  }

  destroy(why?: { readonly reason?: string | undefined; readonly code?: string | undefined }): void {
    if (why === undefined) this.#session.life.destroy("aborted");
    else this.#session.life.destroy("killed", { message: why.reason, code: why.code });
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = this.#abort = new AbortController();
      this.#session.life.onSignal(() => abort.abort());
    }
    return this.#abort.signal;
  }

  get closed(): Promise<TerminationRecord> {
    const { record } = this.#session;
    return this.#closed ??= record !== undefined ? Promise.resolve(record) : new Promise((resolve) => {
      this.#session.tellRecord = resolve;
    });
  }

  get readable(): ReadableStream<Unshared<Received>> {
    return this.#readable ??= readableOf(this.#session, this.closed, () => void this.close());
  }

  get writable(): WritableStream<Sent> {
    return this.#writable ??= writableOf(this.#session, () => this.destroy());
  }

  /** What is behind a connection, for parts of ours that go further than its users; undefined for anything else. */
  static sessionOf(connection: unknown): Session<unknown, unknown, unknown> | undefined {
    const ours = typeof connection === "object" && connection !== null && #session in connection;
    return ours ? connection.#session as Session<unknown, unknown, unknown> : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
