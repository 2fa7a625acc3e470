/**
 * What follows when accepting fails: whether the error is the connection's or the listener's, and how soon to go on.
 *
 * Used by the adapters. Knows no runtime. accept(2) says which errors there are; Linux passes on those of the
 * connection that was to be accepted, and those must not hold up the one behind it.
 */
import { type SocketError, socketErrorFrom } from "../core/errors.ts";
import type { AdapterListenOptions } from "../core/transport.ts";
import { Shortage } from "./shortage.ts";

/** Whose fault it is: `nobody` asks again, `system` is short of descriptors or memory, `listener` is over. */
type AcceptFault = "nobody" | "connection" | "system" | "listener" | "unknown";

const codes: Readonly<Record<Exclude<AcceptFault, "unknown">, readonly string[]>> = {
  nobody: ["EINTR", "EAGAIN", "EWOULDBLOCK", "ERESTART", "ERESTARTSYS"],
  connection: [
    "ECONNABORTED",
    "ECONNRESET",
    "EHOSTDOWN",
    "EHOSTUNREACH",
    "ENETDOWN",
    "ENETUNREACH",
    "ENONET",
    "ENOPROTOOPT",
    // Accepted, but its peer has already reset it, which asking for its address finds.
    "ENOTCONN",
    "EOPNOTSUPP",
    // A firewall forbids this one.
    "EPERM",
    "EPROTO",
    "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT",
    "ETIMEDOUT",
  ],
  system: ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ENOSR"],
  listener: ["EBADF", "EFAULT", "EINVAL", "ENOTSOCK"],
};

const faults: ReadonlyMap<unknown, AcceptFault> = new Map(
  (Object.keys(codes) as Exclude<AcceptFault, "unknown">[]).flatMap((fault) =>
    codes[fault].map((code) => [code, fault] as const)
  ),
);

/** Whose fault an error of accept is; what nobody has heard of is `unknown`. */
export function faultOf(cause: unknown): AcceptFault {
  return faults.get((cause as { code?: unknown } | undefined)?.code) ?? "unknown";
}

/** How long a listener rests when the system is short of something, or nobody knows what it is, in ms. */
const rest = 100;
/** Failures in a row for which nobody else gets a turn. */
const longestRun = 64;
/** The turn that others get then, in ms: many times what such a run takes. */
const pause = 2;

/** The failing accepts of one listener. */
export class FailingAccepts {
  readonly #options: Pick<AdapterListenOptions, "failed" | "lost">;
  readonly #shortage: Shortage;
  #run = 0;

  constructor(options: Pick<AdapterListenOptions, "failed" | "lost">) {
    this.#options = options;
    this.#shortage = new Shortage(options.failed);
  }

  /** One has not failed. */
  passed(): void {
    this.#run = 0;
  }

  /**
   * One has failed. Says in how many ms to accept again, 0 for at once; undefined when the listener is over, which has
   * been told.
   */
  met(cause: unknown, action: string, typed: typeof socketErrorFrom = socketErrorFrom): number | undefined {
    const fault = faultOf(cause);
    if (fault === "listener") {
      this.#options.failed(typed(cause, action), true);
      return undefined;
    }
    if (fault === "system" || fault === "unknown") {
      this.#shortage.met(() => typed(cause, action));
      return rest;
    }
    if (fault === "connection") this.#options.lost?.(typed(cause, action));
    if (++this.#run < longestRun) return 0;
    this.#run = 0;
    return pause;
  }
}

/** The error of a connection that was accepted although its peer had reset it before. */
export function resetBefore(action: string): SocketError {
  return socketErrorFrom({ code: "ENOTCONN", message: "the peer reset it before it was accepted" }, action);
}
