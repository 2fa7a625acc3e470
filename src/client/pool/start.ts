/**
 * What a pool and a balancer begin with: their options are checked, and there is a function that connects to a target.
 *
 * Called by `pool.ts` and `balancer.ts`. Effect comes with the first of them, as with the first `connect`.
 */
import { detectAdapter } from "../../adapters/detect.ts";
import type { Connection } from "../../connection/connection.ts";
import type { Session } from "../../connection/session.ts";
import { onFirstUse } from "../../core/loading.ts";
import { OptionsCheck } from "../../core/options.ts";
import { type Clock, systemClock } from "../../core/time/clock.ts";
import { sharedWheel, type TimerWheel } from "../../core/time/timer_wheel.ts";
import type { Adapter } from "../../core/transport.ts";
import type { UncheckedConnectOptions } from "../connect_options.ts";
import { resolveConnect } from "../connect_settings.ts";
import type { ProxyHeaderOptions } from "../proxy_header_options.ts";
import { limited } from "./limited.ts";
import type { Place } from "./place.ts";
import type { PoolEvent } from "./pool_event.ts";
import {
  resolveTargets,
  targetsKeys,
  type TargetsSettings,
  type UncheckedTargets,
} from "./targets_settings.ts";

/** The client that a PROXY protocol header names. */
export type ProxySource = NonNullable<ProxyHeaderOptions["source"]>;

/** What a pool and a balancer take in common, before the check. */
export type UncheckedStart<Received, Sent, Context> =
  & Omit<
    UncheckedConnectOptions<Received, Sent, Context>,
    "port" | "host" | "path" | "address" | "proxyHeader" | "maxLifetime"
  >
  & UncheckedTargets
  & {
    readonly proxyHeader?: object | undefined;
    readonly healthCheck?: { readonly test?: UserCheck<Received, Sent, Context> | undefined } | undefined;
    readonly onEvent?: ((event: PoolEvent) => void) | undefined;
  };

/** Where to connect. */
type Where = Pick<Place<unknown>, "address" | "name">;

type UserCheck<Received, Sent, Context> = (
  connection: Connection<Received, Sent, Context>,
  signal: AbortSignal,
) => unknown;

/** What there is to begin with. */
export interface Start<Received, Sent, Context> {
  readonly settings: TargetsSettings;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Makes a connection. */
  connect(
    place: Where,
    source: ProxySource | undefined,
    signal: AbortSignal,
  ): Promise<Session<Received, Sent, Context>>;
  /** Asks over a connection whether its target is well; rejects if not. */
  test(connection: Connection<Received, Sent, Context>, signal: AbortSignal): Promise<void>;
  /** The same over one that is made for it, and closed. */
  probe(place: Where, signal: AbortSignal): Promise<true>;
  /** `test` asks, and does not only connect. */
  readonly asks: boolean;
  event(event: PoolEvent): void;
}

const load = onFirstUse(() => import("../client.ts"));
const hooks: readonly string[] = [
  "onFrame",
  "onConnect",
  "onFirstByte",
  "onDisconnect",
  "onFrameError",
  "onOtherProtocol",
  "onError",
];

/** Checks everything before a socket opens; `own` are further options, which are checked with the rest. */
export async function start<Received, Sent, Context, Own>(
  options: UncheckedStart<Received, Sent, Context>,
  ownKeys: readonly string[],
  checkKeys: readonly string[],
  own: (check: OptionsCheck) => Own,
  setup?: UserCheck<Received, Sent, Context>,
): Promise<Start<Received, Sent, Context> & { readonly own: Own }> {
  const check = new OptionsCheck();
  // What is no object has no options.
  check.keys(options, Object.keys(options ?? {}));
  const adapter: Adapter = options.adapter ?? await detectAdapter();
  const settings = resolveTargets(check, options, adapter, checkKeys);
  check.functions(options, ["onEvent"]);
  const resolved = own(check);
  check.done();
  const clock = options.clock ?? systemClock;
  const wheel = sharedWheel(clock);
  const { startSession } = await load();
  const kept = without(options, [...targetsKeys, ...ownKeys]);
  const bare = { ...without(kept, hooks), connectTimeout: settings.check?.timeout };
  const { tls, proxyHeader } = options;
  const whole = (
    base: object,
    { address, name }: Where,
    source: ProxySource | undefined,
  ) => ({
    ...base,
    adapter,
    clock,
    address,
    ...(tls !== undefined && name !== undefined && {
      tls: tls === true ? { serverName: name } : { serverName: name, ...tls },
    }),
    ...(proxyHeader !== undefined && source !== undefined && {
      proxyHeader: headerFor(proxyHeader, source),
    }),
  } as unknown as UncheckedConnectOptions<Received, Sent, Context>);
  for (const { address } of settings.targets) {
    resolveConnect(whole(kept, { address, name: undefined }, undefined), adapter);
  }

  const made = async (
    base: object,
    place: Where,
    source: ProxySource | undefined,
    signal: AbortSignal,
    ms: number,
  ) => {
    const session = await startSession({ ...whole(base, place, source), signal });
    if (setup === undefined) return session;
    const { connection } = session;
    try {
      await limited(wheel, ms, "connect", signal, (each) => setup(connection, each));
      return session;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  };
  const userTest = options.healthCheck?.test;
  const test = async (
    connection: Connection<Received, Sent, Context>,
    signal: AbortSignal,
  ): Promise<void> => {
    if (userTest === undefined) return;
    const { timeout } = settings.check!;
    const answer = await limited(wheel, timeout, "check", signal, (each) => userTest(connection, each));
    if (answer === false) throw new Error("check a connection: healthCheck.test gave false");
  };
  return {
    own: resolved,
    settings,
    clock,
    wheel,
    asks: userTest !== undefined,
    connect: (place, source, signal) => made(kept, place, source, signal, settings.connectTimeout),
    test,
    async probe(place, signal) {
      const { connection } = await made(bare, place, "local", signal, settings.check!.timeout);
      try {
        await test(connection, signal);
      } catch (error) {
        connection.destroy();
        throw error;
      }
      await connection.close();
      return true;
    },
    event(event) {
      try {
        options.onEvent?.(event);
      } catch {
        // It is nobody's fault but the listener's, and nobody else's connection may break for it.
      }
    },
  };
}

/** A health check has no client and nothing to tell of one. */
function headerFor(given: object, source: ProxySource): object {
  return source === "local" ? { ...without(given, ["tlvs", "destination"]), source } : { ...given, source };
}

function without(given: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(given).filter(([key]) => !keys.includes(key)));
}
