/**
 * Reloads of one gateway, one after the other: a configuration is checked whole, compared with what runs, and put in force or
 * refused.
 *
 * Made by `running_gateway.ts`. What is done to endpoints is in `change_endpoints.ts`.
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { SocketError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { Adapter } from "../../core/transport.ts";
import type { Bus } from "../buses/bus.ts";
import { abilityFaults } from "../config/abilities.ts";
import type { GatewayConfig } from "../config/config.ts";
import type { ConfigFault, Locate } from "../config/fault.ts";
import type { EndpointGroup } from "../endpoint_group.ts";
import type { GatewayState } from "../gateway.ts";
import { unstored } from "../make_bus.ts";
import type { Printer } from "../printer.ts";
import { changeEndpoints } from "./change_endpoints.ts";
import { difference, restartFaults } from "./difference.ts";
import { type GatewayReload, nothingDone, ReloadHistory, reloadPicture } from "./reload_report.ts";

/** A configuration, or why there is none. */
export type ReloadSource =
  | { readonly ok: true; readonly config: GatewayConfig; readonly locate?: Locate }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** What the gateway lends it. */
interface ReloadContext {
  readonly adapter: Adapter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly bus: Bus;
  readonly group: EndpointGroup;
  readonly printer: Printer;
  /** Aborts what is being started when the gateway stops. */
  readonly signal: AbortSignal;
  state(): GatewayState;
  /** The one in force. */
  config(): GatewayConfig;
  enforce(config: GatewayConfig): void;
  /** On the gateway's clock. */
  hold<Value, Failure>(effect: Effect.Effect<Value, Failure>): Effect.Effect<Value, Failure>;
}

type Outcome = Omit<GatewayReload, "at" | "durationMs">;

/** Those of one gateway. */
export class Reloads {
  readonly history: ReloadHistory = new ReloadHistory();
  /** The last one is over; never rejects. */
  settled: Promise<unknown> = Promise.resolve();
  readonly #context: ReloadContext;

  constructor(context: ReloadContext) {
    this.#context = context;
  }

  /** What is to be in force is read when its turn comes. Rejects with `SocketError` `closed` where the gateway stops. */
  begin(read: () => Promise<ReloadSource>): Promise<GatewayReload> {
    const reload = this.settled.then(() => this.#reload(read));
    this.settled = reload.catch(() => {});
    return reload;
  }

  async #reload(read: () => Promise<ReloadSource>): Promise<GatewayReload> {
    this.#needRunning();
    const { clock, log } = this.#context;
    const begun = clock.now();
    const source = await read();
    const faults = source.ok ? await this.#faults(source) : source.faults;
    this.#needRunning();
    const outcome: Outcome = source.ok && faults.length === 0
      ? await this.#change(source.config)
      : { ...nothingDone, outcome: "refused", faults };
    const report = { ...outcome, at: clock.wallTime(), durationMs: clock.now() - begun };
    this.history.add(report);
    const fields = reloadPicture(report);
    if (report.outcome === "done") log({ level: "info", message: "configuration reloaded", fields });
    else log({ level: "error", message: "configuration not reloaded", fields });
    return report;
  }

  #needRunning(): void {
    const state = this.#context.state();
    if (state === "running") return;
    throw new SocketError("closed", `reload: the gateway is ${state}, expected one that is running`);
  }

  async #faults(
    { config, locate }: Extract<ReloadSource, { readonly ok: true }>,
  ): Promise<readonly ConfigFault[]> {
    const { adapter, clock } = this.#context;
    const restart = restartFaults(this.#context.config(), config, locate);
    return [...restart, ...await abilityFaults(config, adapter, { locate, clock })];
  }

  /** Puts a configuration in force that is in order. */
  async #change(config: GatewayConfig): Promise<Outcome> {
    const { signal, hold, enforce, bus, group, printer } = this.#context;
    const settings = () => [...group.endpoints.values()].map(({ settings }) => settings);
    const plan = difference(settings(), config.endpoints);
    const unfit = unstored(bus, config.bus, config.endpoints, config.node);
    if (unfit !== undefined) return { ...nothingDone, outcome: "undone", error: unfit };
    await printer.print([...settings(), ...config.endpoints]);
    const { shutdownDeadline } = this.#context.config();
    const changing = changeEndpoints(plan, group, shutdownDeadline, signal);
    const result = await Effect.runPromise(hold(Effect.result(changing)));
    if (Result.isSuccess(result)) {
      enforce(config);
      group.arrange(config.endpoints.map(({ name }) => name));
      await Promise.all([...group.endpoints.values()].map((endpoint) => endpoint.reloadCertificates?.()));
    }
    await printer.print(settings());
    await bus.subscribed?.().catch(() => {});
    if (Result.isFailure(result)) return { ...nothingDone, ...result.failure, outcome: "undone" };
    const { unchanged, added, removed, replaced, updates } = plan;
    const updated = updates.map(({ settings: { name } }) => name);
    const { success: destroyed } = result;
    return { ...nothingDone, outcome: "done", unchanged, added, removed, replaced, updated, destroyed };
  }
}
