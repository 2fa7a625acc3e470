/**
 * Draining: everybody is told, finishes what it has and goes; who is still there at the deadline is
 * destroyed (F-18). Called by `server.ts` once the listener is closed.
 */
import * as Effect from "effect/Effect";
import type { Connection } from "../connection/connection.ts";
import { tellQuietly } from "../connection/hooks.ts";
import type { Registry } from "../connection/registry.ts";
import type { Session } from "../connection/session.ts";
import { inSlices } from "../core/time/slices.ts";
import type { ShutdownReport } from "./server_options.ts";

/** How long the destroyed ones get to report their end; a runtime does that in its next turn. */
const afterDestroying = 1000;
/** Peers that send without a pause do not put draining off for longer than this many looks, of a millisecond or two. */
const mostLooks = 20;
/** So many looks in a row must find nothing: on a busy machine a runtime may come back from a timer without one. */
const quietLooks = 3;

/** Connections whose counters are added up in one turn. */
const summedAtOnce = 16_384;

/** Succeeds, always, at the latest shortly after the deadline (ms; 0 destroys at once). */
export function drain<Received, Sent, Context>(
  registry: Registry<Received, Sent, Context>,
  deadline: number,
  onDrain: ((connection: Connection<Received, Sent, Context>) => void) | undefined,
): Effect.Effect<ShutdownReport> {
  return Effect.gen(function* () {
    const begun = registry.clock.now();
    const open = registry.remaining;
    if (deadline > 0) {
      const { clock } = registry;
      const told: Session<Received, Sent, Context>[] = [];
      yield* Effect.promise(() =>
        inSlices(clock, [...registry.sessions], (session) => {
          if (!session.life.drain()) return;
          told.push(session);
          tellQuietly(session, registry, () => onDrain?.(session.connection));
        })
      );
      yield* readOut(registry, told);
      yield* Effect.promise(() => inSlices(clock, told, ({ pipeline }) => pipeline.stopAtBoundary()));
      yield* emptyOr(registry, Math.max(0, begun + deadline - clock.now()));
    }
    if (!registry.empty) yield* Effect.promise(() => registry.destroyAll());
    if (!registry.empty) yield* emptyOr(registry, afterDestroying);
    const { destroyed } = registry;
    return { open, drained: open - destroyed.length, destroyed, durationMs: registry.clock.now() - begun };
  });
}

/**
 * What the kernel holds already was sent before the peers could know, so it is read first: until looks at all
 * sockets find nothing more. Only a timer is sure to make a runtime look; Deno goes through sixty ends of turns
 * before it does, and reads in several of its turns what is there at once.
 */
function readOut<Received, Sent, Context>(
  { clock }: Registry<Received, Sent, Context>,
  told: readonly Session<Received, Sent, Context>[],
): Effect.Effect<void> {
  return Effect.callback<void>((resume) => {
    let looks = 0;
    let quiet = 0;
    let before = -1;
    const look = async () => {
      let bytesReceived = 0;
      const add = ({ pipeline }: Session<Received, Sent, Context>) => {
        bytesReceived += pipeline.bytesReceived;
      };
      await inSlices(clock, told, add, summedAtOnce);
      quiet = bytesReceived === before ? quiet + 1 : 0;
      if (quiet === quietLooks || ++looks > mostLooks) return resume(Effect.void);
      before = bytesReceived;
      clock.setTimer(() => clock.endOfTurn(() => void look()), 0);
    };
    void look();
  });
}

/** Waits until the registry is empty, on the registry's own clock, so that a test's clock governs it too. */
function emptyOr<Received, Sent, Context>(
  registry: Registry<Received, Sent, Context>,
  ms: number,
): Effect.Effect<void> {
  const empty = Effect.callback<void>((resume) => {
    const withdraw = registry.whenEmpty(() => resume(Effect.void));
    return Effect.sync(withdraw);
  });
  if (ms === Infinity) return empty;
  const passed = Effect.callback<void>((resume) => {
    const timer = registry.clock.setTimer(() => resume(Effect.void), ms);
    return Effect.sync(() => registry.clock.clearTimer(timer));
  });
  return Effect.raceFirst(empty, passed);
}
