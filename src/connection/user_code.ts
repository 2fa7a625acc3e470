/**
 * The user's code: the run of a handler, the hooks, what becomes of what they throw, and who hears of it.
 *
 * A handler is a plain function or an async one, and with `millrace/effect` an Effect, whose runner is given; only that
 * costs a fiber. Used by `session.ts`, and by a server that drains. Decides nothing about when.
 */
import type { Clock } from "../core/time/clock.ts";
import {
  type FrameError,
  MillraceError,
  OptionsError,
  type SocketError,
  type TimeoutError,
} from "../core/errors.ts";
import { beginsLike, type Diagnosis } from "../core/framing/diagnosis.ts";
import type { TimerWheel } from "../core/time/timer_wheel.ts";
import type { Turn } from "../core/time/turn.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection_options.ts";
import type { TerminationRecord } from "./termination.ts";

/** What a session needs from the server or client that owns it; implemented by `registry.ts`. None of it may throw. */
export interface SessionOwner<Session extends { readonly connection: unknown }> {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly turn: Turn;
  /** Makes what users have of a session. */
  connectionOf(session: Session): Session["connection"];
  /** A connection's first bytes came, so many milliseconds after its start. */
  firstBytesCame(ms: number): void;
  /** `last`: no frame can follow it. */
  frameFailed(session: Session, error: FrameError, last: boolean): void;
  /** A handler or hook of the user's threw. */
  handlerFailed(session: Session, error: unknown): void;
  handlerEnded(session: Session): void;
  /** The connection is over; its handler may still run (`session.handling`). */
  ended(session: Session, record: TerminationRecord): void;
  /** What runs a handler's Effect; undefined where handlers are plain or async functions. */
  effectRunner(session: Session): EffectRunner | undefined;
}

/** How a handler's run ends; `interrupted` is an Effect that was stopped on its way, by whomever. */
export type HandlerEnd = "done" | "interrupted" | { readonly error: unknown };

/**
 * Runs what a handler returned if that is an Effect, and tells `over` how it ended; gives what interrupts it.
 * Undefined, and nothing is run, for anything else.
 */
export type EffectRunner = (result: unknown, over: (end: HandlerEnd) => void) => (() => void) | undefined;

/** Hears how the run goes. */
export interface HandlingOwner {
  /** The handler goes on after its call has returned. */
  handlerBegan(): void;
  handlerOver(end: HandlerEnd): void;
}

/**
 * How far a run is; a plain function that has returned leaves the connection to its callbacks and stays `called`. `owing`:
 * no handler runs, and replies are owed.
 */
export type HandlerRun = "none" | "called" | "owing" | "running" | "over";

/**
 * Follows what a handler returned. What comes back interrupts an Effect; an async function can only be told by
 * `connection.signal`. Throws `OptionsError` for an Effect that nobody here can run.
 */
export function follow(
  result: unknown,
  owner: HandlingOwner,
  run: EffectRunner | undefined,
): (() => void) | undefined {
  if (result === undefined || result === null) return;
  if (typeof (result as Promise<void>).then === "function") {
    owner.handlerBegan();
    (result as Promise<void>).then(() => owner.handlerOver("done"), (error) => owner.handlerOver({ error }));
    return;
  }
  if (!isEffect(result)) return;
  owner.handlerBegan();
  const interrupt = run?.(result, (end) => owner.handlerOver(end));
  if (interrupt !== undefined) return interrupt;
  const expected = "a promise or nothing; for handlers that are Effects use `serve` of millrace/effect";
  throw new OptionsError("unsupported", [{
    path: "handler",
    found: "one that returned an Effect",
    expected,
  }]);
}

/** By the marks of Effect 4 and of Effect 3, since neither is loaded here. */
function isEffect(result: unknown): boolean {
  return typeof result === "object" &&
    ("~effect/Effect" in result! || Symbol.for("effect/Effect") in result!);
}

