/**
 * The check of what `pool` and `balancer` take about targets: at last plain numbers and places.
 *
 * Called by `start.ts`.
 */
import { resolveAddress } from "../../connection/socket_settings.ts";
import type { OptionsError } from "../../core/errors.ts";
import { checkInteger, OptionsCheck } from "../../core/options.ts";
import { isIp } from "../../core/text/place.ts";
import { checkBackoff } from "../../core/time/backoff.ts";
import { checkDuration } from "../../core/time/duration.ts";
import type { Adapter, Address } from "../../core/transport.ts";
import type { BreakerSettings } from "./breaker.ts";
import type { Balance, BreakerOptions, Target } from "./targets_options.ts";

/** A target as it is written. */
export interface Listed {
  readonly address: Address;
  readonly weight: number;
}

/** Checked; spans in milliseconds. */
export interface TargetsSettings {
  readonly targets: readonly Listed[];
  readonly balance: Balance;
  readonly attempts: number;
  readonly resolve: {
    readonly every: number;
    readonly lookup: ((host: string) => Promise<readonly string[]>) | undefined;
  } | undefined;
  readonly breaker: BreakerSettings | undefined;
  readonly check: { readonly every: number; readonly timeout: number } | undefined;
  readonly connectTimeout: number;
}

/** What is checked here, whatever a connection's frames are. */
export interface UncheckedTargets {
  readonly targets: readonly (string | Address | Target)[];
  readonly balance?: Balance | undefined;
  readonly attempts?: number | undefined;
  readonly resolve?: unknown;
  readonly breaker?: false | BreakerOptions | undefined;
  readonly healthCheck?: object | undefined;
  readonly connectTimeout?: unknown;
}

/** Options that are not those of `connect`. */
export const targetsKeys: readonly string[] = [
  "targets",
  "balance",
  "attempts",
  "resolve",
  "breaker",
  "healthCheck",
  "onEvent",
];

const breakerReopen = {
  initial: 1_000,
  factor: 2,
  max: 30_000,
  jitter: 0.2,
  attempts: Infinity,
  for: Infinity,
};

/** Faults go to `check`. `checkKeys` are those of a health check. */
export function resolveTargets(
  check: OptionsCheck,
  options: UncheckedTargets,
  adapter: Adapter,
  checkKeys: readonly string[],
): TargetsSettings {
  return {
    targets: resolveList(check, options.targets, adapter),
    balance: check.oneOf("balance", options.balance, "round-robin", [
      "round-robin",
      "least-connections",
      "rendezvous",
    ]),
    attempts: checkInteger(check, "attempts", options.attempts, 3, 1, 1_000),
    resolve: resolveNames(check, options.resolve),
    breaker: resolveBreaker(check, options.breaker),
    check: resolveCheck(check, options.healthCheck, checkKeys),
    connectTimeout: checkDuration(check, "connectTimeout", options.connectTimeout as undefined, 10_000),
  };
}

function resolveList(check: OptionsCheck, given: unknown, adapter: Adapter): readonly Listed[] {
  if (!Array.isArray(given) || given.length === 0) {
    check.refuse("targets", given, 'a list of one or more addresses, such as ["10.0.0.1:5432"]');
    return [];
  }
  const seen = new Set<string>();
  return given.map((each: string | Address | Target, at) => {
    const path = `targets[${at}]`;
    const target: Target = typeof each === "object" && each !== null && "address" in each
      ? each
      : { address: each as string | Address };
    if (target === each) check.keys(target, ["address", "weight"], `${path}.`);
    const own = new OptionsCheck();
    const address = resolveAddress(own, { address: target.address ?? "" }, adapter, "connect");
    try {
      own.done();
      const text = JSON.stringify(address);
      if (seen.has(text)) {
        check.refuse(path, target.address, "each target once; a weight gives one a larger share");
      }
      seen.add(text);
    } catch (error) {
      const { reason, issues } = error as OptionsError;
      for (const { found, expected } of issues) {
        if (reason === "unsupported") check.unsupported(path, found, expected);
        else check.refuse(path, found, expected);
      }
    }
    return { address, weight: checkInteger(check, `${path}.weight`, target.weight, 1, 1, 1_000) };
  });
}

function resolveNames(check: OptionsCheck, given: unknown): TargetsSettings["resolve"] {
  if (given === undefined || given === false) return undefined;
  if (given !== true && (typeof given !== "object" || given === null)) {
    check.refuse("resolve", given, "true, false or { every, lookup }");
    return undefined;
  }
  const { every, lookup } = given === true
    ? {} as Record<string, undefined>
    : given as Record<string, undefined>;
  if (given !== true) check.keys(given, ["every", "lookup"], "resolve.");
  if (lookup !== undefined && typeof lookup !== "function") {
    check.refuse("resolve.lookup", lookup, "a function that gives the IP addresses of a name");
  }
  return { every: checkDuration(check, "resolve.every", every, 30_000), lookup };
}

function resolveBreaker(
  check: OptionsCheck,
  given: false | BreakerOptions | undefined,
): BreakerSettings | undefined {
  if (given === false) return undefined;
  if (typeof (given ?? {}) !== "object" || given === null) {
    check.refuse("breaker", given, "false, or { failures, reopen }");
    return undefined;
  }
  if (given !== undefined) check.keys(given, ["failures", "reopen"], "breaker.");
  const { failures, reopen = {} } = given ?? {};
  for (const key of ["attempts", "for"]) {
    if (!(key in Object(reopen))) continue;
    check.refuse(
      `breaker.reopen.${key}`,
      Reflect.get(Object(reopen), key),
      "to be left out: it never gives up",
    );
  }
  return {
    failures: checkInteger(check, "breaker.failures", failures, 5, 1, 1_000_000),
    reopen: checkBackoff(check, "breaker.reopen", reopen, breakerReopen),
  };
}

function resolveCheck(
  check: OptionsCheck,
  given: object | undefined,
  keys: readonly string[],
): TargetsSettings["check"] {
  if (given === undefined) return undefined;
  if (typeof given !== "object" || given === null) {
    check.refuse("healthCheck", given, `an object with any of ${keys.join(", ")}`);
    return undefined;
  }
  check.keys(given, keys, "healthCheck.");
  const { every, timeout, test } = given as Record<string, undefined>;
  if (test !== undefined && typeof test !== "function") check.refuse("healthCheck.test", test, "a function");
  const finite = { infinite: false };
  return {
    every: checkDuration(check, "healthCheck.every", every, 10_000),
    timeout: checkDuration(check, "healthCheck.timeout", timeout, 5_000, finite),
  };
}

/** Whether its addresses can be looked up. */
export function isName(address: Address): address is Extract<Address, { readonly transport: "tcp" }> {
  return address.transport === "tcp" && !isIp(address.host);
}
