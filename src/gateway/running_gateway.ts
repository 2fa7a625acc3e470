/**
 * The gateway: endpoints, a bus between them and whoever works on their frames, an admin endpoint.
 *
 * Started from a checked configuration, by the command line or as a library. Everything is acquired in one
 * order and let go in the reverse one: admin, bus, endpoints, readiness.
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { detectAdapter } from "../adapters/detect.ts";
import { type Clock, systemClock } from "../core/time/clock.ts";
import { type DurationInput, toMilliseconds } from "../core/time/duration.ts";
import { MillraceError, SocketError } from "../core/errors.ts";
import type { Adapter } from "../core/transport.ts";
import { standardInput } from "../host/standard_input.ts";
import { standardError, standardOutput } from "../host/standard_output.ts";
import type { MetricSample } from "../server/metrics.ts";
import type { Logger } from "../core/logger.ts";
import type { Admin, AdminView, startAdmin } from "./admin.ts";
import type { Bus, SubscribeOptions } from "./buses/bus.ts";
import { memoryBus } from "./buses/memory_bus.ts";
import { type LineBus, stdioBus } from "./buses/stdio_bus.ts";
import { ClientEndpoint } from "./client_endpoint.ts";
import { abilityFaults } from "./config/abilities.ts";
import type { GatewayConfig } from "./config/config.ts";
import type { EndpointConfig } from "./config/endpoint_config.ts";
import { Control } from "./control.ts";
import type { Endpoint, GatewayEndpoint } from "./endpoint.ts";
import { ConfigError } from "./errors.ts";
import type { Gateway, GatewayOptions, GatewayReport, GatewayState } from "./gateway.ts";
import { lineLogger, Sparingly, withFields } from "./log.ts";
import { within } from "./patience.ts";
import { Printer } from "./printer.ts";
import { gatewaySamples } from "./samples.ts";
import { type EndpointContext, ServerEndpoint } from "./server_endpoint.ts";

/** The most that each part may take to let go of what it still holds, and the least that it gets. */
const letGoMs = 2_000;
const leastLetGoMs = 50;

/** When everything should be over, on the clock; `Infinity` while nothing is being let go. */
interface Grace {
  until: number;
}

interface Parts {
  /** Resolve when something is gone that the gateway cannot be without. */
  readonly failures: readonly Promise<MillraceError>[];
  /** Lines that are not out. */
  readonly unwritten: () => number;
  readonly grace: Grace;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly admin: Admin | undefined;
  readonly endpoints: Map<string, Endpoint>;
  readonly controls: Map<string, Control>;
}

/** A gateway at work. What its public members mean is said at `Gateway`. */
class RunningGateway implements Gateway {
  readonly bus: Bus;
  readonly endpoints: ReadonlyMap<string, GatewayEndpoint>;
  readonly adminUrl: string | undefined;
  readonly finished: Promise<GatewayReport>;
  readonly #config: GatewayConfig;
  readonly #parts: Parts;
  readonly #release: () => Promise<void>;
  #state: GatewayState = "running";
  #stopping: Promise<GatewayReport> | undefined = undefined;
  #finish!: (report: GatewayReport) => void;

