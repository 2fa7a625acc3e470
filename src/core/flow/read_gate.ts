/**
 * Whether a connection reads: a set of reasons not to, and what goes on when the last is gone, the transport above all.
 *
 * The base of `pipeline.ts`. Knows no reason by name.
 */
import type { Gate, GateReason, ReadWitness } from "./pipeline_owner.ts";
import type { SilenceWatch } from "../time/silence_watch.ts";
import type { Transport } from "../transport.ts";

/** The gate of one transport. */
export abstract class ReadGate implements Gate {
  /** Why reading is stopped, as bits of `GateReason`; 0 while it is not. */
  gateReasons = 0;
  protected readonly watchdog: ReadWitness;
  /** Where the framing ends frames by silence. */
  protected silence: SilenceWatch | undefined = undefined;
  readonly #transport: Pick<Transport, "resume">;

  constructor(transport: Pick<Transport, "resume">, watchdog: ReadWitness) {
    this.#transport = transport;
    this.watchdog = watchdog;
  }

  closeGate(reason: GateReason): void {
    this.gateReasons |= reason;
  }

  openGate(reason: GateReason): void {
    const before = this.gateReasons;
    this.gateReasons = before & ~reason;
    if (before === 0 || this.gateReasons !== 0) return;
    this.watchdog.noteResumed();
    this.silence?.resumed();
    this.#transport.resume();
  }

  /** For the watch over silences: time in which nothing is read is none. */
  get paused(): boolean {
    return this.gateReasons !== 0;
  }
}
