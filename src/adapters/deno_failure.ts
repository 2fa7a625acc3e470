/**
 * Deno's errors as those of this package.
 *
 * Used for its own sockets and for those of its `node:net`.
 */
import { SocketError, socketErrorFrom } from "../core/errors.ts";

/** The slice of Deno that is used here. */
declare const Deno: { readonly errors: { readonly NotCapable: new () => Error } };

/** The typed error for one of Deno's. */
export function denoError(cause: unknown, action: string): SocketError {
  // A missing permission comes without a code.
  if (cause instanceof Deno.errors.NotCapable) {
    return new SocketError("permission_denied", `${action}: ${cause.message}`, { cause });
  }
  return socketErrorFrom(cause, action);
}
