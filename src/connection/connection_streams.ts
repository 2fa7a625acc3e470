/**
 * The two directions of a connection as Web Streams, which settle or fail as the connection does.
 *
 * Made by `session_connection.ts` when they are asked for. A stream hears of the end from the connection and not only when
 * they are read or written: a stream that is piped into a connection that has ended must be cancelled.
 */
import type { Unshared } from "../core/bytes/byte_chunk.ts";
import type { MillraceError } from "../core/errors.ts";
import { type InboxSource, oneFrame } from "../core/flow/inbox.ts";

/** Where frames come from. */
interface Receiving<Received> extends InboxSource<Received> {
  readonly delivery: InboxSource<Received>["delivery"] & { readonly waiting: boolean };
}

/** Where frames go. */
interface Sending<Sent> {
  readonly life: {
    end(): void;
    /** Calls back, once, when nothing can be sent any more, with what a send fails with. */
    onMute(listener: (error: () => MillraceError) => void): void;
  };
  send(frame: Sent): void | Promise<void>;
  whenFlushed(): Promise<void>;
}

/** Received frames; `closed` resolves when the connection is over, `close` is called when nobody wants more. */
export function readableOf<Received>(
  session: Receiving<Received>,
  closed: Promise<unknown>,
  close: () => void,
): ReadableStream<Unshared<Received>> {
  const source = new FrameSource(session, close);
  const readable = new ReadableStream<Unshared<Received>>(source, { highWaterMark: 0 });
  void closed.then(() => source.connectionClosed());
  return readable;
}

class FrameSource<Received> implements UnderlyingDefaultSource<Unshared<Received>> {
  readonly #session: Receiving<Received>;
  readonly #close: () => void;
  #controller: ReadableStreamDefaultController<Unshared<Received>> | undefined = undefined;
  #pulling = false;
  #closed = false;
  #over = false;

  constructor(session: Receiving<Received>, close: () => void) {
    this.#session = session;
    this.#close = close;
  }

  start(controller: ReadableStreamDefaultController<Unshared<Received>>): void {
    this.#controller = controller;
  }

  async pull(): Promise<void> {
    this.#pulling = true;
    await this.#pass();
    this.#pulling = false;
    if (this.#closed) this.connectionClosed();
  }

  cancel(): void {
    this.#over = true;
    this.#close();
  }

  /** Nobody need ask for what can no longer come: with the last frame taken, the stream ends by itself. */
  connectionClosed(): void {
    this.#closed = true;
    if (!this.#over && !this.#pulling && !this.#session.delivery.waiting) void this.#pass();
  }

  async #pass(): Promise<void> {
    try {
      const { value, done } = await this.#session.read(oneFrame<Received>);
      if (this.#over) return;
      if (!done) return this.#controller?.enqueue(value as Unshared<Received>);
      this.#over = true;
      this.#controller?.close();
    } catch (error) {
      if (this.#over) return;
      this.#over = true;
      this.#controller?.error(error);
    }
  }
}

/** Frames to send; `abort` drops the connection. */
export function writableOf<Sent>(session: Sending<Sent>, abort: () => void): WritableStream<Sent> {
  const { life } = session;
  let ending = false;
  return new WritableStream<Sent>({
    start(controller) {
      // At once: the sink's own `abort` is called only when the write under way is done, and the peer may take nothing.
      controller.signal.addEventListener("abort", abort);
      // One that closes or aborts itself knows already.
      life.onMute((error) => {
        if (!ending && !controller.signal.aborted) controller.error(error());
      });
    },
    write: (frame) => session.send(frame),
    async close() {
      await session.whenFlushed();
      ending = true;
      life.end();
    },
  }, { highWaterMark: 1 });
}
