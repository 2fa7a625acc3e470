/** Flags of `millrace serve` for how long a connection may live and what it may hold, and the settings made of them. */
import type { Command, Option } from "commander";
import type { ConnectionOptions } from "../../connection/connection_options.ts";
import { duration, minRate, option, size } from "./option_values.ts";

/** What commander makes of them. */
export interface LimitFlags {
  minByteRate?: number;
  maxLifetime?: number;
  goodbye?: Uint8Array;
  drainSpread?: number;
  memoryBudget?: number;
}

/** What the library takes. */
export type LimitOptions =
  & Pick<ConnectionOptions<Uint8Array>, "minByteRate" | "maxLifetime" | "memoryBudget">
  & { readonly goodbye?: Uint8Array; readonly drainSpread?: number };

/** Declares them. */
export function addLimits(command: Command): Command {
  return command
    .addOption(
      option(
        "--min-byte-rate <bytes>",
        "close a peer that sends a frame more slowly than this, in bytes a second",
        minRate,
      ),
    )
    .addOption(
      option("--max-lifetime <duration>", "close connections that have been open for this long", duration()),
    )
    .addOption(option("--goodbye <text>", "frame to send to each connection before it is closed", utf8))
    .addOption(drainSpreadOption())
    .addOption(
      option(
        "--memory-budget <size>",
        "bytes that all connections may hold together, such as 256MiB; then the largest stalled ones are dropped",
        size(),
      ),
    );
}

/** Also one of `millrace gateway`. */
export function drainSpreadOption(): Option {
  const about = "after a stop signal, tell the connections evenly over this time";
  return option("--drain-spread <duration>", about, duration({ zero: true, infinite: false }));
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The settings, without those that were not given. */
export function limitsOf(
  { minByteRate, maxLifetime, goodbye, drainSpread, memoryBudget }: LimitFlags,
): LimitOptions {
  return {
    ...(minByteRate !== undefined && { minByteRate: { bytesPerSecond: minByteRate } }),
    ...(maxLifetime !== undefined && { maxLifetime }),
    ...(goodbye !== undefined && { goodbye }),
    ...(drainSpread !== undefined && { drainSpread }),
    ...(memoryBudget !== undefined && { memoryBudget }),
  };
}