  constructor(config: GatewayConfig, parts: Parts, release: () => Promise<void>) {
    this.#config = config;
    this.bus = parts.bus;
    this.endpoints = parts.endpoints;
    this.adminUrl = parts.admin?.url;
    this.#parts = parts;
    this.#release = release;
    this.finished = new Promise((resolve) => this.#finish = resolve);
    for (const failed of parts.failures) {
      void failed.then((failure) => {
        parts.log({ level: "error", message: "the gateway stops", fields: { error: failure.message } });
        void this.#stop(config.shutdownDeadline, failure);
      });
    }
  }

  get state(): GatewayState {
    return this.#state;
  }

  samples(): MetricSample[] {
    return gatewaySamples(this.bus, this.#parts.endpoints.values(), this.#parts.controls);
  }

  notReady(): readonly string[] {
    if (this.#state !== "running") return [`the gateway is ${this.#state}`];
    return [...this.endpoints.values()].filter((endpoint) => !endpoint.ready)
      .map(({ name, mode, state }) =>
        `endpoint ${name} is ${mode === "client" && state === "running" ? "not connected" : state}`
      );
  }

  close(options: { readonly deadline?: DurationInput | undefined } = {}): Promise<GatewayReport> {
    const { deadline } = options;
    return this.#stop(
      deadline === undefined ? this.#config.shutdownDeadline : toMilliseconds(deadline, "deadline"),
      undefined,
    );
  }

  destroy(): Promise<GatewayReport> {
    if (this.#stopping !== undefined) {
      this.#parts.grace.until = Math.min(this.#parts.grace.until, this.#parts.clock.now());
      for (const endpoint of this.#parts.endpoints.values()) {
        void endpoint.destroy();
      }
    }
    return this.#stop(0, undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #stop(deadlineMs: number, failure: MillraceError | undefined): Promise<GatewayReport> {
    return this.#stopping ??= this.#letGo(deadlineMs, failure);
  }

  async #letGo(deadlineMs: number, failure: MillraceError | undefined): Promise<GatewayReport> {
    const { clock, grace } = this.#parts;
    const begun = clock.now();
    grace.until = begun + deadlineMs;
    this.#state = "draining";
    const reports = await Promise.all([...this.#parts.endpoints.values()].map(async (endpoint) => {
      const report = await (deadlineMs === 0 ? endpoint.destroy() : endpoint.drain(deadlineMs));
      return [endpoint.name, report] as const;
    }));
    await this.#release();
    this.#state = "stopped";
    const destroyed = reports.reduce((sum, [, report]) => sum + report.destroyed.length, 0);
    const endpoints = Object.fromEntries(reports);
    const linesUnwritten = this.#parts.unwritten();
    const durationMs = clock.now() - begun;
    const report: GatewayReport = { endpoints, destroyed, linesUnwritten, failure, durationMs };
    this.#finish(report);
    return report;
  }
}

/**
 * Starts a gateway and resolves when every endpoint listens; one that dials need not be connected yet.
 *
 * Rejects with `ConfigError` for what this runtime's sockets cannot do, before any of them opens, and with
 * `SocketError` when an address cannot be bound, after everything that had begun is closed again.
 */
export async function startGateway(config: GatewayConfig, options: GatewayOptions = {}): Promise<Gateway> {
  const adapter = options.adapter ?? await detectAdapter();
  const faults = await abilityFaults(config, adapter, { clock: options.clock });
  if (faults.length > 0) throw new ConfigError(faults);
  const scope = Scope.makeUnsafe();
  const release = (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void));
  const exit = await Effect.runPromiseExit(Scope.provide(acquire(config, options, adapter, release), scope));
  if (Exit.isSuccess(exit)) return exit.value;
  await Effect.runPromise(Scope.close(scope, exit));
  return await Effect.runPromise(exit);
}

