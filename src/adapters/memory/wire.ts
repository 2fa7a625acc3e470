/**
 * What travels between the two ends of a connection in memory, and the plainest wire for it.
 *
 * Used by `memory/adapter.ts`; the virtual network of the test kit brings wires of its own.
 */
import type { Clock } from "../../core/time/clock.ts";

/** One piece of a connection's traffic in one direction. */
export type Segment =
  /** Asks for a connection. */
  | { readonly kind: "open" }
  /** Grants it. */
  | { readonly kind: "opened" }
  /** Nobody listens. */
  | { readonly kind: "refused" }
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  /** The receiver has read this many bytes, so there is room for as many more. */
  | { readonly kind: "window"; readonly size: number }
  | { readonly kind: "fin" }
  | { readonly kind: "reset" };

/** One direction of one connection. */
export interface Wire {
  /** Takes a segment; it arrives later, never from inside this call, and behind those sent before. */
  send(segment: Segment): void;
  /** How many bytes the sender may have out, unread. @default the network's `bufferSize` */
  readonly window?: number | undefined;
}

/** Which direction of which connection a wire serves. */
export interface Route {
  /** Counts connections from 1, in the order in which they were asked for. */
  readonly connection: number;
  /** The host that sends. */
  readonly from: string;
  /** The host that receives. */
  readonly to: string;
  /** The port, or path, that was dialled. */
  readonly service: string;
  /** True for the direction from the listener to the dialler. */
  readonly reply: boolean;
}

/** Makes one direction of a connection; `arrive` takes what comes out at its far end. */
export type WireMaker = (route: Route, arrive: (segment: Segment) => void) => Wire;

interface Arrival {
  readonly arrive: (segment: Segment) => void;
  readonly segment: Segment;
}

/** Wires that deliver at the end of the turn, in the order of sending, whichever the connection. */
export function turnWires(clock: Clock): WireMaker {
  let waiting: Arrival[] = [];
  let scheduled = false;
  const schedule = (): void => {
    if (scheduled || waiting.length === 0) return;
    scheduled = true;
    clock.endOfTurn(run);
  };
  const run = (): void => {
    const batch = waiting;
    waiting = [];
    let done = 0;
    try {
      while (done < batch.length) {
        const { arrive, segment } = batch[done++]!;
        arrive(segment);
      }
    } finally {
      // One that threw is a bug, which surfaces; the others still get what is theirs.
      if (done < batch.length) waiting = [...batch.slice(done), ...waiting];
      scheduled = false;
      schedule();
    }
  };
  return (_route, arrive) => ({
    send: (segment) => {
      waiting.push({ arrive, segment });
      schedule();
    },
  });
}
