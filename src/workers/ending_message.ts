/** Why a connection ends, on its way from one thread to the other, where errors lose their classes. */
import {
  FrameError,
  IdleTimeoutError,
  LimitError,
  type MillraceError,
  SocketError,
  TimeoutError,
} from "../core/errors.ts";
import type { Cause, CloseReason, Ending } from "../connection/termination.ts";

/** An error as data. */
interface ErrorMessage {
  readonly tag: string;
  readonly reason: string;
  readonly message: string;
  readonly limit: number | undefined;
  readonly offset: number;
  readonly size: number | undefined;
  readonly looksLike: string | undefined;
}

/** An ending as data. */
export interface EndingMessage {
  readonly reason: CloseReason;
  readonly by: "peer" | "local";
  readonly message: string | undefined;
  readonly code: string | undefined;
  readonly error: ErrorMessage | undefined;
}

/** As data. */
export function endingMessage({ reason, by, message, code, error }: Ending): EndingMessage {
  return { reason, by, message, code, error: error && errorMessage(error) };
}

/** As the cause that it was. */
export function causeOf({ reason, by, message, code, error }: EndingMessage): Cause {
  return [reason, by, error && errorOf(error), message, code];
}

function errorMessage(error: MillraceError): ErrorMessage {
  const { reason, limit, offset, size, looksLike } = error as Partial<FrameError> & {
    readonly reason?: string;
  };
  return {
    tag: error._tag,
    reason: String(reason),
    message: error.message,
    limit,
    offset: offset ?? 0,
    size,
    looksLike,
  };
}

function errorOf({ tag, reason, message, limit = 0, offset, size, looksLike }: ErrorMessage): MillraceError {
  if (tag === "FrameError") {
    return new FrameError(reason as FrameError["reason"], message, { offset, limit, size, looksLike });
  }
  if (tag === "LimitError") return new LimitError(reason as LimitError["reason"], limit, message);
  if (tag === "IdleTimeoutError" || tag === "TimeoutError") {
    const Timeout = tag === "TimeoutError" ? TimeoutError : IdleTimeoutError;
    const error = new Timeout(reason as TimeoutError["reason"], limit, message);
    error.looksLike = looksLike;
    return error;
  }
  return new SocketError(tag === "SocketError" ? reason as SocketError["reason"] : "unknown", message);
}
