/** A frame of the spool on its way to the bus. Made by `forwarder.ts`. */
import type { BusMessage } from "../buses/bus.ts";
import type { PayloadEncoding } from "../payload.ts";
import type { Segment } from "./segments.ts";

/** What frames of one connection have in common, as a segment has it. */
export interface FrameContext {
  readonly subject: string;
  readonly reply?: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly encoding?: PayloadEncoding | undefined;
}

/** A context, and what the forwarder knows of it. */
export interface KnownContext extends FrameContext {
  /** The bus confirms what it has stored. */
  readonly stores: boolean;
  /** Frames up to this one are at the bus already. */
  readonly last: number;
}

/** One frame. What is not of a message is private: subscribers get the object itself. */
export class Outgoing implements BusMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  readonly reply: string | undefined;
  readonly seq: number | undefined;
  readonly received: number | undefined;
  readonly encoding: PayloadEncoding | undefined;
  readonly #number: number;
  readonly #segment: Segment;
  readonly #run: number;
  #done = false;

  constructor(context: KnownContext, number: number, segment: Segment, payload: Uint8Array, times: {
    readonly seq: number;
    readonly received: number;
    /** Which attempt to send. */
    readonly run: number;
  }) {
    this.subject = context.subject;
    this.payload = payload;
    this.metadata = context.metadata;
    this.reply = context.reply;
    this.encoding = context.encoding;
    this.seq = Number.isNaN(times.seq) ? undefined : times.seq;
    this.received = Number.isNaN(times.received) ? undefined : times.received;
    this.#number = number;
    this.#segment = segment;
    this.#run = times.run;
  }

  static number(frame: Outgoing): number {
    return frame.#number;
  }

  static segment(frame: Outgoing): Segment {
    return frame.#segment;
  }

  static isDone(frame: Outgoing): boolean {
    return frame.#done;
  }

  /** False where it was done with already, or belongs to another attempt. */
  static finish(frame: Outgoing, run: number): boolean {
    if (frame.#done || frame.#run !== run) return false;
    return frame.#done = true;
  }
}
