/** Reconnecting clients of programs written with Effect, whose waits may be a `Schedule`. Only the entry point `effect` loads it. */
import type * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import type * as Context from "effect/Context";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import type * as Scope from "effect/Scope";
import { isDone } from "../../connection/effect/connection_effects.ts";
import { clockOf } from "../../connection/effect/effect_clock.ts";
import { checkEffectVersion } from "../../connection/effect/effect_version.ts";
import { effectSupport } from "../../connection/effect/effects.ts";
import type { OptionsError } from "../../core/errors.ts";
import type { ConnectOptions } from "../connect_options.ts";
import { ClientFace } from "../reconnecting/client_face.ts";
import { dialling, type NextWait } from "../reconnecting/dialling.ts";
import type {
  ReconnectFailure,
  ReconnectOptions,
  ReconnectSettings,
} from "../reconnecting/reconnect_options.ts";
import { Reconnecting } from "../reconnecting/reconnecting.ts";
import type { ReconnectingClient } from "../reconnecting/reconnecting_client.ts";

/** Options of `reconnect`, whose waits may be a `Schedule`, which gets each failure. */
export type EffectReconnectOptions<Received, Sent = Received, Context = undefined, Services = never> =
  & ConnectOptions<Received, Sent, Context>
  & Omit<ReconnectSettings<Received, Sent, Context>, "reconnect">
  & {
    /**
     * As in `millrace/client`; or a `Schedule`, which begins anew after a connection that was open for `stableAfter`, and
     * whose end means giving up.
     */
    readonly reconnect?:
      | ReconnectSettings<Received, Sent, Context>["reconnect"]
      | Schedule.Schedule<unknown, ReconnectFailure, never, Services>;
  };

/**
 * A client that connects again and again for as long as the scope lives, as `reconnect` of `millrace/client`. Closing
 * the scope delivers what was sent, then closes it.
 *
 * Fails with `OptionsError` for options that are invalid.
 *
 * @example Waits as a schedule
 * ```ts
 * import * as Effect from "effect/Effect";
 * import * as Schedule from "effect/Schedule";
 * import { lines } from "@millrace/millrace";
 * import { reconnect, serve } from "@millrace/millrace/effect";
 *
 * const program = Effect.gen(function* () {
 *   const framing = lines({ encoding: "utf-8" });
 *   const server = yield* serve({ port: 0, framing, onFrame: (line) => console.log(line) }); // hello
 *   const client = yield* reconnect({
 *     port: server.address.port,
 *     framing,
 *     reconnect: Schedule.jittered(Schedule.exponential("1 second")),
 *   });
 *   yield* Effect.promise(() => client.deliver("hello"));
 * });
 * await Effect.runPromise(Effect.scoped(program));
 * ```
 */
export function reconnect<Received, Sent = Received, Context = undefined, Services = never>(
  options: EffectReconnectOptions<Received, Sent, Context, Services>,
): Effect.Effect<ReconnectingClient<Received, Sent, Context>, OptionsError, Scope.Scope | Services> {
  checkEffectVersion();
  const started = Effect.gen(function* () {
    const services = yield* Effect.context<Services>();
    const { reconnect: waits } = options;
    const schedule = Schedule.isSchedule(waits) ? waits : undefined;
    const given = schedule === undefined ? options : { ...options, reconnect: undefined };
    const client = yield* Effect.try({
      try: () =>
        new Reconnecting(given as ReconnectOptions<Received, Sent, Context>, {
          clock: clockOf(services),
          support: (clock) => effectSupport(services, clock, "client"),
        }),
      catch: (error) => error as OptionsError,
    });
    const next = schedule && stepsOf(schedule, services);
    yield* Effect.forkDetach(dialling(client, { next }), { startImmediately: true });
    return client;
  });
  const closed = (client: Reconnecting<Received, Sent, Context>) => Effect.promise(() => client.close());
  return Effect.map(Effect.acquireRelease(started, closed), (client) => new ClientFace(client));
}

/** Each failure is a step; the first one after a stable connection is the first of the schedule. */
function stepsOf<Services>(
  schedule: Schedule.Schedule<unknown, ReconnectFailure, never, Services>,
  services: Context.Context<Services>,
): NextWait {
  const begin = Schedule.toStep(schedule);
  let step: Effect.Success<typeof begin> | undefined = undefined;
  return (failure) =>
    Effect.provideContext(
      Effect.gen(function* () {
        if (step === undefined || failure.failures === 1) step = yield* begin;
        return yield* Effect.catchCause(
          Effect.map(step(yield* Clock.currentTimeMillis, failure), ([, wait]) => Duration.toMillis(wait)),
          (cause) =>
            isDone(cause) ? Effect.succeed(undefined) : Effect.failCause(cause as Cause.Cause<never>),
        );
      }),
      services,
    );
}
