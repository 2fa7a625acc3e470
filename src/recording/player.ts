/**
 * The client of a recorded connection at work: what it sent goes out again in the same chunks, each behind the answers that
 * it followed, and no sooner than in the recording.
 *
 * Used by `replay.ts`, which makes the transport. Judges nothing.
 */
import type { SocketError } from "../core/errors.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Transport, TransportEvents } from "../core/transport.ts";
import type { Comparison } from "./comparison.ts";
import type { RecordedEvent } from "./recording.ts";

/** How it is played. */
interface Pace {
  readonly clock: Clock;
  /** How many times as fast as it was recorded; `Infinity` for no pauses. */
  readonly speed: number;
  /** How long nothing may happen while something is waited for, in ms. */
  readonly wait: number;
  /** The next step, to be told how far it is: at each event, and now and then in a long pause. */
  readonly progress: (() => void) | undefined;
  readonly chunk: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
}

/** A person who waits wants to see that it goes on. */
const progressMs = 250;

/** One connection that is played. */
export class Player implements TransportEvents {
  sentBytes = 0;
  sentChunks = 0;
  /** Everything that was to be sent has been. */
  sentAll = false;
  peerEnded = false;
  closed = false;
  error: SocketError | undefined = undefined;
  readonly #transport: Transport;
  readonly #comparison: Comparison;
  readonly #pace: Pace;
  #blocked = false;
  #stopped = false;
  #lastReceived = 0;
  #wake: () => void = () => {};

  constructor(transport: Transport, comparison: Comparison, pace: Pace) {
    this.#transport = transport;
    this.#comparison = comparison;
    this.#pace = pace;
  }

  data(chunk: Uint8Array): boolean {
    this.#lastReceived = this.#pace.clock.now();
    this.#comparison.take(chunk);
    const slow = this.#pace.chunk?.(chunk);
    this.#wake();
    if (slow === undefined) return true;
    const resume = (): void => this.#transport.resume();
    slow.then(resume, resume);
    return false;
  }

  drain(): void {
    this.#blocked = false;
    this.#wake();
  }

  end(): void {
    this.peerEnded = true;
    this.#lastReceived = this.#pace.clock.now();
    this.#wake();
  }

  close(error?: SocketError): void {
    this.closed = true;
    this.error = error;
    this.#wake();
  }

  /** Ends it now. */
  stop(): void {
    this.#stopped = true;
    this.#transport.abort();
    this.#wake();
  }

  /** Plays these events, which begin `at`; resolves when all was exchanged, or cannot be any more. */
  async play(events: readonly RecordedEvent[], at: number): Promise<void> {
    const { clock, speed } = this.#pace;
    if (this.#stopped) return;
    this.#transport.start(this);
    let [recordedAt, playedAt] = [at, clock.now()];
    let expected = 0;
    let end = false;
    let answered = false;
    for (const event of events) {
      if (event.from === "server") {
        expected += event.bytes?.length ?? 0;
        end ||= event.event !== undefined;
        recordedAt = event.at;
        answered = true;
        continue;
      }
      if (answered && !await this.#answered(expected, end)) return;
      if (answered) playedAt = Math.max(playedAt, this.#lastReceived);
      answered = false;
      await this.#pause(playedAt + (event.at - recordedAt) / speed);
      if (this.closed || this.#stopped || !await this.#act(event)) return;
      [recordedAt, playedAt] = [event.at, clock.now()];
      this.#pace.progress?.();
    }
    this.sentAll = true;
    await this.#answered(expected, end);
  }

  /** Lets go: FIN, unless it was sent, and a wait for the other side. */
  async leave(): Promise<void> {
    if (!this.closed) this.#transport.end();
    await this.#until(() => this.closed);
    if (!this.closed) this.#transport.abort();
  }

  /** False when the other side does not take it. */
  async #act(event: RecordedEvent): Promise<boolean> {
    if (event.bytes === undefined) {
      if (event.event === "end") this.#transport.end();
      else this.#transport.abort();
    } else {
      this.#blocked = true;
      // The memory is the recording's, which never changes.
      if (this.#transport.write(event.bytes)) this.#blocked = false;
      if (!await this.#until(() => !this.#blocked)) return false;
      this.sentBytes += event.bytes.length;
      this.sentChunks++;
    }
    return true;
  }

  #answered(bytes: number, end: boolean): Promise<boolean> {
    const over = (): boolean => !end || this.peerEnded || this.closed;
    return this.#until(() => this.#comparison.receivedBytes >= bytes && over());
  }

  /** Waits for this; false when nothing moved for the time of a wait, or nothing can any more. */
  async #until(holds: () => boolean): Promise<boolean> {
    let before = this.#moved;
    while (!holds() && !this.closed && !this.#stopped) {
      const woken = await this.#sleep(this.#pace.wait);
      if (!woken && this.#moved === before) break;
      before = this.#moved;
    }
    return holds();
  }

  get #moved(): number {
    return this.#comparison.receivedBytes + this.#transport.taken;
  }

  async #pause(until: number): Promise<void> {
    const { clock, speed, progress } = this.#pace;
    if (speed === Infinity) return;
    for (
      let left = until - clock.now();
      left > 0 && !this.closed && !this.#stopped;
      left = until - clock.now()
    ) {
      await this.#sleep(progress === undefined ? left : Math.min(left, progressMs));
      progress?.();
    }
  }

  /** False when the time is over before anything has happened. */
  #sleep(ms: number): Promise<boolean> {
    const { clock } = this.#pace;
    return new Promise((resolve) => {
      const timer = clock.setTimer(() => resolve(false), ms);
      this.#wake = () => {
        clock.clearTimer(timer);
        resolve(true);
      };
    });
  }
}
