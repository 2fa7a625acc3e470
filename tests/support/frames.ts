/**
 * Small things that tests of framings and connections share: text and hex digits as bytes, echo handlers, a promise with
 * its ends outside.
 */
import { ByteWriter } from "../../src/core/bytes/bytes.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { Framing } from "../../src/core/framing/framing.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Pairs of hex digits, with or without spaces. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(digits.replaceAll(" ", "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** These frames as the framing writes them. */
export function encoded(framing: Framing<unknown, Uint8Array>, frames: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter();
  for (const frame of frames) framing.encode(frame, writer);
  return writer.take();
}

export function text(data: Uint8Array): string {
  return decoder.decode(data);
}

/** Answers every frame with itself. */
export async function echo<Frame, Context>(connection: Connection<Frame, Frame, Context>): Promise<void> {
  for await (const frame of connection) await connection.send(frame);
}

/** A promise that a test settles when it likes. */
export class Gate<Value = void> {
  readonly promise: Promise<Value>;
  open!: (value: Value) => void;
  fail!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.open = resolve;
      this.fail = reject;
    });
  }
}

/** What a promise rejects with; fails when it resolves. */
export async function rejection(promise: Promise<unknown> | void): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was expected to reject, and it resolved");
}
