/**
 * One outgoing connection, as a scoped resource on the runtime's own sockets: what `connect.ts` starts, and
 * `effect_client.ts` with the clock and tracer of its program.
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { detectAdapter } from "../adapters/detect.ts";
import type { Connection } from "../connection/connection.ts";
import { type EffectSupport, Registry } from "../connection/registry.ts";
import type { Session } from "../connection/session.ts";
import { warnInsecure } from "../connection/tls/trust.ts";
import { type Clock, systemClock } from "../core/time/clock.ts";
import { Deadline } from "../core/time/deadline.ts";
import { type OptionsError, SocketError, TimeoutError } from "../core/errors.ts";
import { sharedWheel } from "../core/time/timer_wheel.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import { addressText } from "../core/text/place.ts";
import type { Adapter, AdapterConnectOptions as Dial, Transport } from "../core/transport.ts";
import type { UncheckedConnectOptions } from "./connect_options.ts";
import { resolveConnect } from "./connect_settings.ts";
import { sendFirst } from "./send_first.ts";

/** Why there is no connection. */
type ConnectError = OptionsError | SocketError | TimeoutError | TlsError;

/** What the program around a client has for it, where it is written with Effect. */
interface ClientProgram<Received, Sent, Context> {
  /** Time, where no option names one. */
  readonly clock: Clock | undefined;
  support(clock: Clock): EffectSupport<Received, Sent, Context>;
}

/** A connection that lives as long as the scope, whose end delivers what was sent, then closes; or until it is closed. */
export function scopedConnection<Received, Sent, Context>(
  options: UncheckedConnectOptions<Received, Sent, Context>,
  program?: ClientProgram<Received, Sent, Context>,
): Effect.Effect<Connection<Received, Sent, Context>, ConnectError, Scope.Scope> {
  return Effect.map(scopedSession(options, program), ({ connection }) => connection);
}

/** The same as what is behind it; `registry` is of whoever makes one connection after the other. */
export function scopedSession<Received, Sent, Context>(
  options: UncheckedConnectOptions<Received, Sent, Context>,
  program?: ClientProgram<Received, Sent, Context>,
  registry?: Registry<Received, Sent, Context>,
): Effect.Effect<Session<Received, Sent, Context>, ConnectError, Scope.Scope> {
  const acquired = Effect.acquireRelease(open(options, program, registry), finish, { interruptible: true });
  return Effect.map(acquired, ({ session }) => session);
}

/** One that lives until it is closed. */
export function openConnection<Received, Sent, Context>(
  options: UncheckedConnectOptions<Received, Sent, Context>,
  program?: ClientProgram<Received, Sent, Context>,
): Effect.Effect<Connection<Received, Sent, Context>, ConnectError> {
  return Effect.map(open(options, program), ({ session }) => session.connection);
}

/** The same for programs without Effect. */
export function startConnection<Received, Sent, Context>(
  options: UncheckedConnectOptions<Received, Sent, Context>,
): Promise<Connection<Received, Sent, Context>> {
  return Effect.runPromise(openConnection(options));
}

/** The same as what is behind it. */
export function startSession<Received, Sent, Context>(
  options: UncheckedConnectOptions<Received, Sent, Context>,
): Promise<Session<Received, Sent, Context>> {
  return Effect.runPromise(Effect.map(open(options), ({ session }) => session));
}

/** A connection that is open. */
interface Opened<Received, Sent, Context> {
  readonly session: Session<Received, Sent, Context>;
  readonly registry: Registry<Received, Sent, Context>;
}

/** Finishes it, as `connection.close` does, and succeeds when it is over. */
function finish<Received, Sent, Context>(
  { session, registry }: Opened<Received, Sent, Context>,
): Effect.Effect<void> {
  return Effect.callback<void>((resume) => {
    session.life.finish("closed", "local");
    registry.whenEmpty(() => resume(Effect.void));
  });
}

function open<Received, Sent, Context>(
  options: UncheckedConnectOptions<Received, Sent, Context>,
  program?: ClientProgram<Received, Sent, Context>,
  others?: Registry<Received, Sent, Context>,
): Effect.Effect<Opened<Received, Sent, Context>, ConnectError> {
  return Effect.gen(function* () {
    // A promise, since an adapter is loaded when it is needed.
    const adapter = yield* Effect.tryPromise({
      try: async () => options?.adapter ?? await detectAdapter(),
      catch: (error) => error as OptionsError,
    });
    const settings = yield* Effect.try({
      try: () => resolveConnect(options, adapter),
      catch: (error) => error as OptionsError,
    });
    const { dial: { tls, address } } = settings;
    if (tls?.insecureSkipVerify) warnInsecure(addressText(address));
    const { signal } = options;
    const clock = options.clock ?? program?.clock ?? systemClock;
    const transport = yield* dial(adapter, settings.dial, settings.timeout, clock, signal);
    const abort = () => session.connection.destroy();
    const closed = () => signal?.removeEventListener("abort", abort);
    const registry = others ?? new Registry(clock, [{ closed }], program?.support(clock));
    const session = registry.open(transport, settings.profile);
    if (session.record === undefined) signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    return { session, registry };
  });
}

/** The adapter's `connect`; before TLS the adapter sends what comes first. */
async function connectWith(adapter: Adapter, options: Dial): Promise<Transport> {
  const { preface, tls, signal } = options;
  const transport = await adapter.connect(options);
  return preface === undefined || tls !== undefined
    ? transport
    : sendFirst(transport, preface(transport.peer), signal);
}

/** The adapter's `connect` under the timeout, the caller's signal and interruption. */
function dial(
  adapter: Adapter,
  options: Omit<Dial, "signal">,
  timeout: number,
  clock: Clock,
  signal: AbortSignal | undefined,
): Effect.Effect<Transport, SocketError | TimeoutError | TlsError> {
  const { address } = options;
  const where = addressText(address);
  return Effect.callback<Transport, SocketError | TimeoutError | TlsError>((resume, interrupted) => {
    const attempt = new AbortController();
    let expired = false;
    const limit = new Deadline(sharedWheel(clock), () => {
      expired = true;
      attempt.abort();
    });
    limit.set(timeout);
    const give = () => attempt.abort();
    signal?.addEventListener("abort", give);
    interrupted.addEventListener("abort", give);
    if (signal?.aborted) give();
    const settle = (outcome: Effect.Effect<Transport, SocketError | TimeoutError | TlsError>) => {
      limit.unset();
      signal?.removeEventListener("abort", give);
      resume(outcome);
    };
    connectWith(adapter, { ...options, signal: attempt.signal }).then(
      (transport) => {
        if (!attempt.signal.aborted) return settle(Effect.succeed(transport));
        transport.abort();
        settle(Effect.fail(new SocketError("aborted", `connect to ${where}: aborted`)));
      },
      (error: SocketError | TlsError) => {
        const hint = "; check that it is reachable, or raise connectTimeout";
        settle(
          Effect.fail(
            expired
              ? new TimeoutError(
                "connect",
                timeout,
                `connect to ${where}: no answer within ${timeout} ms${hint}`,
              )
              : error,
          ),
        );
      },
    );
  });
}
