/** The attempts of a reconnecting client, one after the other, each in a scope of its own; loaded by the first one. */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import { clockService } from "../../connection/effect/clock_service.ts";
import type { Session } from "../../connection/session.ts";
import { OptionsError, TimeoutError } from "../../core/errors.ts";
import { addressText } from "../../core/text/place.ts";
import { scopedSession } from "../client.ts";
import type { UncheckedConnectOptions } from "../connect_options.ts";
import type { ReconnectFailure } from "./reconnect_options.ts";
import type { Reconnecting } from "./reconnecting.ts";

/** What is read anew for each connection, such as certificates from files. */
type Renewal<Received, Sent, Context> = Effect.Effect<
  Pick<UncheckedConnectOptions<Received, Sent, Context>, "tls">,
  unknown
>;

/** The milliseconds to wait after a failure; undefined for no further attempt. */
export type NextWait = (failure: ReconnectFailure) => Effect.Effect<number | undefined>;

/** What attempts are made with, besides the options. */
interface AttemptParts<Received, Sent, Context> {
  readonly renewed?: Renewal<Received, Sent, Context> | undefined;
  /** In the place of the option. */
  readonly next?: NextWait | undefined;
}

/** Connects, again and again, until the client is closed or has given up. */
export function dialling<Received, Sent, Context>(
  client: Reconnecting<Received, Sent, Context>,
  parts: AttemptParts<Received, Sent, Context> = {},
): Effect.Effect<void> {
  const attempts = Effect.gen(function* () {
    while (!client.stopped) {
      const wait = yield* attempt(client, parts);
      if (wait === undefined) return;
      yield* untilStopped(client, Effect.sleep(wait));
      yield* untilStopped(client, roomForFrames(client));
    }
  });
  const over = Effect.sync(() => client.over());
  return Effect.provideContext(Effect.ensuring(attempts, over), clockService(client.clock));
}

/** One attempt, to the end of the connection if there is one. Gives the wait before the next; undefined for none. */
function attempt<Received, Sent, Context>(
  client: Reconnecting<Received, Sent, Context>,
  { renewed, next }: AttemptParts<Received, Sent, Context>,
): Effect.Effect<number | undefined> {
  return Effect.gen(function* () {
    client.begin();
    const exit = yield* Effect.exit(Effect.scoped(untilStopped(client, connection(client, renewed))));
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined;
    const failure = client.failed(error);
    // What is read anew may be mended by then.
    const forGood = renewed === undefined && error instanceof OptionsError;
    const wanted = client.wanted && !forGood;
    if (next !== undefined) return client.goOn(failure, wanted ? yield* next(failure) : undefined);
    return client.goOn(failure, wanted ? client.settings.next : undefined);
  });
}

function connection<Received, Sent, Context>(
  client: Reconnecting<Received, Sent, Context>,
  renewed: Renewal<Received, Sent, Context> | undefined,
): Effect.Effect<void, unknown, Scope.Scope> {
  return Effect.gen(function* () {
    const options = { ...client.settings.connection, clock: client.clock };
    const fresh = renewed === undefined ? options : { ...options, ...(yield* renewed) };
    const session = yield* scopedSession(fresh, undefined, client.registry);
    yield* logOn(client, session);
    client.ready(session);
    yield* client.handler === undefined
      ? ended(session)
      : Effect.promise(() => client.handle(session.connection));
  });
}

/** What the hook fails with ends the connection, and the attempt. */
function logOn<Received, Sent, Context>(
  client: Reconnecting<Received, Sent, Context>,
  session: Session<Received, Sent, Context>,
): Effect.Effect<void, unknown> {
  const { options: { logOn: hook }, settings: { logOnTimeout, address } } = client;
  if (hook === undefined) return Effect.void;
  const called = Effect.tryPromise({
    try: async () => await hook(session.connection),
    catch: (error) => error,
  });
  const limited = Effect.flatMap(
    Effect.timeoutOption(called, logOnTimeout),
    Option.match({
      onNone: () => {
        const text = `connect to ${addressText(address)}: logOn did not finish within ${logOnTimeout} ms`;
        return Effect.fail(new TimeoutError("connect", logOnTimeout, text));
      },
      onSome: () => Effect.void,
    }),
  );
  return Effect.tapError(
    Effect.raceFirst(limited, ended(session)),
    (error) => Effect.sync(() => session.userFailed(error)),
  );
}

function ended<Received, Sent, Context>(
  { connection }: Session<Received, Sent, Context>,
): Effect.Effect<void> {
  return Effect.asVoid(Effect.promise(() => connection.closed));
}

/** A loop has taken the frames of earlier connections. */
function roomForFrames<Received, Sent, Context>(
  { frames }: Reconnecting<Received, Sent, Context>,
): Effect.Effect<void> {
  const changed = Effect.callback<void>((resume) => {
    const withdraw = frames.whenChanged(() => resume(Effect.void));
    return Effect.sync(withdraw);
  });
  return Effect.gen(function* () {
    while (frames.crowded) yield* changed;
  });
}

/** Gives it up as soon as no connection is wanted any more. */
function untilStopped<Value, Failure, Needs>(
  client: Pick<Reconnecting<never, never, never>, "whenStopped">,
  effect: Effect.Effect<Value, Failure, Needs>,
): Effect.Effect<void, Failure, Needs> {
  const stopped = Effect.callback<void>((resume) =>
    Effect.sync(client.whenStopped(() => resume(Effect.void)))
  );
  return Effect.raceFirst(Effect.asVoid(effect), stopped);
}
