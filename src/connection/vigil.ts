/**
 * All the clocks of one connection: idle times, the first frame, a frame that has begun, the keepalive.
 *
 * The session tells it what happens, in plain writes of a number; it tells the session when time is up.
 */
import { Deadline } from "../core/deadline.ts";
import { TimeoutError, type TimeoutErrorReason } from "../core/errors.ts";
import { IdleWatchdog } from "../core/idle_watchdog.ts";
import { KeepaliveWriter } from "../core/keepalive_writer.ts";
import type { TimerWheel } from "../core/timer_wheel.ts";
import type { ConnectionProfile } from "./profile.ts";
import type { CloseReason } from "./termination.ts";

/** What the clocks ask and tell. */
export interface VigilOwner {
  /** Received frames wait for a handler at work: silence is not the peer's. */
  readonly busy: boolean;
  timedOut(reason: CloseReason, error: TimeoutError): void;
  sendKeepalive(payload: Uint8Array): void;
}

/** One connection's clocks. */
export class Vigil {
  readonly #wheel: TimerWheel;
  readonly #profile: ConnectionProfile<never, never, never>;
  readonly #owner: VigilOwner;
  readonly #idle: IdleWatchdog;
  #keepalive: KeepaliveWriter | undefined = undefined;
  #firstFrame: Deadline | undefined = undefined;
  #frame: Deadline | undefined = undefined;
  #partial = false;
  #frames = 0;
}
