/** Why a request has no reply. */
import { MillraceError } from "../../core/errors.ts";

/** A request has no reply: `reason` says why, and `sent` whether the peer may have it. */
export class RequestError extends MillraceError {
  /** Discriminant, for `switch` and for `catchTag` of Effect. */
  readonly _tag = "RequestError";
  /**
   * `timeout`: its time was over; `aborted`: its signal aborted (`cause` is the reason of the signal); `disconnected`: the
   * connection ended (`cause` is its error, if there is one); `closed`: nothing can be sent, since the connection or the
   * client is closing or closed; `window_full`: `maxWaiting` requests were waiting already; `duplicate_key`: a request with
   * this key has no reply yet, or is one that was abandoned and may still get one.
   */
  readonly reason: "timeout" | "aborted" | "disconnected" | "closed" | "window_full" | "duplicate_key";
  /**
   * `sent`: the kernel accepted all of it; `not_sent`: no byte of it left this process, and none will; `unknown`: it was
   * accepted in part when the connection ended, or it is still being sent.
   */
  readonly sent: "sent" | "not_sent" | "unknown";
  /** Takes both, and the cause. */
  constructor(
    reason: RequestError["reason"],
    sent: RequestError["sent"],
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.reason = reason;
    this.sent = sent;
  }
}