function acquire(
  config: GatewayConfig,
  options: GatewayOptions,
  adapter: Adapter,
  release: () => Promise<void>,
): Effect.Effect<Gateway, MillraceError, Scope.Scope> {
  return Effect.gen(function* () {
    const { clock = systemClock } = options;
    const log = options.logger ?? lineLogger(standardError(), config.logLevel, clock);
    const grace: Grace = { until: Infinity };
    /** Something that is started, and let go when the scope closes, within the time that is left. */
    const held = <T>(
      what: string,
      started: Promise<T>,
      letGo: (thing: T, limit: () => number) => Promise<unknown>,
    ): Effect.Effect<T, MillraceError, Scope.Scope> => {
      const limit = (): number => Math.max(leastLetGoMs, Math.min(letGoMs, grace.until - clock.now()));
      return Effect.acquireRelease(
        Effect.tryPromise({ try: () => started, catch: (error) => named(what, error) }),
        (thing) => Effect.promise(() => within(letGo(thing, limit), limit() + leastLetGoMs, clock)),
      );
    };
    const endpoints = new Map<string, Endpoint>();
    const controls = new Map<string, Control>();
    let gateway: RunningGateway | undefined = undefined;
    const view: AdminView = {
      endpoints: { [Symbol.iterator]: () => endpoints.values() },
      notReady: () => gateway?.notReady() ?? ["the gateway is starting"],
      samples: () => gateway?.samples() ?? [],
    };
    const admin = config.admin === undefined
      ? undefined
      : yield* held("admin", loadAdmin(config.admin, view, { log, clock }), (admin) => admin.close());
    const bus = options.bus ?? (yield* held(
      "bus",
      Promise.resolve(makeBus(config, options, clock, log)),
      async (bus, limit) => {
        await within(bus.flush(), limit(), clock);
        await bus.close();
      },
    ));
    const queue: SubscribeOptions = { limit: config.bus.queueMessages, byteLimit: config.bus.queueBytes };
    const printed = config.endpoints.filter(({ print }) => print);
    const printer = printed.length === 0 ? undefined : yield* held(
      "print",
      Promise.resolve(new Printer(bus, printed, options.output ?? standardOutput(), clock, queue)),
      (printer) => printer.close(),
    );
    for (const settings of config.endpoints) {
      const own = withFields(log, { endpoint: settings.name });
      const context = { bus, queue, clock, adapter, log: own };
      const what = `endpoint ${settings.name}`;
      const endpoint = yield* held(
        what,
        startEndpoint(settings, context),
        (endpoint) => endpoint.destroy(),
      );
      endpoints.set(settings.name, endpoint);
      const control = new Control(endpoint, bus, own, config.shutdownDeadline);
      yield* held(what, Promise.resolve(control.start()), () => control.stop());
      controls.set(settings.name, control);
    }
    const unwritten = (): number =>
      (printer?.linesUnwritten ?? 0) + ("linesUnwritten" in bus ? (bus as LineBus).linesUnwritten : 0);
    const failures = printer === undefined ? [bus.failed] : [bus.failed, printer.failed];
    const parts = { grace, bus, clock, log, admin, endpoints, controls, unwritten, failures };
    return gateway = new RunningGateway(config, parts, release);
  });
}

/** An HTTP server is not loaded by those who need none. */
async function loadAdmin(...given: Parameters<typeof startAdmin>): Promise<Admin> {
  const { startAdmin } = await import("./admin.ts");
  return await startAdmin(...given);
}

/** The same error, saying which part of the gateway it was. */
function named(what: string, error: unknown): MillraceError {
  if (error instanceof SocketError) {
    return new SocketError(error.reason, `${what}: ${error.message}`, { cause: error });
  }
  if (error instanceof MillraceError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new SocketError("unknown", `${what}: ${text}`, { cause: error });
}

async function startEndpoint(settings: EndpointConfig, context: EndpointContext): Promise<Endpoint> {
  if (settings.mode === "server") return await ServerEndpoint.start(settings, context);
  const endpoint = new ClientEndpoint(settings, context);
  endpoint.start();
  return endpoint;
}

function makeBus(config: GatewayConfig, options: GatewayOptions, clock: Clock, log: Logger): Bus {
  const onHandlerError = (error: unknown, message: { readonly subject: string }): void => {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    log({
      level: "error",
      message: "message handler failed",
      fields: { subject: message.subject, error: text },
    });
  };
  if (config.bus.type === "memory") return memoryBus({ clock, onHandlerError });
  const { output = standardOutput(), input = standardInput() } = options;
  const sparingly = new Sparingly(log);
  const onRefused = (reason: string): void => sparingly.warn("line of input skipped", { error: reason });
  return stdioBus({ output, input, clock, onHandlerError, onRefused });
}
