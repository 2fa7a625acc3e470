/**
 * What happened on the virtual network, for the message of a test that failed.
 *
 * Written by its wires. Bounded, so that a long soak keeps the end of the story.
 */

/** One event of the network. */
export interface NetworkEvent {
  /** Time in milliseconds of the network's clock. */
  readonly at: number;
  /** Number of the connection, from 1; 0 for an event of a whole link. */
  readonly connection: number;
  /** Name of the machine that sends. */
  readonly from: string;
  /** Name of the machine that receives. */
  readonly to: string;
  /** What arrived, or which fault struck. */
  readonly what:
    | "connect"
    | "connected"
    | "refused"
    | "data"
    | "end"
    | "reset"
    | "fault: reset"
    | "fault: fin"
    | "fault: stall"
    | "partition"
    | "heal";
  /** Number of bytes, for `data`. */
  readonly bytes?: number | undefined;
}

/** The last events of a network. */
export class NetworkLog {
  readonly #size: number;
  #events: NetworkEvent[] = [];
  #dropped = 0;

  constructor(size: number) {
    if (!(size >= 1)) throw new RangeError(`keep a log: found logSize ${size}, expected 1 or more`);
    this.#size = size;
  }

  add(event: NetworkEvent): void {
    this.#events.push(event);
    if (this.#events.length < 2 * this.#size) return;
    this.#dropped += this.#events.length - this.#size;
    this.#events = this.#events.slice(-this.#size);
  }

  /** Oldest first. */
  get events(): readonly NetworkEvent[] {
    return this.#events.slice(-this.#size);
  }

  /** The last events, a line each. */
  text(last: number): string {
    const shown = this.events.slice(-last);
    const earlier = this.#dropped + this.#events.length - shown.length;
    const lines = shown.map(lineOf);
    return (earlier > 0 ? [`(${earlier} earlier events)`, ...lines] : lines).join("\n");
  }
}

function lineOf({ at, connection, from, to, what, bytes }: NetworkEvent): string {
  const which = connection === 0 ? "" : ` #${connection}`;
  return `${at} ms${which} ${from} -> ${to}: ${what}${bytes === undefined ? "" : ` of ${bytes} bytes`}`;
}
