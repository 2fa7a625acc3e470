/**
 * The gateway: endpoints, a bus between them and the workers on their frames, an admin endpoint.
 *
 * Started from a checked configuration, by the command line or as a library. Everything is acquired in one
 * order and let go in the reverse one: admin, bus, endpoints, readiness.
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { detectAdapter } from "../adapters/detect.ts";
import { Lifetime } from "../connection/effect/lifetime.ts";
import { memoryBudget } from "../connection/memory_budget.ts";
import { type Clock, systemClock } from "../core/time/clock.ts";
import { type DurationInput, toMilliseconds } from "../core/time/duration.ts";
import { MillraceError, SocketError } from "../core/errors.ts";
import type { Adapter } from "../core/transport.ts";
import { standardError, standardOutput } from "../host/standard_output.ts";
import type { MetricSample } from "../core/text/exposition.ts";
import type { ShutdownReport } from "../server/server_options.ts";
import type { Logger } from "../core/logger.ts";
import type { Admin, startAdmin } from "./admin.ts";
import type { Bus, SubscribeOptions } from "./buses/bus.ts";
import type { LineBus } from "./buses/stdio_bus.ts";
import { CheckedConfig, notChecked, openConfig } from "./checked_config.ts";
import { abilityFaults } from "./config/abilities.ts";
import type { GatewayConfig } from "./config/config.ts";
import { EndpointGroup } from "./endpoint_group.ts";
import { picture } from "./endpoint_picture.ts";
import type { RunningEndpoint } from "./running_endpoint.ts";
import { ConfigError, namedError } from "./errors.ts";
import type { Gateway, GatewayOptions, GatewayReport, GatewayState } from "./gateway.ts";
import { lineLogger } from "./log.ts";
import { makeBus } from "./make_bus.ts";
import { awaited } from "./patience.ts";
import { Printer } from "./printer.ts";
import type { GatewayReload } from "./reload/reload_report.ts";
import { Reloads, type ReloadSource } from "./reload/reloads.ts";
import { gatewaySamples } from "./samples.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** The most that each part may take to let go of what it still holds, and the least that it gets. */
const letGoMs = 2_000;
const leastLetGoMs = 50;

const nobody: ReadonlyMap<string, RunningEndpoint> = new Map();

/** A gateway at work. What its public members mean is said at `Gateway`. */
export class RunningGateway implements Gateway {
  readonly finished: Promise<GatewayReport>;
  #config: GatewayConfig;
  readonly #options: GatewayOptions;
  readonly #adapter: Adapter;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #lifetime: Lifetime;
  /** Aborts what a reload has begun to start. */
  readonly #stopping: AbortController = new AbortController();
  #group: EndpointGroup | undefined = undefined;
  #reloads: Reloads | undefined = undefined;
  #bus: Bus | undefined = undefined;
  #admin: Admin | undefined = undefined;
  #telemetry: Telemetry | undefined = undefined;
  #printer: Printer | undefined = undefined;
  #state: GatewayState | "starting" = "starting";
  /** The deadline of the first call that stopped it, in ms. */
  #deadline = 0;
  #failure: MillraceError | undefined = undefined;
  /** When everything should be over, on the clock; `Infinity` while nothing is being let go. */
  #until = Infinity;
  #reports: readonly (readonly [name: string, report: ShutdownReport])[] = [];
  #begun = 0;
  #report: GatewayReport | undefined = undefined;
  #finish!: (report: GatewayReport) => void;

