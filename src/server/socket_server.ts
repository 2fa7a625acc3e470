/**
 * What is behind a `Server`: one listener, the registry of its connections, and the states between start and stop.
 *
 * Made by `scoped_server.ts` in an Effect scope, whose closing drains it; `serve.ts` is the promise face. Knows no
 * framing and no runtime: it hands every admitted transport to the registry.
 */
import * as Effect from "effect/Effect";
import { broadcast, type BroadcastReport, publish } from "../connection/broadcast.ts";
import type { Connection } from "../connection/connection.ts";
import { Lifetime } from "../connection/effect/lifetime.ts";
import type { Registry } from "../connection/registry.ts";
import { toMilliseconds } from "../core/time/duration.ts";
import { type OptionsError, ShutdownTimeoutError, SocketError } from "../core/errors.ts";
import type { SendOutcome } from "../core/flow/outcome.ts";
import type { Adapter, Address } from "../core/transport.ts";
import { Admission } from "./admission.ts";
import type { AuditEvent } from "./audit.ts";
import { drain } from "./drain.ts";
import { inspect, type ServerInspection } from "./inspection.ts";
import { Intake } from "./intake.ts";
import type { KillOptions, OrderReason } from "./kill_options.ts";
import { Listening } from "./listening.ts";
import { Live } from "./live.ts";
import type { LiveOptions } from "./live_options.ts";
import { Orders } from "./orders.ts";
import { logListenerFailure, logState, logStuck } from "./log.ts";
import { errorText, guarded, standardLogger } from "../host/standard_log.ts";
import { retried } from "./retried.ts";
import { RateSampler } from "./rates.ts";
import { TlsAdmission } from "./tls_admission.ts";
import type { ServerState, ShutdownReport, UncheckedServeOptions } from "./server_options.ts";
import type { RateSample, ServerStats } from "./server_stats.ts";
import type { Logger } from "../core/logger.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import type { Server } from "./server.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { ServerSettings } from "./settings.ts";
import { collectStats } from "./stats.ts";

/** How long the runtime may take to let go of a listener whose connections are gone, in ms. */
const letGoMs = 1_000;

type CloseOptions = NonNullable<Parameters<Server<unknown>["close"]>[0]>;

/** A server over the sockets of an adapter. What its public members mean is said at `Server`. */
export class SocketServer<Received, Sent, Context> implements Server<Received, Sent, Context> {
  readonly finished: Promise<ShutdownReport>;
  readonly #options: UncheckedServeOptions<Received, Sent, Context>;
  readonly #live: Live<Received, Sent, Context>;
  readonly #orders: Orders<Received, Sent, Context>;
  readonly #adapter: Adapter;
  readonly #registry: Registry<Received, Sent, Context>;
  readonly #admission: Admission;
  readonly #tlsAdmission: TlsAdmission | undefined = undefined;
  readonly #intake: Intake<Received, Sent, Context>;
  readonly #log: Logger;
  readonly #lifetime: Lifetime;
  readonly #listening: Listening;
  #state: ServerState = "created";
  #sampler: RateSampler<Received, Sent, Context> | undefined = undefined;
  /** The deadline of the first call that stopped it, in ms. */
  #deadline = 0;
  #spread = 0;
  /** `destroy` came before that, perhaps before a shutdown had got as far as draining. */
  #cutShort = false;
  #report: ShutdownReport | undefined = undefined;
  #finish!: (report: ShutdownReport) => void;

