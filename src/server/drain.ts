/**
 * Draining: everybody is told, finishes what it has and goes; who is still there at the deadline is
 * destroyed. Called by `socket_server.ts` once the listener is closed.
 */
import * as Effect from "effect/Effect";
import type { Connection } from "../connection/connection.ts";
import { tellQuietly } from "../connection/user_code.ts";
import type { Registry } from "../connection/registry.ts";
import type { Session } from "../connection/session.ts";
import type { Clock } from "../core/time/clock.ts";
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

/**
 * Succeeds, always, at the latest shortly after the deadline (ms; 0 destroys at once) on the clock of the Effect that
 * it is part of, which is the registry's.
 */
export function drain<Received, Sent, Context>(
  registry: Registry<Received, Sent, Context>,
  deadline: number,
  onDrain: ((connection: Connection<Received, Sent, Context>) => void) | undefined,
): Effect.Effect<ShutdownReport> {
  const { clock } = registry;
  return Effect.gen(function* () {
    const begun = clock.now();
    const open = registry.remaining;
    if (deadline > 0) {
      const told: Session<Received, Sent, Context>[] = [];
      yield* forAll(clock, [...registry.sessions], (session) => {
        if (!session.life.drain()) return;
        told.push(session);
        tellQuietly(session, registry, () => onDrain?.(session.connection));
      });
      yield* readOut(clock, told);
      yield* forAll(clock, told, ({ pipeline }) => pipeline.stopAtBoundary());
      yield* Effect.timeoutOption(whenEmpty(registry), Math.max(0, begun + deadline - clock.now()));
    }
    if (!registry.empty) yield* allDestroyed(registry);
    if (!registry.empty) yield* Effect.timeoutOption(whenEmpty(registry), afterDestroying);
    const { destroyed } = registry;
    return { open, drained: open - destroyed.length, destroyed, durationMs: clock.now() - begun };
  });
}

/**
 * What the kernel holds already was sent before the peers could know, so it is read first: until looks at all
 * sockets find nothing more. Only a timer is sure to make a runtime look; Deno goes through sixty ends of turns
 * before it does, and reads in several of its turns what is there at once.
 */
function readOut<Received, Sent, Context>(
  clock: Clock,
  told: readonly Session<Received, Sent, Context>[],
): Effect.Effect<void> {
  return Effect.gen(function* () {
    let quiet = 0;
    let before = -1;
    for (let looks = 0; looks <= mostLooks && quiet < quietLooks; looks++) {
      if (looks > 0) yield* aLook(clock);
      let bytesReceived = 0;
      yield* forAll(
        clock,
        told,
        ({ pipeline }) => void (bytesReceived += pipeline.bytesReceived),
        summedAtOnce,
      );
      quiet = bytesReceived === before ? quiet + 1 : 0;
      before = bytesReceived;
    }
  });
}

/** The runtime has looked at its sockets, and taken in what it found. */
function aLook(clock: Clock): Effect.Effect<void> {
  return Effect.callback<void>((resume) => {
    clock.setTimer(() => clock.endOfTurn(() => resume(Effect.void)), 0);
  });
}

function forAll<Item>(
  clock: Clock,
  items: readonly Item[],
  each: (item: Item) => void,
  size?: number,
): Effect.Effect<void> {
  return Effect.callback<void>((resume) => inSlices(clock, items, each, settling(resume), size));
}

function allDestroyed<Received, Sent, Context>(
  registry: Registry<Received, Sent, Context>,
): Effect.Effect<void> {
  return Effect.callback<void>((resume) => registry.destroyAll(settling(resume)));
}

/** What a part of ours throws is a defect. */
function settling(resume: (outcome: Effect.Effect<void>) => void): (error?: unknown) => void {
  return (error) => resume(error === undefined ? Effect.void : Effect.die(error));
}

function whenEmpty<Received, Sent, Context>(
  registry: Registry<Received, Sent, Context>,
): Effect.Effect<void> {
  return Effect.callback<void>((resume) => {
    const withdraw = registry.whenEmpty(() => resume(Effect.void));
    return Effect.sync(withdraw);
  });
}
