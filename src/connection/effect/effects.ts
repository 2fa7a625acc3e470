/**
 * What a registry needs where handlers may be Effects: the services of the program around it to run them with, and its
 * tracer.
 *
 * Only the entry point `effect` loads it: with the Effect that the program itself has installed.
 */
import * as Cause from "effect/Cause";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Tracer from "effect/Tracer";
import type { Clock } from "../../core/time/clock.ts";
import type { EffectRunner } from "../user_code.ts";
import type { EffectSupport } from "../registry.ts";
import type { Session } from "../session.ts";
import { ConnectionSpans } from "./spans.ts";

/** Makes a runner for one connection; `spanned` adds the connection's span to services, if there is one. */
export type RunnerMaker<Received, Sent, Data> = (
  session: Session<Received, Sent, Data>,
  spanned: (services: Context.Context<never>) => Context.Context<never>,
  usual: EffectRunner,
) => EffectRunner;

/** Support for Effects that run with these services, and spans if they name a tracer. */
export function effectSupport<Received, Sent, Data>(
  services: Context.Context<never>,
  clock: Clock,
  kind: "server" | "client",
  makeRunner?: RunnerMaker<Received, Sent, Data>,
): EffectSupport<Received, Sent, Data> {
  const spans = services.mapUnsafe.has(Tracer.Tracer.key)
    ? new ConnectionSpans<Received, Sent, Data>(Context.get(services, Tracer.Tracer), clock, kind)
    : undefined;
  return {
    observers: spans === undefined ? [] : [spans],
    runnerFor: (session) => {
      const spanned = (given: Context.Context<never>) => spans?.services(session, given) ?? given;
      const usual = runnerWith(spanned(services));
      return makeRunner === undefined ? usual : makeRunner(session, spanned, usual);
    },
  };
}

function runnerWith(services: Context.Context<never>): EffectRunner {
  return (result, over) => {
    if (!Effect.isEffect(result)) return undefined;
    const fiber = Effect.runForkWith(services)(Effect.scoped(result as Effect.Effect<void, unknown>));
    fiber.addObserver((exit) => {
      if (Exit.isSuccess(exit)) over("done");
      else over(Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : { error: Cause.squash(exit.cause) });
    });
    return () => fiber.interruptUnsafe();
  };
}
