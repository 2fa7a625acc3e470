/**
 * The loop over the frames of one connection after the other. Each connection keeps its own frames, so that whoever does
 * not take them stops the reading of that one; a loop goes to the next when it has heard of the end.
 */
import type { Session } from "../../connection/session.ts";
import type { Inbox } from "../../core/flow/inbox.ts";

type Read<Value> = IteratorResult<Value, undefined>;
type Take<Received, Value> = (inbox: Inbox<Received>) => Promise<Read<Value>>;
/** A connection whose frames are read. */
type Source<Received> = Pick<Session<Received, never, never>, "read" | "delivery" | "record" | "released">;

/** The connections whose frames have not all been taken, in order. */
export class FramesAcross<Received> {
  /** Frames of ended connections that were dropped. */
  unhandled = 0;
  /** The end, with what a loop throws then, once. */
  #over: { error: unknown } | undefined = undefined;
  #sources: Source<Received>[] = [];
  #reader: object | undefined = undefined;
  #loops = 0;
  #changed: (() => void)[] = [];

  get source(): Source<Received> | undefined {
    return this.#sources[0];
  }

  /** A loop must take frames of ended connections before there may be another connection. */
  get crowded(): boolean {
    return this.#sources.length > 1 && this.#loops > 0;
  }

  add(source: Source<Received>): void {
    source.delivery.unlooped = this.#loops === 0;
    this.#sources.push(source);
    this.#tell();
  }

  /** A connection has ended: only one is kept whose frames nobody is about to take. */
  ended(source: Source<Received>): void {
    if (!source.delivery.waiting && !source.delivery.inbox.awaited) this.passed(source);
    while (this.#sources.length > 1 && this.#loops === 0) {
      const [oldest] = this.#sources.splice(0, 1);
      const { delivery } = oldest!;
      const before = delivery.unhandled;
      delivery.stop();
      this.unhandled += delivery.unhandled - before;
    }
  }

  /** The loop has taken all of it. */
  passed(source: Source<Received>): void {
    const at = this.#sources.indexOf(source);
    if (at < 0) return;
    this.#sources.splice(at, 1);
    this.#tell();
  }

  /** There will be no further connection. */
  end(error?: unknown): void {
    this.#over = { error };
    this.#tell();
  }

  iterate<Value>(take: Take<Received, Value>): AsyncIterator<Value, undefined> {
    let left = false;
    let open = false;
    /** The wait that `return` ends. */
    let withdraw: (() => void) | undefined = undefined;
    const enter = (entered: boolean): void => {
      if (open === entered) return;
      open = entered;
      this.#loops += entered ? 1 : -1;
      for (const source of this.#sources) {
        source.delivery.unlooped = this.#loops === 0;
        // Its peer may have ended while the loop was there.
        if (this.#loops === 0 && source.record === undefined) source.released();
      }
      this.#tell();
    };
    const step = async (): Promise<Read<Value>> => {
      while (!left) {
        const { source } = this;
        if (source !== undefined) {
          const reading = source.read(take);
          withdraw = () => source.delivery.inbox.withdraw(reading);
          // How a connection ends is told elsewhere; a second reader is a mistake of this program.
          const read: Read<Value> | void = await reading.catch((error: unknown) => {
            if (error instanceof TypeError) throw error;
          });
          if (read !== undefined && !read.done) return read;
          if (!left) this.passed(source);
        } else if (this.#over !== undefined) {
          const { error } = this.#over;
          this.#over.error = undefined;
          if (error !== undefined) throw error;
          break;
        } else {
          await new Promise<void>((resolve) => {
            withdraw = resolve;
            this.#changed.push(resolve);
          });
        }
      }
      enter(false);
      return { value: undefined, done: true };
    };
    const next = (): Promise<Read<Value>> => {
      const inbox = this.source?.delivery.inbox;
      if (this.#reader !== undefined) {
        return Promise.reject(
          new TypeError("read a frame: another read is waiting; use one reader at a time"),
        );
      }
      enter(!left);
      // What is there is taken without further ado.
      if (inbox !== undefined && inbox.length > 0 && !inbox.over && !left) return take(inbox);
      const reader = this.#reader = {};
      const over = (): void => void (this.#reader === reader && (this.#reader = undefined));
      const reading = step();
      reading.then(over, over);
      return reading;
    };
    return {
      next,
      return: () => {
        left = true;
        enter(false);
        this.#reader = undefined;
        withdraw?.();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  /** Calls back, once, when connections or loops have changed. */
  whenChanged(changed: () => void): () => void {
    this.#changed.push(changed);
    return () => {
      this.#changed = this.#changed.filter((other) => other !== changed);
    };
  }

  #tell(): void {
    const changed = this.#changed;
    this.#changed = [];
    changed.forEach((tell) => tell());
  }
}
