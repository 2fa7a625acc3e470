/**
 * One outgoing connection, as a scoped resource on the runtime's own sockets: what `connect.ts` starts, and
 * `effect_client.ts` with the clock and tracer of its program.
 */
import { checkDuration } from "../core/time/duration.ts";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { detectAdapter } from "../adapters/detect.ts";
import type { Connection } from "../connection/connection.ts";
import { connectionKeys, resolveProfile } from "../connection/profile.ts";
import { type EffectSupport, Registry } from "../connection/registry.ts";
import type { Session } from "../connection/session.ts";
import { resolveAddress, resolveTuning } from "../connection/socket_settings.ts";
import { warnInsecure } from "../connection/tls/trust.ts";
import { resolveClientTls } from "../connection/tls/settings.ts";
import { type Clock, systemClock } from "../core/time/clock.ts";
import { Deadline } from "../core/time/deadline.ts";
import { type OptionsError, SocketError, TimeoutError } from "../core/errors.ts";
import { defaults, OptionsCheck } from "../core/options.ts";
import { sharedWheel } from "../core/time/timer_wheel.ts";
import type { TlsError } from "../core/tls/tls_error.ts";
import { addressText } from "../core/text/place.ts";
import type { Adapter, AdapterConnectOptions as Dial, Transport } from "../core/transport.ts";
import type { UncheckedConnectOptions } from "./connect_options.ts";
import { resolveProxyHeader } from "./proxy_header.ts";
import { sendFirst } from "./send_first.ts";

/** Why there is no connection. */
type ConnectError = OptionsError | SocketError | TimeoutError | TlsError;

const clientKeys: readonly string[] = [
  ...connectionKeys,
  "port",
  "host",
  "path",
  "address",
  "tls",
  "proxyHeader",
  "connectTimeout",
  "signal",
  "adapter",
  "clock",
];

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
  const acquired = Effect.acquireRelease(open(options, program), finish, { interruptible: true });
  return Effect.map(acquired, ({ session }) => session.connection);
}

/** The same for programs without Effect: one that lives until it is closed. */
export function startConnection<Received, Sent, Context>(
  options: UncheckedConnectOptions<Received, Sent, Context>,
): Promise<Connection<Received, Sent, Context>> {
  return Effect.runPromise(Effect.map(open(options), ({ session }) => session.connection));
}

/** A connection that is open, alone in its registry. */
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
): Effect.Effect<Opened<Received, Sent, Context>, ConnectError> {
  return Effect.gen(function* () {
    // A promise, since an adapter is loaded when it is needed.
    const adapter = yield* Effect.tryPromise({
      try: async () => options?.adapter ?? await detectAdapter(),
      catch: (error) => error as OptionsError,
    });
    const settings = yield* Effect.try({
      try: () => resolve(options, adapter),
      catch: (error) => error as OptionsError,
    });
    const { signal } = options;
    const clock = options.clock ?? program?.clock ?? systemClock;
    const transport = yield* dial(adapter, settings.dial, settings.timeout, clock, signal);
    const abort = () => session.connection.destroy();
    const closed = () => signal?.removeEventListener("abort", abort);
    const registry = new Registry(clock, [{ closed }], program?.support(clock));
    const session = registry.open(transport, settings.profile);
    if (session.record === undefined) signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    return { session, registry };
  });
}

/** The check of the options without connecting, for those that are known long before. Throws `OptionsError`. */
export function checkClient<Received>(options: UncheckedConnectOptions<Received>, adapter: Adapter): void {
  resolve(options, adapter);
}

function resolve<Received, Sent, Context>(
  options: UncheckedConnectOptions<Received, Sent, Context>,
  adapter: Adapter,
) {
  const check = new OptionsCheck();
  check.keys(options, clientKeys);
  const address = resolveAddress(check, options, adapter, "connect");
  const { tls } = options;
  const settings = {
    dial: {
      address,
      upgradable: options.upgradable === true,
      tls: tls === undefined ? undefined : resolveClientTls(check, tls, address, adapter),
      preface: resolveProxyHeader(check, options.proxyHeader),
      ...resolveTuning(check, options, adapter),
    },
    timeout: checkDuration(check, "connectTimeout", options.connectTimeout, defaults.connectTimeout),
    profile: resolveProfile(check, options, undefined, { side: "client", adapter, address }),
  };
  if (options.upgradable && tls !== undefined) {
    check.refuse("upgradable", true, "to be left out: with tls the connection is secured from the start");
  }
  check.done();
  if (settings.dial.tls?.insecureSkipVerify) warnInsecure(addressText(address));
  return settings;
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