  constructor(
    options: UncheckedServeOptions<Received, Sent, Context>,
    adapter: Adapter,
    settings: ServerSettings<Received, Sent, Context>,
    registry: (log: Logger) => Registry<Received, Sent, Context>,
    logger: Logger = standardLogger,
  ) {
    this.#options = options;
    this.#adapter = adapter;
    this.#log = guarded(options.logger ?? logger);
    this.#registry = registry(this.#log);
    const { clock, wheel } = this.#registry;
    const admission = this.#admission = new Admission(settings.admission, {
      clock,
      log: this.#log,
      unix: () => this.address.transport === "unix",
      exceeded: () => settings.profile.budget?.exceeded === true,
      rejected: (peer, reason) => this.#call(() => this.#options.onReject?.(peer, reason)),
      call: (hook) => this.#call(hook),
    });
    this.#registry.observe(admission);
    this.#lifetime = new Lifetime(clock);
    const { tls, maxHandshakes, listen: { upgradable } } = settings;
    if (tls !== undefined || upgradable) {
      this.#tlsAdmission = new TlsAdmission(tls, {
        log: this.#log,
        clock,
        wheel,
        maxHandshakes,
        failed: (error, peer) => this.#call(() => this.#options.onTlsError?.(error, peer)),
        // Where something stands in front of a connection, it was asked there.
        refused: (peer) => this.#intake.prefaces === undefined && admission.turnsAway(peer, this.address),
        admission,
      });
    }
    const handshakes = this.#tlsAdmission?.handshakes;
    const parts = { adapter, registry: this.#registry, admission, handshakes };
    const pending = () => this.#intake.prefaces;
    const live = this.#live = new Live(options, settings, { ...parts, pending });
    const audited = (event: AuditEvent) => this.#call(() => this.#options.onAudit?.(event));
    this.#orders = new Orders({ ...parts, live, log: this.#log, audited });
    const running = () => this.#state === "running" || this.#state === "binding";
    this.#intake = new Intake(settings, { ...parts, live, log: this.#log, running });
    this.#listening = this.#listener();
    this.finished = new Promise((resolve) => this.#finish = resolve);
  }

  /** Binds and begins to accept, until its scope is closed. */
  static start<Received, Sent, Context>(
    server: SocketServer<Received, Sent, Context>,
  ): Effect.Effect<void, SocketError | TlsError> {
    // Promises, since adapters and certificates know no Effect.
    const listening = Effect.tryPromise({
      try: () => server.#listening.open(),
      catch: (error) => error as SocketError | TlsError,
    });
    const attempt = server.#lifetime.hold(Effect.acquireRelease(listening, () => server.#drain()));
    return retried(attempt, server.#options.signal, {
      retryIn: (error) => server.#live.settings.bindRetry && server.#listening.retryIn(error),
      givenUp: (error) => server.#listening.givenUp(error),
      wait: (ms) => server.#lifetime.hold(Effect.sleep(ms)),
    });
  }

  /**
   * Closes its scope, within this deadline (ms) unless it is being closed already; succeeds when it is closed. This is
   * what ends it, in each case: `close`, `destroy`, or the end of the scope around it.
   */
  static stop<Received, Sent, Context>(
    server: SocketServer<Received, Sent, Context>,
    deadline: number = server.#live.settings.shutdownDeadline,
    spread: number = server.#live.settings.drainSpread,
  ): Effect.Effect<ShutdownReport> {
    return Effect.suspend(() => {
      if (!server.#lifetime.closing) [server.#deadline, server.#spread] = [deadline, spread];
      return Effect.map(server.#lifetime.close, () => server.#report!);
    });
  }

  /** What `destroy` does: closes its scope, and has nobody wait for a deadline that is in force. */
  static destroy<Received, Sent, Context>(
    server: SocketServer<Received, Sent, Context>,
  ): Effect.Effect<ShutdownReport> {
    return Effect.suspend(() => {
      if (server.#state !== "stopped" && server.#registry.destroyed.length === 0) server.#cutShort = true;
      if (server.#state === "draining") server.#registry.destroyAll();
      return SocketServer.stop(server, 0);
    });
  }

  /** What `close` does; its scope is closed also where this fails. */
  static close<Received, Sent, Context>(
    server: SocketServer<Received, Sent, Context>,
    { deadline, spread }: CloseOptions,
  ): Effect.Effect<ShutdownReport, ShutdownTimeoutError | OptionsError> {
    return Effect.gen(function* () {
      const [ms, over] = yield* Effect.try({
        try: () => [
          deadline === undefined ? undefined : toMilliseconds(deadline, "deadline"),
          spread === undefined ? undefined : toMilliseconds(spread, "spread"),
        ],
        catch: (error) => error as OptionsError,
      });
      const report = yield* SocketServer.stop(server, ms, over);
      if (report.destroyed.length === 0) return report;
      const limit = server.#cutShort ? 0 : server.#deadline;
      return yield* Effect.fail(new ShutdownTimeoutError(limit, report.unfinished, server.#cutShort));
    });
  }

  get address(): Address {
    return this.#listening.address;
  }

  get state(): ServerState {
    return this.#state;
  }

  get connections(): ReadonlyMap<string, Connection<Received, Sent, Context>> {
    return this.#registry.connections;
  }

  get runtime(): Adapter["name"] {
    return this.#adapter.name;
  }

  get tls(): ServerInspection["tls"] {
    return this.#tlsAdmission?.inspect(this.#listening.tls ?? "");
  }

  stats(): ServerStats {
    return collectStats(
      this.#registry,
      this.#admission,
      this.#report?.durationMs ?? 0,
      this.#tlsAdmission?.handshakes,
      this.#listening.failures,
      this.#live.profile.budget,
      this.#intake.prefaces,
    );
  }

  rates(): RateSample {
    return this.#sampling().sample;
  }

  inspect(): ServerInspection {
    return inspect(
      this,
      this.#registry,
      this.#live.profile.framing.name,
      this.#sampler,
      this.#live.inspect(),
    );
  }

  broadcast(
    frame: Sent,
    filter?: (connection: Connection<Received, Sent, Context>) => boolean,
  ): Promise<BroadcastReport> {
    return broadcast(this.#registry.sessions, this.#live.settings.profile.framing, frame, filter);
  }

  publish(frame: Sent, filter?: (connection: Connection<Received, Sent, Context>) => boolean): number {
    return publish(this.#registry.sessions, this.#live.settings.profile.framing, frame, filter);
  }

  deliver(id: string, frame: Sent): Promise<SendOutcome> {
    return this.#orders.deliver(id, frame);
  }

  kill(id: string, options: KillOptions<Sent> = {}): boolean {
    return this.#orders.kill(id, options);
  }

  ban(address: string, duration: DurationInput, why: OrderReason = {}): void {
    this.#orders.ban(address, duration, why);
  }

  unban(address: string, why: OrderReason = {}): boolean {
    return this.#orders.unban(address, why);
  }

  /** With `unset`, what is undefined gets its default back. */
  update(changes: LiveOptions, why: OrderReason = {}, unset?: boolean): void {
    this.#orders.update(changes, why, unset);
  }

  suspend(): Promise<void> {
    return this.#listening.suspend();
  }

  resume(): Promise<void> {
    return this.#listening.resume();
  }

  close(options: CloseOptions = {}): Promise<ShutdownReport> {
    return Effect.runPromise(SocketServer.close(this, options));
  }

  destroy(): Promise<ShutdownReport> {
    return Effect.runPromise(SocketServer.destroy(this));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Effect.runPromise(SocketServer.stop(this));
  }

  #listener(): Listening {
    return new Listening({
      adapter: this.#adapter,
      settings: this.#live.settings,
      clock: this.#registry.clock,
      log: this.#log,
      tlsAdmission: this.#tlsAdmission,
      prefaces: this.#intake.prefaces,
      state: () => this.#state,
      closing: () => this.#lifetime.closing,
      enter: (state) => {
        this.#enter(state);
        if (state === "running" && this.#options.onStats !== undefined) this.#sampling();
      },
      accept: (transport) => this.#intake.accept(transport),
      lost: (error) => this.#admission.lose(error),
      failed: (error, fatal) => this.#listenerFailed(error, fatal),
    });
  }

  /** Stops accepting, lets connections finish until the deadline, and lets go of everything. */
  #drain(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      yield* Effect.promise(() => this.#listening.settled);
      this.#enter("draining");
      const stopped = this.#listening.stop();
      const succeeded = this.#listening.inherits && !this.#cutShort && this.#deadline > 0;
      if (succeeded) yield* this.#intake.settle(this.#deadline, () => this.#cutShort);
      this.#intake.prefaces?.abortAll();
      const undone = this.#tlsAdmission?.close();
      const deadline = this.#cutShort ? 0 : this.#deadline;
      const terms = { deadline, spread: this.#spread, succeeded, onDrain: this.#options.onDrain };
      const report = this.#report = yield* drain(this.#registry, terms);
      if (deadline > 0 && !this.#cutShort) logStuck(this.#log, report.unfinished, deadline);
      // Promises of the adapter and of the certificates.
      yield* Effect.promise(() => Promise.all([stopped, undone])).pipe(Effect.timeoutOption(letGoMs));
      this.#sampler?.stop();
      this.#enter("stopped");
      this.#finish(report);
    });
  }

  #enter(state: ServerState): void {
    this.#state = state;
    logState(this.#log, state, this.#listening);
    this.#call(() => this.#options.onState?.(state));
  }

  #listenerFailed(error: SocketError, fatal: boolean): void {
    logListenerFailure(this.#log, error, fatal);
    this.#call(() => this.#options.onListenerError?.(error));
  }

  #sampling(): RateSampler<Received, Sent, Context> {
    return this.#sampler ??= new RateSampler(
      this.#registry,
      (sample) => this.#call(() => this.#options.onStats?.(sample)),
    );
  }

  #call<Result>(hook: () => Result): Result | undefined {
    try {
      return hook();
    } catch (error) {
      this.#log({ level: "error", message: "hook failed", fields: { error: errorText(error) } });
      return undefined;
    }
  }
}
