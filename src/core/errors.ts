/**
 * Every error that Millrace raises: few classes, each with a closed `reason` union.
 *
 * Called by all layers. Knows no runtime: adapters translate native errors with `socketErrorFrom`.
 * A message reads: the action that failed, a colon, what was found and what is wanted.
 */

import { reasonOf, type SocketErrorReason } from "./errno.ts";
import { counted } from "./text/counted.ts";

export type { SocketErrorReason } from "./errno.ts";

/** Base class of all errors of this package, for one `instanceof` check. */
export abstract class MillraceError extends Error {
  /** Discriminant, the same as the class name; works with Effect's `catchTag`. */
  abstract readonly _tag: string;
  /**
   * Id of the connection on which it happened, if there is one. Set by the connection, not by the code that throws.
   */
  connectionId: string | undefined = undefined;

  /** Takes the error that caused it as `cause`. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
  }

  /** The class name. */
  override get name(): string {
    return this._tag;
  }
}

/** The operating system or the peer closed, refused or broke a socket. `cause` is the runtime's own error. */
export class SocketError extends MillraceError {
  /** Discriminant, for `switch` and for `catchTag` of Effect. */
  readonly _tag = "SocketError";
  /** What happened. */
  readonly reason: SocketErrorReason;
  /** With the error of the runtime as `cause`. */
  constructor(reason: SocketErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Facts of a {@linkcode FrameError}. */
interface FrameErrorDetails {
  /** Byte offset in the connection's inbound stream at which the faulty frame starts. */
  readonly offset: number;
  /** The limit in force, in bytes, where one was passed. */
  readonly limit?: number | undefined;
  /** The size claimed or reached, in bytes, where known. */
  readonly size?: number | undefined;
  /** What the bytes look like instead, for example `"an HTTP request"`; set when the first frame fails. */
  readonly looksLike?: string | undefined;
}

/** The received bytes are not frames of the framing, a frame exceeds a limit, or a frame cannot be written. */
export class FrameError extends MillraceError {
  /** Discriminant, for `switch` and for `catchTag` of Effect. */
  readonly _tag = "FrameError";
  /** What is wrong with the frame. */
  readonly reason: "too_large" | "malformed" | "truncated" | "checksum";
  /** Byte offset in the connection's inbound stream at which the faulty frame starts. */
  readonly offset: number;
  /** The limit in force, in bytes, where one was passed. */
  readonly limit: number | undefined;
  /** The size claimed or reached, in bytes, where known. */
  readonly size: number | undefined;
  /** What the bytes look like instead, for example `"an HTTP request"`; set when the first frame fails. */
  looksLike: string | undefined;
  /** Takes where it happened, and the size of the frame. */
  constructor(reason: FrameErrorReason, message: string, details: FrameErrorDetails, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.offset = details.offset;
    this.limit = details.limit;
    this.size = details.size;
    this.looksLike = details.looksLike;
  }
}

/** Why bytes could not be cut into frames. */
export type FrameErrorReason = FrameError["reason"];

/** A limit was reached, either a default or one that the user set. */
export class LimitError extends MillraceError {
  /** Discriminant, for `switch` and for `catchTag` of Effect. */
  readonly _tag = "LimitError";
  /** Which limit it was. */
  readonly reason: "egress" | "waiting_sends" | "waiting_borrows" | "memory";
  /** The bound in force. */
  readonly limit: number;
  /** Takes the limit in force. */
  constructor(reason: LimitErrorReason, limit: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.limit = limit;
  }
}

/** Which bound was reached. */
type LimitErrorReason = LimitError["reason"];

/** An option is invalid, or this runtime does not support it. Thrown before any socket opens. */
export class OptionsError extends MillraceError {
  /** Discriminant, for `switch` and for `catchTag` of Effect. */
  readonly _tag = "OptionsError";
  /**
   * `invalid`: not a valid value; `conflict`: contradicts another option; `unsupported`: not available on this
   * runtime.
   */
  readonly reason: "invalid" | "conflict" | "unsupported";
  /** Every option that was rejected; the message names them all. */
  readonly issues: readonly {
    /** Path of the option, such as `"idleTimeout"` or `"framing.maxFrameBytes"`. */
    readonly path: string;
    /** What was found. */
    readonly found: unknown;
    /** What is accepted instead. */
    readonly expected: string;
  }[];
  /** The message is made of the issues. */
  constructor(reason: OptionsErrorReason, issues: OptionsError["issues"], options?: ErrorOptions) {
    super(
      issues.map((issue) => `${issue.path}: found ${describe(issue.found)}, expected ${issue.expected}`).join(
        "; ",
      ),
      options,
    );
    this.reason = reason;
    this.issues = issues;
  }
}

/** One refused option. */
export type OptionsIssue = OptionsError["issues"][number];

/** Why an option was refused. */
type OptionsErrorReason = OptionsError["reason"];

/** A time limit was exceeded. */
export class TimeoutError extends MillraceError {
  /** Discriminant, for `switch` and for `catchTag` of Effect. */
  readonly _tag: "TimeoutError" | "IdleTimeoutError" | "ShutdownTimeoutError" = "TimeoutError";
  /** Which time limit it was. */
  readonly reason:
    | "connect"
    | "borrow"
    | "check"
    | "first_frame"
    | "frame"
    | "byte_rate"
    | "half_close"
    | "read_idle"
    | "write_idle"
    | "idle"
    | "lifetime"
    | "heartbeat"
    | "reply"
    | "shutdown";
  /** The limit that passed, in milliseconds; for `byte_rate` the period over which the rate is averaged. */
  readonly limit: number;
  /**
   * What the received bytes look like, for example `"a TLS ClientHello"`, if bytes arrived without a complete first
   * frame.
   */
  looksLike: string | undefined = undefined;
  /** Takes the limit in milliseconds. */
  constructor(reason: TimeoutErrorReason, limit: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.limit = limit;
  }
}

/** Which wait ran out. */
export type TimeoutErrorReason = TimeoutError["reason"];

/** Nothing was read, written, or neither, for the idle timeout. */
export class IdleTimeoutError extends TimeoutError {
  /** Discriminant, for `switch` and for `catchTag` of Effect. */
  override readonly _tag = "IdleTimeoutError" as const;
}

/** The shutdown deadline passed, or `destroy()` was called, with connections still open, which were destroyed. */
export class ShutdownTimeoutError extends TimeoutError {
  /** Discriminant, for `switch` and for `catchTag` of Effect. */
  override readonly _tag = "ShutdownTimeoutError" as const;
  /** Ids of the connections that were destroyed at the deadline. */
  readonly connectionIds: readonly string[];
  /** The same connections, with what is known of each. */
  readonly unfinished: readonly {
    /** Id of the connection, as in logs. */
    readonly id: string;
    /** Address of the peer; empty for a Unix socket. */
    readonly ip: string;
    /** Port of the peer; 0 for a Unix socket. */
    readonly port: number;
    /** Its handler had not returned: it does not heed `connection.signal`, or waits for something that does not come. */
    readonly handlerRunning: boolean;
    /** How long it had been open, in milliseconds. */
    readonly openMs: number;
  }[];
  /**
   * The message tells of the first five connections. `limit` is the deadline that was in force; `cutShort` means that
   * `destroy()` ended the shutdown before it.
   */
  constructor(limit: number, unfinished: ShutdownTimeoutError["unfinished"], cutShort: boolean = false) {
    const shown = unfinished.slice(0, 5).map(describeUnfinished).join("; ") +
      (unfinished.length > 5 ? "; …" : "");
    const what = `destroyed ${counted(unfinished.length, "connection")} still open`;
    const how = cutShort
      ? `shut down: destroy() was called, which ${what} (${shown})`
      : `shut down within ${limit} ms: ${what} (${shown}); raise the deadline, let handlers end when ` +
        `connection.signal aborts, and do not await server.close() in a handler, because close() waits for the handler`;
    super("shutdown", limit, how);
    this.unfinished = unfinished;
    this.connectionIds = unfinished.map(({ id }) => id);
  }
}

/** A connection that was still there when a shutdown ended. */
export type Unfinished = ShutdownTimeoutError["unfinished"][number];

function describeUnfinished({ id, ip, port, handlerRunning, openMs }: Unfinished): string {
  const peer = ip === "" ? "" : ` of ${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
  const why = handlerRunning ? ", its handler has not returned" : "";
  return `${id}${peer}, open for ${openMs} ms${why}`;
}

/**
 * Translates a runtime's error into a `SocketError`, for adapters. `action` says what was attempted, such as `"listen
 * on 127.0.0.1:3034"`. A `SocketError` is returned unchanged. An unknown error becomes `unknown`, with the error as
 * `cause`.
 *
 * @example
 * ```ts
 * import { socketErrorFrom } from "@millrace/millrace/adapter";
 *
 * const cause = Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });
 * const { reason } = socketErrorFrom(cause, "connect to 127.0.0.1:3034");
 * console.log(reason); // refused
 * ```
 */
export function socketErrorFrom(cause: unknown, action: string): SocketError {
  if (cause instanceof SocketError) return cause;
  const { name, code, message } = (cause ?? {}) as { name?: unknown; code?: unknown; message?: unknown };
  const text = typeof message === "string" ? message : String(cause);
  // Deno, which says what is missing and with which flag it is given.
  if (name === "NotCapable") return new SocketError("permission_denied", `${action}: ${text}`, { cause });
  let reason = typeof code === "string" ? reasonOf(code) : undefined;
  if (reason === undefined && /failed to lookup address/.test(text)) reason = "host_not_found";
  const hint = reason === undefined ? "" : hints[reason] ?? "";
  const shown = typeof code === "string" && !text.includes(code) ? `${code} ${text}` : text;
  return new SocketError(reason ?? "unknown", `${action}: ${shown}${hint}`, { cause });
}

const hints: Partial<Record<SocketErrorReason, string>> = {
  address_in_use: "; another process has it: stop that one, or choose another port (0 picks a free one)",
  address_not_available: "; this machine does not have this address: use 127.0.0.1, 0.0.0.0 or ::",
  busy: "; the server there accepts too slowly, and its queue is full: try again",
  host_not_found: "; check the spelling of the host name, or use an IP address",
  no_space: "; free some space, or raise the limit that was reached",
  out_of_memory: "; the system has no memory for another socket: lower maxConnections",
  permission_denied: "; ports below 1024 need privileges: choose a higher one, and on Deno pass --allow-net",
  refused: "; nothing listens there: check host and port, and that the server runs",
  too_many_open_files: "; raise the limit of open files (ulimit -n) or lower maxConnections",
  unreachable: "; there is no route: check the address, and that the network is up",
};

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) {
    try {
      return JSON.stringify(value) ?? "an object";
    } catch {
      return "an object";
    }
  }
  return String(value);
}
