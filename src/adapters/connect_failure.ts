/**
 * Why connecting failed, where the runtime names the wrong reason for want of descriptors.
 *
 * Used by the adapters. Without one a name cannot be looked up, which every runtime tells as a name that is not there,
 * and Bun calls it `ECONNREFUSED` when there is none for the socket.
 */
import { addressText } from "../core/text/place.ts";
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { type SocketError, socketErrorFrom, type SocketErrorReason } from "../core/errors.ts";
import type { Address } from "../core/transport.ts";

/** What the want of descriptors is told as. */
const doubtful: ReadonlySet<SocketErrorReason> = new Set(["refused", "host_not_found", "unknown"]);

/** The typed error of an attempt. `typed` translates the runtime's own. */
export function connectError(
  cause: unknown,
  address: Address,
  typed: typeof socketErrorFrom = socketErrorFrom,
): SocketError {
  const action = `connect to ${addressText(address)}`;
  const error = typed(cause, action);
  if (!doubtful.has(error.reason)) return error;
  const code = shortOfFiles();
  if (code === undefined) return error;
  const message = `${code}, no file descriptor is left for it`;
  return socketErrorFrom(Object.assign(new Error(message, { cause }), { code }), action);
}

/** Whether this process can open nothing more, found by trying; undefined also where it may open no files. */
function shortOfFiles(): "EMFILE" | "ENFILE" | undefined {
  try {
    closeSync(openSync(devNull, "r"));
    return undefined;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return code === "EMFILE" || code === "ENFILE" ? code : undefined;
  }
}
