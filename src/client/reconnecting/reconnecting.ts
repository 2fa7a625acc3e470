/**
 * A reconnecting client at work: its state, what follows from a failure, and who is told. It makes no connection itself:
 * `dialling.ts` does, and calls it.
 */
import type { Connection } from "../../connection/connection.ts";
import { type EffectSupport, Registry, type RegistryObserver } from "../../connection/registry.ts";
import type { Session } from "../../connection/session.ts";
import type { TerminationRecord } from "../../connection/termination.ts";
import { type Deferred, deferred, refused } from "../../core/deferred.ts";
import { OptionsError, SocketError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import { defaults } from "../../core/options.ts";
import { addressText } from "../../core/text/place.ts";
import { wanted } from "../../core/text/reading.ts";
import { type Clock, systemClock } from "../../core/time/clock.ts";
import { Deadline } from "../../core/time/deadline.ts";
import { readDuration } from "../../core/time/duration.ts";
import { errorText, guarded, standardLogger } from "../../host/standard_log.ts";
import { FramesAcross } from "./frames_across.ts";
import type { ReconnectFailure, UncheckedReconnectOptions } from "./reconnect_options.ts";
import { type ReconnectingSettings, resolveReconnect } from "./reconnect_settings.ts";
import type { ReconnectingClient, ReconnectReport, ReconnectStats } from "./reconnecting_client.ts";
import { Sending } from "./sending.ts";

/** What the program around a client has for it. */
interface ReconnectingProgram<Received, Sent, Context> {
  /** Time, where no option names one. */
  readonly clock?: Clock | undefined;
  readonly support?: ((clock: Clock) => EffectSupport<Received, Sent, Context>) | undefined;
  /** Works on each connection, in the place of `onFrame` and of loops; a connection is closed when it settles. */
  readonly handler?: ((connection: Connection<Received, Sent, Context>) => Promise<void>) | undefined;
}

/** One client. What the members mean that users have too is said at `ReconnectingClient`. */
export class Reconnecting<Received, Sent, Context> implements RegistryObserver<Received, Sent, Context> {
  state: ReconnectingClient<Received, Sent, Context>["state"] = "connecting";
  readonly finished: Promise<ReconnectReport>;
  readonly settings: ReconnectingSettings<Received, Sent, Context>;
  readonly options: UncheckedReconnectOptions<Received, Sent, Context>;
  readonly clock: Clock;
  readonly registry: Registry<Received, Sent, Context>;
  readonly frames: FramesAcross<Received> = new FramesAcross();
  readonly handler: ReconnectingProgram<Received, Sent, Context>["handler"];
  /** No further attempt is wanted. */
  stopped = false;
  readonly #log: Logger;
  readonly sending: Sending<Sent>;
  readonly #deadline: Deadline;
  #finish!: (report: ReconnectReport) => void;
  #ready: Session<Received, Sent, Context> | undefined = undefined;
  #handling = false;
  #readyAt: number | undefined = undefined;
  #record: TerminationRecord | undefined = undefined;
  /** Frames of the connection that is logging on are not for `onFrame` yet. */
  #loggedOn: Deferred | undefined = undefined;
  #connected: { deferred: Deferred; promise: Promise<Connection<Received, Sent, Context>> } | undefined =
    undefined;
  #stopping: (() => void)[] = [];
  #reason: ReconnectReport["reason"] | undefined = undefined;
  #error: unknown = undefined;
  #message: string | undefined = undefined;
  #attempts = 0;
  #failures = 0;
  #failuresInRow = 0;
  #unhandled = 0;

  /** Throws `OptionsError`. */
  constructor(
    options: UncheckedReconnectOptions<Received, Sent, Context>,
    program?: ReconnectingProgram<Received, Sent, Context>,
  ) {
    this.settings = resolveReconnect(options);
    this.handler = program?.handler;
    this.options = options;
    this.clock = options.clock ?? program?.clock ?? systemClock;
    this.registry = new Registry(this.clock, [this], program?.support?.(this.clock));
    this.#log = guarded(options.logger ?? standardLogger);
    this.sending = new Sending(this.settings.queue, options.framing, () => this.#closeWhenEmpty());
    this.#deadline = new Deadline(this.registry.wheel, () => this.destroy());
    this.finished = new Promise((resolve) => void (this.#finish = resolve));
    const { signal } = options;
    if (signal?.aborted) this.destroy();
    else signal?.addEventListener("abort", this.#abort);
  }

  get connection(): Connection<Received, Sent, Context> | undefined {
    return this.#ready?.connection;
  }

  get connected(): Promise<Connection<Received, Sent, Context>> {
    if (this.#ready !== undefined) return Promise.resolve(this.#ready.connection);
    if (this.state === "closed") return refused(this.#closedError()) as Promise<never>;
    if (this.#connected === undefined) {
      const waiting = deferred();
      const promise = waiting.promise.then(() => this.connected);
      promise.catch(() => {});
      this.#connected = { deferred: waiting, promise };
    }
    return this.#connected.promise;
  }

  stats(): ReconnectStats {
    const { bytesReceived, bytesSent, framesReceived, framesSent, framesDropped, framesLost, opened } = this
      .registry.totals();
    const { queue } = this.sending;
    return {
      attempts: this.#attempts,
      connections: opened,
      failures: this.#failures,
      framesQueued: queue.length,
      bytesQueued: queue.bytes,
      framesDropped: framesDropped + queue.dropped,
      framesLost,
      framesUnhandled: this.#unhandled + this.frames.unhandled,
      bytesReceived,
      bytesSent,
      framesReceived,
      framesSent,
    };
  }

  close(
    { deadline = defaults.shutdownDeadline, message }: Parameters<
      ReconnectingClient<Received, Sent>["close"]
    >[0] = {},
  ): Promise<ReconnectReport> {
    const reading = readDuration(deadline, { zero: true });
    if (!reading.ok) {
      const issue = { path: "deadline", found: deadline, expected: wanted(reading) };
      return Promise.reject(new OptionsError("invalid", [issue]));
    }
    if (this.#reason === undefined) {
      this.#reason = "closed";
      this.#message = message;
      this.state = "closing";
      this.sending.refuse(this.#closedError());
      this.#deadline.set(reading.value);
      this.#closeWhenEmpty();
    }
    return this.finished;
  }

  /** Accepts no more frames and makes no further connection; the one that is open is left to its owner. */
  retire(): void {
    this.#reason ??= "closed";
    if (this.state !== "closed") this.state = "closing";
    this.sending.refuse(this.#closedError());
    if (this.#ready === undefined && !this.#handling) this.#stop();
  }

  destroy(): void {
    if (this.state === "closed") return;
    this.#reason = "aborted";
    this.state = "closing";
    this.sending.refuse(this.#closedError());
    for (const session of this.registry.sessions) session.life.destroy("aborted");
    this.#stop();
  }

  // For who makes the connections.

  /** Calls back when none is wanted any more, perhaps at once. Returns what withdraws the wish. */
  whenStopped(stopped: () => void): () => void {
    if (this.stopped) stopped();
    else this.#stopping.push(stopped);
    return () => {
      this.#stopping = this.#stopping.filter((other) => other !== stopped);
    };
  }

  /** An attempt begins. */
  begin(): void {
    this.#attempts++;
    this.#readyAt = this.#record = undefined;
    if (this.state !== "closing") this.state = "connecting";
    this.#tell(() => this.options.onConnecting?.(this.#failuresInRow + 1));
  }

  /** A connection is logged on. */
  ready(session: Session<Received, Sent, Context>): void {
    if (session.record !== undefined) return;
    this.#ready = session;
    this.#readyAt = this.clock.now();
    if (this.state !== "closing") this.state = "connected";
    if (this.#looped) this.frames.add(session);
    this.#loggedOn?.resolve();
    this.sending.connected(session as unknown as Session<never, Sent, never>);
    this.#log({ level: "info", message: "connected", fields: this.#fields({ "conn.id": session.id }) });
    try {
      this.options.onConnected?.(session.connection);
    } catch (error) {
      session.userFailed(error);
    }
    this.#connected?.deferred.resolve();
    this.#connected = undefined;
  }

  /** Runs the handler, which must not reject; it may be at work when the connection has ended. */
  async handle(connection: Connection<Received, Sent, Context>): Promise<void> {
    this.#handling = true;
    await this.handler!(connection);
    this.#handling = false;
  }

  /** The connection has ended, or none was made, and why. */
  failed(error: unknown): ReconnectFailure {
    const record = this.#record;
    const stable = this.#readyAt !== undefined &&
      this.clock.now() - this.#readyAt >= this.settings.stableAfter;
    this.#failures++;
    this.#failuresInRow = stable ? 1 : this.#failuresInRow + 1;
    return { failures: this.#failuresInRow, error: error ?? record?.error, record };
  }

  /** A further attempt is wanted, if the waits allow one. */
  get wanted(): boolean {
    return this.#reason === undefined || (!this.stopped && this.sending.queue.length > 0);
  }

  /** Tells of the failure, and says how long to wait before the next attempt; undefined for none. */
  goOn(
    failure: ReconnectFailure,
    next: number | ReconnectingSettings<Received, Sent, Context>["next"] | undefined,
  ): number | undefined {
    let told = failure;
    let wait: number | undefined = undefined;
    try {
      wait = typeof next === "function" ? next(failure, this.clock.now()) : next;
    } catch (error) {
      told = { ...failure, error };
    }
    if (this.state !== "closing") this.state = "waiting";
    this.#logFailure(told, wait);
    this.#tell(() => this.options.onDisconnected?.(told, wait));
    if (wait === undefined && this.#reason === undefined) this.#giveUp(told);
    return wait;
  }

  /** There will be no connection any more. */
  over(): void {
    if (this.state === "closed") return;
    const reason = this.#reason ??= "aborted";
    this.#deadline.unset();
    this.options.signal?.removeEventListener("abort", this.#abort);
    const framesUnsent = this.sending.fail(this.#closedError());
    this.state = "closed";
    this.frames.end(this.#error);
    this.#connected?.deferred.reject(this.#closedError());
    this.#finish({ reason, error: this.#error, framesUnsent });
  }

  // From the registry.

  opened(session: Session<Received, Sent, Context>): void {
    if (this.options.logOn === undefined) return;
    this.#loggedOn = deferred();
    session.delivery.lend(this.#loggedOn.promise);
  }

  closed(session: Session<Received, Sent, Context>, record: TerminationRecord): void {
    this.#record = record;
    this.#loggedOn?.resolve();
    this.#ready = undefined;
    this.sending.disconnected();
    if (this.#looped) this.frames.ended(session);
    else this.#unhandled += record.framesUnhandled;
  }

  readonly #abort = (): void => this.destroy();

  /** Frames are for loops over the client. */
  get #looped(): boolean {
    return this.options.onFrame === undefined && this.handler === undefined;
  }

  #giveUp(failure: ReconnectFailure): void {
    this.#reason = "gave_up";
    const { error } = failure;
    this.#error = error ??
      new SocketError("closed", `connect to ${addressText(this.settings.address)}: the connection ended`);
    this.#log({ level: "error", message: "gave up", fields: this.#fields({ error: textOf(this.#error) }) });
    this.#tell(() => this.options.onGaveUp?.(failure));
  }

  #closeWhenEmpty(): void {
    if (this.#reason === undefined || this.sending.queue.length > 0) return;
    if (this.#ready === undefined) this.#stop();
    else this.#ready.life.finish("closed", "local", undefined, this.#message);
  }

  #stop(): void {
    this.stopped = true;
    const stopping = this.#stopping;
    this.#stopping = [];
    stopping.forEach((stopped) => stopped());
  }

  #closedError(): SocketError {
    const why = this.#error === undefined
      ? "the client is closed"
      : `the client gave up: ${textOf(this.#error)}`;
    const cause = this.#error === undefined ? undefined : { cause: this.#error };
    return new SocketError("closed", `send to ${addressText(this.settings.address)}: ${why}`, cause);
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log({
        level: "error",
        message: "hook failed",
        fields: this.#fields({ error: errorText(error) }),
      });
    }
  }

  #logFailure({ error, record, failures }: ReconnectFailure, waitMs: number | undefined): void {
    if (record === undefined) {
      const fields = this.#fields({ error: textOf(error), failures, waitMs });
      this.#log({ level: "warn", message: "connect failed", fields });
      return;
    }
    const { connectionId, reason, message, durationMs } = record;
    const fields = this.#fields({ "conn.id": connectionId, reason, why: message, durationMs, waitMs });
    this.#log({ level: "info", message: "connection closed", fields });
  }

  #fields(fields: Record<string, unknown>): Record<string, unknown> {
    return { to: addressText(this.settings.address), ...fields };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
