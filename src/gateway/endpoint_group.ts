/**
 * The endpoints of a gateway by name, each with its control and its listening socket, started and let go one by one.
 *
 * Used by `running_gateway.ts` at the start and at the end, and by `reload/` in between.
 */
import * as Effect from "effect/Effect";
import type { MemoryBudget } from "../connection/memory_budget.ts";
import { SocketError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { Clock } from "../core/time/clock.ts";
import type { Adapter } from "../core/transport.ts";
import type { ShutdownReport } from "../server/server_options.ts";
import type { Bus, SubscribeOptions } from "./buses/bus.ts";
import { ClientEndpoint } from "./client_endpoint.ts";
import type { Codec } from "./codecs/codec.ts";
import type { CodecError } from "./codecs/codec_error.ts";
import type { CodecSettings } from "./codecs/codec_settings.ts";
import type { EndpointConfig } from "./config/endpoint_config.ts";
import { Control } from "./control.ts";
import { KeptListener } from "./kept_listener.ts";
import { withFields } from "./log.ts";
import type { RunningEndpoint } from "./running_endpoint.ts";
import { ServerEndpoint } from "./server_endpoint.ts";
import { awaited } from "./patience.ts";
import type { SpoolConfig } from "./config/spool.ts";
import type { Spool, SpoolContext } from "./spool/spool.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** What endpoints have in common. */
interface GroupContext {
  readonly bus: Bus;
  readonly queue: SubscribeOptions;
  readonly clock: Clock;
  readonly adapter: Adapter;
  readonly log: Logger;
  readonly memory: MemoryBudget | undefined;
  readonly telemetry: Telemetry | undefined;
  readonly onCodecError: ((error: CodecError) => void) | undefined;
  drainSpread(): number;
  /** Of a drain that a control command asks for. */
  deadline(): number;
}

/** Endpoints at work. */
export class EndpointGroup {
  /** By name, in the order of the configuration. */
  readonly endpoints: Map<string, RunningEndpoint> = new Map();
  readonly controls: Map<string, Control> = new Map();
  /** Those that a reload lets go of: nobody waits for them to be ready. */
  readonly leaving: Set<string> = new Set();
  /** None is started any more. */
  closing = false;
  readonly #listeners: Map<string, KeptListener> = new Map();
  readonly #context: GroupContext;

  constructor(context: GroupContext) {
    this.#context = context;
  }

  get adapter(): Adapter {
    return this.#context.adapter;
  }

  /** Starts one, on a listening socket that is there already if there is one; `signal` aborts that. */
  start(
    settings: EndpointConfig,
    signal: AbortSignal | undefined,
    listener: KeptListener = new KeptListener(this.#context.adapter),
  ): Effect.Effect<RunningEndpoint, unknown> {
    return Effect.gen({ self: this }, function* () {
      const { name } = settings;
      if (this.closing) {
        const text = `start endpoint ${name}: the gateway is stopping, expected one that runs`;
        return yield* Effect.fail(new SocketError("closed", text));
      }
      const { bus, log, deadline, telemetry, ...rest } = this.#context;
      const tracer = telemetry?.tracer(settings, bus.name);
      const own = withFields(log, { endpoint: name });
      const codec = settings.codec && (yield* loaded(settings.codec));
      const spool = yield* Effect.tryPromise({
        try: () => openSpool(settings.spool, { bus, clock: rest.clock, log: own }),
        catch: (error) => error,
      });
      const context = { ...rest, bus, log: own, signal, adapter: listener.adapter, tracer, codec, spool };
      const starting: Effect.Effect<RunningEndpoint, unknown> = settings.mode === "server"
        ? ServerEndpoint.start(settings, context)
        : ClientEndpoint.start(settings, context);
      const endpoint = yield* Effect.onError(starting, () => awaited(async () => await spool?.close(0)));
      const control = new Control(endpoint, bus, own, deadline);
      yield* Effect.onError(
        Effect.try({ try: () => control.start(), catch: (error) => error }),
        () => endpoint.destroy(),
      );
      this.endpoints.set(name, endpoint);
      this.controls.set(name, control);
      this.#listeners.set(name, listener);
      listener.admit();
      return endpoint;
    });
  }

  /** Keeps the listening socket of one that is to be stopped, for the next. */
  hold(name: string): KeptListener {
    const listener = this.#listeners.get(name)!;
    listener.hold();
    return listener;
  }

  /** Stops one: within its deadline (ms), or at once for 0. It is forgotten when it is over. */
  stop(name: string, deadlineMs: number): Effect.Effect<ShutdownReport | undefined> {
    return Effect.suspend(() => {
      const endpoint = this.endpoints.get(name);
      if (endpoint === undefined) return Effect.succeed(undefined);
      const control = this.controls.get(name);
      const over = deadlineMs === 0 ? endpoint.destroy() : endpoint.stop(deadlineMs);
      const stopped = Effect.tap(over, () => control?.stop() ?? Effect.void);
      return Effect.tap(stopped, () => Effect.sync(() => this.#forget(name, endpoint)));
    });
  }

  /** Lets go of all. */
  destroy(): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      this.closing = true;
      const all = [...this.endpoints].map(([name, endpoint]) =>
        Effect.andThen(this.controls.get(name)?.stop() ?? Effect.void, endpoint.destroy())
      );
      return Effect.all(all, { concurrency: "unbounded" });
    });
  }

  /** As the configuration has them. */
  arrange(names: readonly string[]): void {
    for (const map of [this.endpoints, this.controls] as Map<string, unknown>[]) {
      const before = new Map(map);
      map.clear();
      for (const name of [...names, ...before.keys()]) if (before.has(name)) map.set(name, before.get(name));
    }
  }

  #forget(name: string, endpoint: RunningEndpoint): void {
    // While everything stops, those that look still find it.
    if (this.closing || this.endpoints.get(name) !== endpoint) return;
    for (const map of [this.endpoints, this.controls, this.#listeners]) map.delete(name);
  }
}

/** Those who keep nothing on disk load nothing for it. */
async function openSpool(
  config: SpoolConfig | undefined,
  context: SpoolContext,
): Promise<Spool | undefined> {
  return config && await (await import("./spool/spool.ts")).Spool.open(config, context);
}

/** Modules of codecs are loaded by those who have one. */
function loaded(settings: CodecSettings): Effect.Effect<Codec, unknown> {
  return Effect.tryPromise({
    try: async () => (await import("./codecs/load_codec.ts")).loadCodec(settings),
    catch: (error) => error,
  });
}
