/**
 * Errors of the gateway: a config that cannot be used, and a bus that cannot carry a message.
 *
 * Raised by the modules of this folder, shown by the commands. Errors of connections are those of the core.
 */
import { MillraceError, SocketError } from "../core/errors.ts";
import type { ConfigFault } from "./config/fault.ts";
import { formatFaults } from "./config/fault.ts";

/** The configuration has faults; the error has all of them. */
export class ConfigError extends MillraceError {
  /** For `Effect.catchTag`. */
  readonly _tag = "ConfigError";
  /** Where the text came from, such as a file name; undefined for a value passed by code. */
  readonly source: string | undefined;
  /** The faults, in the order of the text if it is known. */
  readonly faults: readonly ConfigFault[];
  /** The message has one line for each fault. */
  constructor(faults: readonly ConfigFault[], source?: string, options?: ErrorOptions) {
    super(formatFaults(faults, source), options);
    this.faults = faults;
    this.source = source;
  }
}

/** Why a bus operation failed. */
export type BusErrorReason =
  /** The bus was closed. */
  | "closed"
  /** A subject or pattern is not valid. */
  | "invalid_subject"
  /** The subject of a request has no subscriber. */
  | "no_responders"
  /** A request got no reply in time. */
  | "timeout"
  /** The other side of the bus is gone, for example the reader of standard output. */
  | "disconnected"
  /** The server, or its stream, does not take this message. */
  | "rejected"
  /** A package that the bus needs is not installed. */
  | "not_installed";

/** A bus operation failed. */
export class BusError extends MillraceError {
  /** For `Effect.catchTag`. */
  readonly _tag = "BusError";
  /** Why it failed. */
  readonly reason: BusErrorReason;
  /** Takes a reason; public for your own bus implementations. */
  constructor(reason: BusErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Why a spool failed. */
export type SpoolErrorReason =
  /** Another process has the directory. */
  | "in_use"
  /** The directory cannot be made, read or written at the start. */
  | "unusable"
  /** It holds as many bytes as it may. */
  | "full"
  /** A frame is larger than half of what the spool may hold. */
  | "too_large"
  /** The disk takes no more. */
  | "not_written"
  /** Frames that were written cannot be read any more. */
  | "damaged"
  /** The gateway is stopping. */
  | "closed";

/** A spool failed. */
export class SpoolError extends MillraceError {
  /** For `Effect.catchTag`. */
  readonly _tag = "SpoolError";
  /** Why it failed. */
  readonly reason: SpoolErrorReason;
  /** The message says which directory. */
  constructor(reason: SpoolErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** What every operation of a closed bus fails with. */
export function closedError(action: string): BusError {
  return new BusError("closed", `${action}: the bus is closed`);
}

/** The same error, saying which part of the gateway it was. */
export function namedError(what: string, error: unknown): MillraceError {
  if (error instanceof SocketError) {
    return new SocketError(error.reason, `${what}: ${error.message}`, { cause: error });
  }
  if (error instanceof MillraceError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new SocketError("unknown", `${what}: ${text}`, { cause: error });
}
