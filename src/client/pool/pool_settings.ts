/** The check of a pool's own options. Called by `pool.ts`. */
import { checkLifeSpan } from "../../connection/age.ts";
import { checkInteger, type OptionsCheck } from "../../core/options.ts";
import { checkDuration, type DurationInput } from "../../core/time/duration.ts";

/** Checked; spans in milliseconds. */
export interface PoolSettings {
  readonly min: number;
  readonly max: number;
  readonly borrowTimeout: number;
  readonly maxWaiting: number;
  readonly maxIdle: number;
  readonly life: { readonly max: number; readonly jitter: number };
  readonly onBorrow: number;
  /** Frames go to `onFrame`, and not to borrowers. */
  readonly pushed: boolean;
}

/** What is checked here, whatever a connection's frames are. */
interface UncheckedPool {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly borrowTimeout?: DurationInput | undefined;
  readonly maxWaiting?: number | undefined;
  readonly maxIdle?: DurationInput | undefined;
  readonly maxLifetime?: DurationInput | {
    readonly after: DurationInput;
    readonly jitter?: number | undefined;
  } | undefined;
  readonly setup?: unknown;
  readonly proxyHeader?: { readonly source?: unknown } | undefined;
  readonly healthCheck?:
    | { readonly onBorrow?: DurationInput | undefined; readonly test?: unknown }
    | undefined;
  readonly onFrame?: unknown;
}

/** Options that are the pool's alone. */
export const poolKeys: readonly string[] = [
  "min",
  "max",
  "borrowTimeout",
  "maxWaiting",
  "maxIdle",
  "maxLifetime",
  "setup",
];

/** Faults go to `check`. */
export function resolvePool(check: OptionsCheck, options: UncheckedPool): PoolSettings {
  const max = checkInteger(check, "max", options.max, 10, 1);
  const { maxLifetime, proxyHeader, healthCheck } = options;
  if (typeof maxLifetime === "object") check.keys(maxLifetime, ["after", "jitter"], "maxLifetime.");
  if (typeof proxyHeader?.source === "object") {
    const expected =
      '"own" or "local": connections are shared by all borrowers; balancer() makes one for each client';
    check.refuse("proxyHeader.source", proxyHeader.source, expected);
  }
  if (healthCheck?.onBorrow !== undefined && healthCheck.test === undefined) {
    check.refuse("healthCheck.onBorrow", healthCheck.onBorrow, "test too, which asks over the connection");
  }
  check.functions(options, ["setup"]);
  return {
    min: checkInteger(check, "min", options.min, 0, 0, max),
    max,
    borrowTimeout: checkDuration(check, "borrowTimeout", options.borrowTimeout, 10_000),
    maxWaiting: checkInteger(check, "maxWaiting", options.maxWaiting, 1_000, 0),
    maxIdle: checkDuration(check, "maxIdle", options.maxIdle, 60_000),
    life: checkLifeSpan(check, "maxLifetime", maxLifetime) ?? { max: Infinity, jitter: 0 },
    onBorrow: checkDuration(check, "healthCheck.onBorrow", healthCheck?.onBorrow, Infinity, { zero: true }),
    pushed: options.onFrame !== undefined,
  };
}