/** The session that they are called for. */
interface Hooked<Received, Sent, Context> {
  readonly id: string;
  readonly ageMs: number;
  readonly connection: Connection<Received, Sent, Context>;
  readonly profile: { readonly options: ConnectionOptions<Received, Sent, Context> };
  heard: boolean;
  frameErrors: number;
  userFailed(error: unknown): void;
}

/** Who hears of them too. */
type HookOwner<Received, Sent, Context> = SessionOwner<Hooked<Received, Sent, Context>>;

/** The first bytes are here. A hook that throws ends the connection. */
export function tellFirstByte<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
): void {
  session.heard = true;
  owner.firstBytesCame(session.ageMs);
  try {
    session.profile.options.onFirstByte?.(session.connection);
  } catch (error) {
    session.userFailed(error);
  }
}

/** Code of the user's threw; one that lets the end of its own connection pass through has not failed. */
export function tellFailure<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
  error: unknown,
  ending: boolean,
): void {
  if (ending && error instanceof MillraceError && error.connectionId === session.id) return;
  owner.handlerFailed(session, error);
  tellQuietly(session, owner, () => session.profile.options.onError?.(error, session.connection));
}

/** Something is over or ending anyhow: what a hook throws is counted and logged, and changes nothing. */
function tellQuietly<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
  call: () => void,
): void {
  try {
    call();
  } catch (error) {
    owner.handlerFailed(session, error);
  }
}

/** Hears that a connection begins to leave. */
export type LeavingHook<Received, Sent, Context> =
  | ((connection: Connection<Received, Sent, Context>) => void)
  | undefined;

/** It begins to leave: tells the hook, and the peer, behind all that was sent. For how many ms to read on. */
export function tellLeaving<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context> & {
    readonly profile: { readonly goodbyeWait: number };
    send(frame: Sent): void | Promise<void>;
  },
  owner: HookOwner<Received, Sent, Context>,
  hook: LeavingHook<Received, Sent, Context>,
): number {
  const { options: { goodbye }, goodbyeWait } = session.profile;
  if (hook !== undefined) tellQuietly(session, owner, () => hook(session.connection));
  if (goodbye === undefined) return 0;
  let wait = 0;
  tellQuietly(session, owner, () => {
    const frame = typeof goodbye === "function"
      ? (goodbye as (connection: Connection<Received, Sent, Context>) => Sent | undefined)(session.connection)
      : goodbye;
    if (frame === undefined) return;
    // A peer that has no room for it, or to which nothing can be sent any more, is not waited for.
    session.send(frame)?.catch(() => {});
    wait = goodbyeWait;
  });
  return wait;
}

/** It is over; `error` is with what it broke. */
export function tellEnd<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
  record: TerminationRecord,
  error: SocketError | undefined,
): void {
  const { onError, onDisconnect } = session.profile.options;
  if (error !== undefined) tellQuietly(session, owner, () => onError?.(error, session.connection));
  tellQuietly(session, owner, () => onDisconnect?.(record, session.connection));
}

/** A frame could not be cut; `last` says that none can follow it. */
export function tellFrameError<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
  error: FrameError,
  last: boolean,
): void {
  error.connectionId = session.id;
  session.frameErrors++;
  owner.frameFailed(session, error, last);
  tellQuietly(session, owner, () => session.profile.options.onFrameError?.(error, session.connection));
}

/** Frames can be cut, but the stream begins as another protocol does. */
export function tellOtherProtocol<Received, Sent, Context>(
  session: Hooked<Received, Sent, Context>,
  owner: HookOwner<Received, Sent, Context>,
  found: Diagnosis,
): void {
  tellQuietly(session, owner, () => session.profile.options.onOtherProtocol?.(found, session.connection));
}

/** Time is up: says of which connection, and what its bytes look like where they have not become a frame. */
export function describeTimeout(
  error: TimeoutError,
  session: { readonly id: string; readonly pipeline: { readonly lookedLike: Diagnosis | undefined } },
): void {
  error.connectionId = session.id;
  const found = session.pipeline.lookedLike;
  if (found === undefined) return;
  error.looksLike = found.looksLike;
  error.message += beginsLike(found);
}
