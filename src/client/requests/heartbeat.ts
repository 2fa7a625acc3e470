/** Whether the peer of one connection is still there: asked when it is silent, and given up after so many silences. */
import type { TimerWheel } from "../../core/time/timer_wheel.ts";
import type { HeartbeatSettings } from "./request_settings.ts";

/** What is asked of the connection. */
interface Silent {
  readonly pipeline: { readonly bytesReceived: number; readonly gateReasons: number };
  readonly outbox: { readonly pending: number };
  readonly transport: { readonly taken: number };
  readonly vigil: { readonly lastRead: number };
}

/** What is asked and wanted of the exchange over it. */
interface Asking {
  /** Whether a heartbeat would be answered now: undefined where only the requests that are open can tell. */
  readonly canPing: boolean | undefined;
  ping(): void;
}

/** The silences of one connection. */
export class Heartbeat {
  readonly #settings: HeartbeatSettings<never, unknown>;
  readonly #session: Silent;
  readonly #wheel: TimerWheel;
  readonly #asking: Asking;
  #since: number;
  #received: number;
  #taken: number;
  #missed = 0;

  constructor(
    settings: HeartbeatSettings<never, unknown>,
    session: Silent,
    wheel: TimerWheel,
    asking: Asking,
  ) {
    this.#settings = settings;
    this.#session = session;
    this.#wheel = wheel;
    this.#asking = asking;
    this.#since = wheel.now;
    this.#received = session.pipeline.bytesReceived;
    this.#taken = session.transport.taken;
  }

  /** Silences since the peer last gave a sign of life. */
  get missed(): number {
    return this.#session.pipeline.bytesReceived === this.#received ? this.#missed : 0;
  }

  /** Milliseconds until the next look; undefined where the peer is given up. */
  look(now: number): number | undefined {
    const { interval, missed } = this.#settings;
    this.#listen(now);
    const { canPing } = this.#asking;
    // Silence of our own, or one that the time limits of the open requests are for.
    if (this.#session.pipeline.gateReasons !== 0 || canPing === undefined) this.#since = now;
    const left = this.#wheel.left(this.#since, interval, now);
    if (left > 0) return left;
    if (this.#missed >= missed) return undefined;
    this.#missed++;
    this.#since = now;
    if (canPing) this.#asking.ping();
    return this.#wheel.left(now, interval, now);
  }

  /** What the peer takes while something waits for it is a sign of life as well. */
  #listen(now: number): void {
    const { pipeline: { bytesReceived }, outbox, transport: { taken }, vigil } = this.#session;
    const took = taken !== this.#taken && outbox.pending > 0;
    if (bytesReceived !== this.#received) this.#since = Math.max(this.#since, vigil.lastRead);
    if (took) this.#since = now;
    if (took || bytesReceived !== this.#received) this.#missed = 0;
    this.#received = bytesReceived;
    this.#taken = taken;
  }
}
