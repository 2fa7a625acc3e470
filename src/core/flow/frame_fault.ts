/** The errors for what cannot be cut that are not the framing's own. Used by `pipeline.ts`. */
import { FrameError, type SocketError } from "../errors.ts";

/** The stream of `received` bytes is over, and `held` of them are no whole frame. */
export function truncatedFault(how: string, held: number, received: number, cause?: SocketError): FrameError {
  const offset = received - held;
  const what = `cut a frame: ${how} ${held} bytes into the frame that begins at byte ${offset}`;
  return new FrameError("truncated", what, { offset }, cause && { cause });
}

/** A framing of the user's own may throw anything; the connection gets a `FrameError` in any case. */
export function frameFault(error: unknown, framing: string, offset: number): FrameError {
  if (error instanceof FrameError) return error;
  const what = `cut a frame: framing ${framing} threw ${String(error)}`;
  return new FrameError("malformed", what, { offset }, { cause: error });
}
