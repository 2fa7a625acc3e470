/**
 * Carries out a difference: what may fail comes before connections are let go, and a failure takes back what has begun.
 *
 * Called by `running_gateway.ts`, one reload at a time.
 */
import * as Effect from "effect/Effect";
import type { MillraceError } from "../../core/errors.ts";
import type { EndpointGroup } from "../endpoint_group.ts";
import { namedError } from "../errors.ts";
import { KeptListener } from "../kept_listener.ts";
import { awaited } from "../patience.ts";
import { listenOptions } from "../server_endpoint.ts";
import type { Difference } from "./difference.ts";

/** A failure, and what could not be started again after it. */
interface NotChanged {
  readonly error: MillraceError;
  readonly lost: readonly string[];
}

/** Succeeds with the number of connections that were destroyed at the deadline (ms). */
export function changeEndpoints(
  plan: Difference,
  group: EndpointGroup,
  deadlineMs: number,
  signal: AbortSignal,
): Effect.Effect<number, NotChanged> {
  return Effect.gen(function* () {
    const lost: string[] = [];
    const undo: Effect.Effect<unknown>[] = [];
    const changing = change(plan, group, { deadlineMs, signal, undo, lost });
    return yield* Effect.catch(changing, (error) =>
      Effect.andThen(
        Effect.forEach(undo.toReversed(), (step) => step),
        Effect.suspend(() => Effect.fail({ error, lost })),
      ));
  });
}

interface Course {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** What takes back the steps so far, the last one last. */
  readonly undo: Effect.Effect<unknown>[];
  readonly lost: string[];
}

function change(
  { independent, heirs, updates, going }: Difference,
  group: EndpointGroup,
  { deadlineMs, signal, undo, lost }: Course,
): Effect.Effect<number, MillraceError> {
  return Effect.gen(function* () {
    for (const settings of independent) {
      yield* ofEndpoint(settings.name, group.start(settings, signal));
      undo.push(group.stop(settings.name, 0));
    }
    const listeners = new Map<string, KeptListener>();
    for (const { settings, from, free } of heirs) {
      if (from !== undefined || !free || settings.mode === "client") continue;
      const listener = new KeptListener(group.adapter);
      const options = listenOptions(settings, group.adapter);
      yield* ofEndpoint(settings.name, attempt(() => listener.bind(options)));
      undo.push(Effect.promise(() => listener.close()));
      listeners.set(settings.name, listener);
    }
    for (const { before, settings, keys } of updates) {
      const endpoint = group.endpoints.get(settings.name);
      yield* ofEndpoint(
        settings.name,
        Effect.try({
          try: () => endpoint?.change?.(settings, keys),
          catch: (error) => error,
        }),
      );
      undo.push(Effect.sync(() => endpoint?.change?.(before, keys)));
    }
    for (const { settings, from } of heirs) {
      if (from !== undefined) listeners.set(settings.name, group.hold(from));
    }
    for (const { name } of going) group.leaving.add(name);
    const stopping = going.map(({ name }) => group.stop(name, deadlineMs));
    const reports = yield* Effect.all(stopping, { concurrency: "unbounded" });
    group.leaving.clear();
    for (const settings of going) {
      const heir = heirs.find(({ from }) => from === settings.name)?.settings.name;
      const listener = heir === undefined ? undefined : listeners.get(heir);
      undo.push(Effect.catch(group.start(settings, signal, listener), () => {
        if (!group.closing) lost.push(settings.name);
        return awaited(() => listener?.close() ?? Promise.resolve());
      }));
    }
    for (const { settings } of heirs) {
      yield* ofEndpoint(settings.name, group.start(settings, signal, listeners.get(settings.name)));
      undo.push(group.stop(settings.name, 0));
    }
    return reports.reduce((sum, report) => sum + (report?.destroyed.length ?? 0), 0);
  });
}

function ofEndpoint<Value>(
  name: string,
  effect: Effect.Effect<Value, unknown>,
): Effect.Effect<Value, MillraceError> {
  return Effect.mapError(effect, (error) => namedError(`endpoint ${name}`, error));
}

function attempt<Value>(run: () => Promise<Value>): Effect.Effect<Value, unknown> {
  return Effect.tryPromise({ try: run, catch: (error) => error });
}
