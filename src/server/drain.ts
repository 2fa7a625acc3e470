/**
 * Draining: everybody is told, at once or spread over time, finishes what it has and goes; who is still there at the
 * deadline is destroyed. Called by `socket_server.ts` once the listener is closed.
 */
import * as Effect from "effect/Effect";
import type { Connection } from "../connection/connection.ts";
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

/** Connections that are told at different times are told so many ms apart, and at so many times, at most. */
const finestStep = 20;
const mostSteps = 1_000;

/** How it is done. */
interface DrainTerms<Received, Sent, Context> {
  /** In ms; 0 destroys at once. */
  readonly deadline: number;
  /** Over how many ms connections are told; no more than half the deadline, so that the last ones have as long. */
  readonly spread: number;
  /** Another process has the socket: those that have just come may still send their first bytes. */
  readonly succeeded: boolean;
  readonly onDrain: ((connection: Connection<Received, Sent, Context>) => void) | undefined;
}

/**
 * Succeeds, always, at the latest shortly after the deadline, on the clock of the Effect that it is part of, which is
 * the registry's.
 */
export function drain<Received, Sent, Context>(
  registry: Registry<Received, Sent, Context>,
  { deadline, spread, succeeded, onDrain }: DrainTerms<Received, Sent, Context>,
): Effect.Effect<ShutdownReport> {
  const { clock } = registry;
  return Effect.gen(function* () {
    const begun = clock.now();
    const open = registry.remaining;
    if (deadline > 0) {
      const steps = inSteps([...registry.sessions], Math.min(spread, deadline / 2));
      const retiring = Effect.forEach(steps, ({ at, members }) => {
        const retired = retire(clock, members, succeeded, onDrain);
        return at === 0 ? retired : Effect.delay(retired, at);
      }, { concurrency: "unbounded", discard: true });
      const over = Effect.raceFirst(Effect.andThen(retiring, Effect.never), whenEmpty(registry));
      yield* Effect.timeoutOption(over, deadline);
    }
    if (!registry.empty) yield* allDestroyed(registry);
    if (!registry.empty) yield* Effect.timeoutOption(whenEmpty(registry), afterDestroying);
    const { destroyed: unfinished } = registry;
    const destroyed = unfinished.map(({ id }) => id);
    return { open, drained: open - destroyed.length, destroyed, unfinished, durationMs: clock.now() - begun };
  });
}

/** Who is told when, evenly. */
function inSteps<Item>(items: readonly Item[], spread: number): readonly {
  readonly at: number;
  readonly members: readonly Item[];
}[] {
  const count = Math.max(1, Math.min(items.length, mostSteps, Math.floor(spread / finestStep)));
  const begin = (step: number): number => Math.floor(step * items.length / count);
  return Array.from({ length: count }, (_, step) => ({
    at: spread * step / count,
    members: items.slice(begin(step), begin(step + 1)),
  }));
}

/** These are told; each reads on for as long as a goodbye may take to be read, and stops at a frame boundary. */
function retire<Received, Sent, Context>(
  clock: Clock,
  sessions: readonly Session<Received, Sent, Context>[],
  succeeded: boolean,
  onDrain: DrainTerms<Received, Sent, Context>["onDrain"],
): Effect.Effect<void> {
  return Effect.gen(function* () {
    const told: Session<Received, Sent, Context>[] = [];
    let wait = 0;
    yield* forAll(clock, sessions, (session) => {
      const more = session.retire("drained", onDrain);
      if (more === undefined) return;
      told.push(session);
      wait = Math.max(wait, more);
    });
    if (wait > 0) yield* Effect.sleep(wait);
    if (succeeded) yield* firstBytes(clock, told);
    yield* readOut(clock, told);
    yield* forAll(clock, told, ({ pipeline }) => pipeline.stopAtBoundary());
  });
}

/** How long a connection that has just come may take for its first bytes, and how often that is looked at, in ms. */
const newcomerMs = 250;
const newcomerLook = 10;

/** Waits for the first bytes of those that have just come: a peer that connects is about to send its request. */
function firstBytes<Received, Sent, Context>(
  clock: Clock,
  told: readonly Session<Received, Sent, Context>[],
): Effect.Effect<void> {
  const since = clock.wallTime() - newcomerMs;
  const isSilent = ({ startedAt, pipeline, life }: Session<Received, Sent, Context>): boolean =>
    pipeline.bytesReceived === 0 && startedAt >= since && life.state === "draining";
  const heard = (among: readonly Session<Received, Sent, Context>[]): Effect.Effect<void> => {
    const silent = among.filter(isSilent);
    if (silent.length === 0) return Effect.void;
    return Effect.andThen(Effect.sleep(newcomerLook), Effect.suspend(() => heard(silent)));
  };
  return Effect.asVoid(Effect.timeoutOption(Effect.suspend(() => heard(told)), newcomerMs));
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