  private constructor(config: GatewayConfig, options: GatewayOptions, adapter: Adapter) {
    const { clock = systemClock } = options;
    this.#config = config;
    this.#options = options;
    this.#adapter = adapter;
    this.#clock = clock;
    this.#log = options.logger ?? lineLogger(standardError(), () => this.#config.logLevel, clock);
    this.#lifetime = new Lifetime(clock);
    this.finished = new Promise((resolve) => this.#finish = resolve);
  }

  /** Everything is acquired in its scope; where something fails, what had begun is closed again. */
  static start(
    config: GatewayConfig,
    options: GatewayOptions,
    adapter: Adapter,
  ): Effect.Effect<RunningGateway, MillraceError> {
    const gateway = new RunningGateway(config, options, adapter);
    const started = Effect.as(gateway.#lifetime.hold(gateway.#acquire()), gateway);
    return Effect.onError(started, () => gateway.#lifetime.close);
  }

  get bus(): Bus {
    return this.#bus!;
  }

  get endpoints(): ReadonlyMap<string, RunningEndpoint> {
    return this.#group?.endpoints ?? nobody;
  }

  get adminUrl(): string | undefined {
    return this.#admin?.url;
  }

  get state(): GatewayState {
    return this.#state === "starting" ? "running" : this.#state;
  }

  samples(): MetricSample[] {
    if (this.#bus === undefined || this.#group === undefined) return [];
    const { endpoints, controls } = this.#group;
    const samples = gatewaySamples(this.#bus, endpoints.values(), controls);
    return [...samples, ...this.#reloads?.history.samples() ?? [], ...this.#telemetry?.samples() ?? []];
  }

  notReady(): readonly string[] {
    if (this.#state !== "running") return [`the gateway is ${this.#state}`];
    return [...this.endpoints.values()]
      .filter(({ ready, name }) => !ready && this.#group?.leaving.has(name) === false)
      .map(({ name, mode, state }) =>
        `endpoint ${name} is ${mode === "client" && state === "running" ? "not connected" : state}`
      );
  }

  async reload(config: CheckedConfig): Promise<GatewayReload> {
    if (!(config instanceof CheckedConfig)) throw notChecked(config);
    return await RunningGateway.reload(this, () => Promise.resolve({ ok: true, config: openConfig(config) }));
  }

  /** What `reload` does, with what is read when its turn comes. */
  static reload(gateway: RunningGateway, read: () => Promise<ReloadSource>): Promise<GatewayReload> {
    return gateway.#reloads!.begin(read);
  }

  close(options: { readonly deadline?: DurationInput | undefined } = {}): Promise<GatewayReport> {
    const { deadline } = options;
    return this.#stop(
      deadline === undefined ? this.#config.shutdownDeadline : toMilliseconds(deadline, "deadline"),
      undefined,
    );
  }

  destroy(): Promise<GatewayReport> {
    if (this.#lifetime.closing) {
      this.#until = Math.min(this.#until, this.#clock.now());
      for (const endpoint of this.endpoints.values()) Effect.runFork(endpoint.destroy());
    }
    return this.#stop(0, undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Closes its scope: the first call decides how. */
  #stop(deadlineMs: number, failure: MillraceError | undefined): Promise<GatewayReport> {
    if (!this.#lifetime.closing) {
      this.#deadline = deadlineMs;
      this.#failure = failure;
    }
    return Effect.runPromise(Effect.map(this.#lifetime.close, () => this.#report!));
  }

  #acquire(): Effect.Effect<void, MillraceError, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const config = this.#config;
      const clock = this.#clock;
      yield* Effect.addFinalizer(() => Effect.sync(() => this.#conclude()));
      if (config.telemetry !== undefined) {
        const context = {
          samples: () => this.samples(),
          log: this.#log,
          logLevel: () => this.#config.logLevel,
          clock,
        };
        const starting = startedBy(() => loadTelemetry(config.telemetry!, context));
        this.#telemetry = yield* this.#held(
          "telemetry",
          starting,
          (telemetry) => awaited(() => telemetry.close(this.#timeLeft())),
        );
      }
      const telemetry = this.#telemetry;
      const log = telemetry?.logger(this.#log) ?? this.#log;
      if (config.admin !== undefined) {
        const view = {
          notReady: () => this.notReady(),
          samples: () => this.samples(),
          pictures: () => [...this.endpoints.values()].map(picture),
          reloads: () => this.#reloads?.history.picture() ?? {},
        };
        const starting = startedBy(() => loadAdmin(config.admin!, view, { log, clock }));
        this.#admin = yield* this.#held("admin", starting, (admin) => awaited(() => admin.close()));
      }
      const bus = this.#bus = this.#options.bus ?? (yield* this.#held(
        "bus",
        startedBy(() => makeBus(config, this.#options, clock, log)),
        (bus) => Effect.andThen(this.#inTime(awaited(() => bus.flush())), awaited(() => bus.close())),
      ));
      const queue: SubscribeOptions = { limit: config.bus.queueMessages, byteLimit: config.bus.queueBytes };
      const output = () => this.#options.output ?? standardOutput();
      const printer = this.#printer = yield* this.#held(
        "print",
        Effect.sync(() => new Printer(bus, output, clock, queue)),
        (printer) => awaited(() => printer.close()),
      );
      yield* awaited(() => printer.print(config.endpoints));
      const memory = config.memoryBudget === undefined ? undefined : memoryBudget(config.memoryBudget);
      const drainSpread = () => this.#config.drainSpread;
      const deadline = () => this.#config.shutdownDeadline;
      const adapter = this.#adapter;
      const { onCodecError } = this.#options;
      const common = { bus, queue, clock, adapter, log, memory };
      const context = { ...common, drainSpread, deadline, telemetry, onCodecError };
      const making = Effect.sync(() => this.#group = new EndpointGroup(context));
      const group = yield* this.#held("endpoints", making, (group) => group.destroy());
      for (const settings of config.endpoints) {
        const starting = group.start(settings, this.#options.signal);
        yield* Effect.mapError(starting, (error) => namedError(`endpoint ${settings.name}`, error));
      }
      this.#reloads = new Reloads({
        ...{ adapter, clock, log, bus, group, printer },
        signal: this.#stopping.signal,
        state: () => this.state,
        config: () => this.#config,
        enforce: (config) => this.#config = config,
        hold: (effect) => this.#lifetime.hold(effect),
      });
      // Who hears that it has started may send to it.
      yield* awaited(() => bus.subscribed?.() ?? Promise.resolve());
      yield* Effect.addFinalizer(() => this.#drain());
      this.#state = "running";
      for (const failed of [bus.failed, printer.failed]) {
        void failed.then((failure) => {
          log({ level: "error", message: "the gateway is stopping", fields: { error: failure.message } });
          void this.#stop(this.#config.shutdownDeadline, failure);
        });
      }
    });
  }

  /** What is acquired, and released within the time that is left. */
  #held<Part>(
    what: string,
    acquiring: Effect.Effect<Part, unknown>,
    release: (part: Part) => Effect.Effect<unknown>,
  ): Effect.Effect<Part, MillraceError, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.mapError(acquiring, (error) => namedError(what, error)),
      (part) => this.#inTime(release(part), leastLetGoMs),
    );
  }

  /** Waits for it as long as there is time, and that much longer. */
  #inTime(effect: Effect.Effect<unknown>, more = 0): Effect.Effect<void> {
    return Effect.suspend(() => {
      return Effect.asVoid(Effect.timeoutOption(effect, this.#timeLeft() + more));
    });
  }

  /** What one part may take of the time until everything should be over. */
  #timeLeft(): number {
    return Math.max(leastLetGoMs, Math.min(letGoMs, this.#until - this.#clock.now()));
  }

  /** Released first: the endpoints finish what they have, all at a time. */
  #drain(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.#begun = this.#clock.now();
      const deadline = this.#deadline;
      this.#until = this.#begun + deadline;
      this.#state = "draining";
      const group = this.#group!;
      group.closing = true;
      this.#stopping.abort();
      const finishing = [...group.endpoints.values()].map((endpoint) => {
        const report = deadline === 0 ? endpoint.destroy() : endpoint.stop(deadline);
        return Effect.map(report, (report) => [endpoint.name, report] as const);
      });
      this.#reports = yield* Effect.all(finishing, { concurrency: "unbounded" });
      // Where one was under way, its endpoints have stopped, and it starts no others.
      yield* Effect.promise(() => this.#reloads!.settled);
    });
  }

  /** Released last. */
  #conclude(): void {
    const bus = this.#bus;
    this.#state = "stopped";
    this.#report = {
      endpoints: Object.fromEntries(this.#reports),
      destroyed: this.#reports.reduce((sum, [, report]) => sum + report.destroyed.length, 0),
      linesUnwritten: (this.#printer?.linesUnwritten ?? 0) +
        (bus !== undefined && "linesUnwritten" in bus ? (bus as LineBus).linesUnwritten : 0),
      framesSpooled: [...this.endpoints.values()]
        .reduce((sum, endpoint) => sum + (endpoint.traffic().spool?.frames ?? 0), 0),
      failure: this.#failure,
      durationMs: this.#clock.now() - this.#begun,
    };
    this.#finish(this.#report);
  }
}

/**
 * Starts a gateway and resolves when every endpoint listens; a client endpoint need not be connected yet.
 *
 * Rejects with `ConfigError` for what this runtime's sockets cannot do, before any of them opens, and with
 * `SocketError` when an address cannot be bound, after everything that had begun is closed again.
 */
export async function startGateway(
  config: GatewayConfig,
  options: GatewayOptions = {},
): Promise<RunningGateway> {
  const { signal } = options;
  const adapter = options.adapter ?? await detectAdapter();
  if (signal?.aborted) {
    throw new SocketError("aborted", "start the gateway: the caller's signal aborted it", {
      cause: signal.reason,
    });
  }
  if (config.processes !== undefined) {
    const expected = "to be left out: only the command millrace gateway starts processes";
    throw new ConfigError([{ path: "processes", found: config.processes.count, expected }]);
  }
  const faults = await abilityFaults(config, adapter, { clock: options.clock });
  if (faults.length > 0) throw new ConfigError(faults);
  return await Effect.runPromise(RunningGateway.start(config, options, adapter));
}

/** The result of a promise from outside. */
function startedBy<Part>(start: () => Promise<Part>): Effect.Effect<Part, unknown> {
  return Effect.tryPromise({ try: start, catch: (error) => error });
}

/** An HTTP server is not loaded by those who need none. */
async function loadAdmin(...given: Parameters<typeof startAdmin>): Promise<Admin> {
  const { startAdmin } = await import("./admin.ts");
  return await startAdmin(...given);
}

/** Nor is telemetry. */
async function loadTelemetry(...given: ConstructorParameters<typeof Telemetry>): Promise<Telemetry> {
  const { Telemetry } = await import("./telemetry/telemetry.ts");
  return new Telemetry(...given);
}
