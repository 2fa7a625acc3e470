/** Options of `millrace serve` on who may connect. */
import type { Command } from "commander";
import { readIpRange } from "../../core/text/ip_range.ts";
import { wanted } from "../../core/text/reading.ts";
import type { AcceptRate, AdmissionOptions } from "../../server/admission_options.ts";
import { CommandFailure, exitCodes } from "./failure.ts";
import { limit, option } from "./option_values.ts";

/** Their values. */
export interface AdmissionFlags {
  maxConnections: number;
  maxPerAddress?: number;
  acceptRate?: AcceptRate;
  acceptRatePerAddress?: AcceptRate;
  allow?: readonly string[];
  deny?: readonly string[];
}

/** Declares them. */
export function addAdmission(command: Command): Command {
  return command
    .addOption(
      option("--max-connections <count>", "maximum concurrent connections, or Infinity", limit, "4096"),
    )
    .addOption(option("--max-per-address <count>", "maximum concurrent connections of one address", limit))
    .addOption(
      option("--accept-rate <rate>", "connections accepted a second: 100, or 100:500 with a burst", rate),
    )
    .addOption(option("--accept-rate-per-address <rate>", "the same for each address", rate))
    .addOption(
      option("--allow <ranges>", "who may connect: IP addresses and ranges, as 10.0.0.0/8,::1", ranges),
    )
    .addOption(option("--deny <ranges>", "who may not, even if allowed", ranges));
}

/** What `serve` of the library takes; of a Unix socket some of it is refused. */
export function admissionOf(flags: AdmissionFlags, unix: boolean): AdmissionOptions {
  const { maxConnections, maxPerAddress, acceptRate, acceptRatePerAddress, allow, deny } = flags;
  const byAddress = { maxConnectionsPerAddress: maxPerAddress, acceptRatePerAddress, allow, deny };
  if (unix && Object.values(byAddress).some((value) => value !== undefined)) {
    const names = "--max-per-address, --accept-rate-per-address, --allow and --deny";
    throw new CommandFailure(exitCodes.usage, `${names} need a port: peers of --unix have no address`);
  }
  return { maxConnections, acceptRate, ...byAddress };
}

/** `100`, or `100:500` with a burst. */
function rate(text: string): AcceptRate {
  const [, perSecond = "", burst] = /^(\d+(?:\.\d+)?)(?::(\d+))?$/.exec(text) ?? [];
  if (Number(perSecond) > 0 && (burst === undefined || Number(burst) >= 1)) {
    return { perSecond: Number(perSecond), burst: burst === undefined ? undefined : Number(burst) };
  }
  const expected = "connections a second above 0, such as 100, or 100:500 with a burst";
  throw new RangeError(`found ${JSON.stringify(text)}, expected ${expected}`);
}

/** Of IP addresses, separated by commas. */
export function ranges(text: string): readonly string[] {
  const parts = text.split(",").map((part) => part.trim());
  for (const part of parts) {
    const range = readIpRange(part);
    if (!range.ok) throw new RangeError(`found ${JSON.stringify(part)}, expected ${wanted(range)}`);
  }
  return parts;
}
