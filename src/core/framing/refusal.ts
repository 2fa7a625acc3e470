/**
 * Errors for frames that cannot be written: what the `encode` of every framing throws.
 *
 * Nothing was sent, so the offset, which counts inbound bytes, is 0.
 */
import { FrameError, type FrameErrorReason } from "../errors.ts";

/** The error for one outgoing frame. */
export function refusal(
  name: string,
  problem: string,
  reason: FrameErrorReason = "malformed",
  sizes: { readonly size?: number; readonly limit?: number } = {},
  options?: ErrorOptions,
): FrameError {
  return new FrameError(reason, `write a frame (${name}): ${problem}`, { offset: 0, ...sizes }, options);
}

/** The error for an outgoing frame over the limit of its framing for what is sent. */
export function overSent(name: string, size: number, limit: number): FrameError {
  const problem =
    `found a frame of ${size} bytes, over maxSentFrameBytes, ${limit}; raise it, or send less at a time`;
  return refusal(name, problem, "too_large", { size, limit });
}

/** Checks what a caller without types may have passed: a string copied as bytes would become zeros. */
export function requireBytes(name: string, frame: unknown): asserts frame is Uint8Array {
  if (frame instanceof Uint8Array) return;
  const advice = typeof frame === "string"
    ? '; encode it with TextEncoder, or use lines({ encoding: "utf-8" })'
    : "";
  throw refusal(name, `found ${frame === null ? "null" : typeof frame}, expected a Uint8Array${advice}`);
}

/** For a caller who has stopped a decoder with `false`, and does not go on with `resume`. */
export function restWaits(name: string): TypeError {
  return new TypeError(
    `cut a frame (${name}): the rest of the last chunk is waiting because next returned false; call resume first`,
  );
}
