/** Flags of `millrace serve` for how long a connection may live and what it may hold, and the settings made of them. */
import type { Command } from "commander";
import type { ConnectionOptions } from "../../connection/connection_options.ts";
import { minRate, option } from "./option_values.ts";

/** What commander makes of them. */
export interface LimitFlags {
  minByteRate?: number;
}

/** What the library takes. */
export type LimitOptions = Pick<ConnectionOptions<Uint8Array>, "minByteRate">;

/** Declares them. */
export function addLimits(command: Command): Command {
  return command.addOption(
    option(
      "--min-byte-rate <bytes>",
      "close a peer that sends a frame more slowly than this, in bytes a second",
      minRate,
    ),
  );
}

/** The settings, without those that were not given. */
export function limitsOf({ minByteRate }: LimitFlags): LimitOptions {
  return { ...(minByteRate !== undefined && { minByteRate: { bytesPerSecond: minByteRate } }) };
}
