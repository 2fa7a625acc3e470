/** Flags of `millrace serve` for what stands in front of a connection, and the settings made of them. */
import type { Command } from "commander";
import type { UncheckedServeOptions } from "../../server/server_options.ts";
import { ranges } from "./admission_flags.ts";
import { CommandFailure, exitCodes } from "./failure.ts";
import { option } from "./option_values.ts";

/** What commander makes of them. */
export interface PrefaceFlags {
  proxyProtocol?: readonly string[];
  healthCheck?: string;
  plaintext?: boolean;
}

/** What the library takes. */
export type PrefaceOptions = Pick<UncheckedServeOptions<Uint8Array>, "proxyProtocol" | "firstBytes">;

/** Declares them. */
export function addPreface(command: Command): Command {
  return command
    .addOption(
      option(
        "--proxy-protocol <ranges>",
        "expect a PROXY protocol header from these load balancers, as 10.0.0.0/8,::1; or unix, with --unix",
        (text) => text === "unix" ? [text] : ranges(text),
      ),
    )
    .addOption(option("--health-check <path>", "answer HTTP requests for this path, such as /healthz", path))
    .option("--plaintext", "with --tls, accept connections without TLS as well");
}

/** The settings, without those that were not given. */
export function prefaceOf(
  { proxyProtocol, healthCheck, plaintext }: PrefaceFlags,
  { unix, tls }: { readonly unix: boolean; readonly tls: boolean },
): PrefaceOptions {
  if (proxyProtocol !== undefined && unix !== proxyProtocol.includes("unix")) {
    const expected = unix ? "unix: peers of --unix have no address" : "IP addresses: unix is for --unix";
    throw new CommandFailure(
      exitCodes.usage,
      `--proxy-protocol: found ${proxyProtocol.join(",")}, expected ${expected}`,
    );
  }
  if (plaintext && !tls) {
    throw new CommandFailure(
      exitCodes.usage,
      "--plaintext needs --tls: without it all connections are in plaintext",
    );
  }
  return {
    ...(proxyProtocol !== undefined && { proxyProtocol: { from: proxyProtocol } }),
    ...((healthCheck !== undefined || plaintext) && { firstBytes: { healthCheck, plaintext } }),
  };
}

function path(text: string): string {
  if (/^\/[!-~]*$/.test(text) && !/[?#]/.test(text)) return text;
  throw new RangeError(`found ${JSON.stringify(text)}, expected a path such as /healthz, without a query`);
}
