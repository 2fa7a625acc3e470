/**
 * The error of the draft. What has gone wrong is its `cause`, an error of Millrace.
 *
 * Made by `dialed_socket.ts` and `socket_settings.ts`.
 */
import { MillraceError } from "../core/errors.ts";

/** The error of WinterTC sockets: a `TypeError` whose message begins with `SocketError: `. */
export class SocketError extends TypeError {
  /** The cause is the error of Millrace behind it, if there is one, with its `reason`. */
  constructor(message: string, options?: ErrorOptions) {
    super(`SocketError: ${message}`, options);
  }
}

/** What went wrong, as the draft has it. */
export function socketErrorOf(cause: unknown): SocketError {
  if (cause instanceof SocketError) return cause;
  return new SocketError(cause instanceof MillraceError ? cause.message : String(cause), { cause });
}
