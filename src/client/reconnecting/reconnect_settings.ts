/** The check of what `reconnect` takes: at once as far as no runtime has to be asked, and for each connection then. */
import { type BackoffSchedule, checkBackoff, Retries } from "../../core/time/backoff.ts";
import { checkDuration, readDuration } from "../../core/time/duration.ts";
import { OptionsError } from "../../core/errors.ts";
import { checkInteger, OptionsCheck } from "../../core/options.ts";
import { wanted } from "../../core/text/reading.ts";
import type { Adapter, Address } from "../../core/transport.ts";
import type { UncheckedConnectOptions } from "../connect_options.ts";
import { checkConnect, connectKeys } from "../connect_settings.ts";
import type { ReconnectFailure, SendQueueOptions, UncheckedReconnectOptions } from "./reconnect_options.ts";

/** Checked settings of the queue. */
export interface QueueSettings {
  readonly maxFrames: number;
  readonly maxBytes: number;
  readonly policy: NonNullable<SendQueueOptions["policy"]>;
}

/** Checked settings; spans in milliseconds. */
export interface ReconnectingSettings<Received, Sent, Context> {
  readonly address: Address;
  readonly ingressLimit: number;
  readonly stableAfter: number;
  readonly logOnTimeout: number;
  readonly queue: QueueSettings;
  /** The wait after a failure at this time; undefined for none. */
  readonly next: (failure: ReconnectFailure, now: number) => number | undefined;
  /** What each connection is made with. */
  readonly connection: UncheckedConnectOptions<Received, Sent, Context>;
}

const backoffDefaults: BackoffSchedule = {
  initial: 1_000,
  factor: 2,
  max: 30_000,
  jitter: 0.5,
  attempts: Infinity,
  for: Infinity,
};
const policies: readonly QueueSettings["policy"][] = ["keep", "drop-oldest", "fail"];
const ownHooks = ["logOn", "onConnecting", "onConnected", "onDisconnected", "onGaveUp", "logger"] as const;
const ownKeys = ["reconnect", "stableAfter", "logOnTimeout", "queue", ...ownHooks];
const notHere = ["onConnect", "onDisconnect", "reframable"];
const keys = [...connectKeys.filter((key) => !notHere.includes(key)), ...ownKeys];

/** Which sockets there will be is not known yet, so they are taken to be able to do everything. */
const anySockets = { can: new Proxy({}, { get: () => true }) } as Adapter;

/** Throws `OptionsError`. */
export function resolveReconnect<Received, Sent, Context>(
  options: UncheckedReconnectOptions<Received, Sent, Context>,
): ReconnectingSettings<Received, Sent, Context> {
  const check = new OptionsCheck();
  check.keys(options, keys);
  check.functions(options, ownHooks);
  const connection = connectionOptions(options);
  const { dial, profile } = checkConnect(check, connection, options.adapter ?? anySockets);
  const settings = {
    address: dial.address,
    ingressLimit: profile.ingressLimit,
    stableAfter: checkDuration(check, "stableAfter", options.stableAfter, 10_000),
    logOnTimeout: checkDuration(check, "logOnTimeout", options.logOnTimeout, 10_000),
    queue: checkQueue(check, options.queue ?? {}),
    next: checkNext(check, options.reconnect ?? {}),
    connection,
  };
  check.done();
  return settings;
}

/** Those of `connect`: the signal is the client's, which ends its connections. */
function connectionOptions<Received, Sent, Context>(
  options: UncheckedReconnectOptions<Received, Sent, Context>,
): UncheckedConnectOptions<Received, Sent, Context> {
  const taken = Object.entries(options)
    .filter(([key]) => connectKeys.includes(key) && !notHere.includes(key) && key !== "signal");
  return Object.fromEntries(taken) as unknown as UncheckedConnectOptions<Received, Sent, Context>;
}

function checkQueue(check: OptionsCheck, given: SendQueueOptions): QueueSettings {
  check.keys(given, ["maxFrames", "maxBytes", "policy"], "queue.");
  return {
    maxFrames: checkInteger(check, "queue.maxFrames", given.maxFrames, 1024, 1),
    maxBytes: check.size("queue.maxBytes", given.maxBytes, 1_048_576),
    policy: check.oneOf("queue.policy", given.policy, "keep", policies),
  };
}

function checkNext(
  check: OptionsCheck,
  given: NonNullable<UncheckedReconnectOptions<unknown>["reconnect"]>,
): ReconnectingSettings<unknown, never, unknown>["next"] {
  if (typeof given === "function") return (failure) => chosen(given(failure));
  const retries = new Retries(checkBackoff(check, "reconnect", given, backoffDefaults));
  return ({ failures }, now) => {
    if (failures === 1) retries.succeeded();
    return retries.failed(now);
  };
}

/** The wait that a function of the user's has returned. */
function chosen(wait: unknown): number | undefined {
  if (wait === undefined) return undefined;
  const reading = readDuration(wait, { zero: true, infinite: false });
  if (reading.ok) return reading.value;
  throw new OptionsError("invalid", [{ path: "reconnect", found: wait, expected: wanted(reading) }]);
}
