/**
 * The check of where to listen or connect, and of the settings that the runtime's sockets must be able to meet.
 *
 * Used by `server/` and `client/`.
 */
import { checkDuration } from "../core/time/duration.ts";
import { defaults, type OptionsCheck } from "../core/options.ts";
import { pathFault, readHost } from "../core/text/place.ts";
import type { Adapter, Address, Capability, SocketTuning } from "../core/transport.ts";
import type { ConnectionOptions } from "./connection_options.ts";

/** The longest wait before the first probe that the kernel takes: it counts seconds, in 15 bits. */
const longestKeepAlive = 32_767_000;

/** Checks the socket settings, and that these sockets can meet them. */
export function resolveTuning(
  check: OptionsCheck,
  options: Pick<ConnectionOptions<unknown>, "noDelay" | "tcpKeepAlive">,
  adapter: Adapter,
): SocketTuning {
  const { tcpKeepAlive, noDelay } = options;
  const switched = typeof tcpKeepAlive === "boolean";
  const delay = tcpKeepAlive !== undefined && !switched && tcpKeepAlive !== "system";
  const usual = adapter.can.keepAliveDelay ? defaults.tcpKeepAlive : adapter.can.keepAlive || "system";
  const keepAlive = switched || tcpKeepAlive === "system"
    ? tcpKeepAlive
    : delay
    ? checkDuration(check, "tcpKeepAlive", tcpKeepAlive, defaults.tcpKeepAlive)
    : usual;
  if (typeof keepAlive === "number" && keepAlive > longestKeepAlive) {
    check.refuse(
      "tcpKeepAlive",
      tcpKeepAlive,
      '32,767 seconds or less, true, false for no probes, or "system"',
    );
  }
  check.flag("noDelay", noDelay);
  checkAbilities(check, adapter, [
    ["noDelay", noDelay, noDelay === false],
    ["keepAlive", tcpKeepAlive, switched, "tcpKeepAlive"],
    ["keepAliveDelay", tcpKeepAlive, delay, "tcpKeepAlive"],
  ]);
  return {
    noDelay: noDelay ?? defaults.noDelay,
    keepAlive,
  };
}

/** An ability, what was asked for, whether that needs the ability, and the option's name where it is another. */
type Wish = readonly [ability: Capability, found: unknown, needed: boolean, path?: string];

/** Refuses what the runtime's sockets cannot do. */
export function checkAbilities(check: OptionsCheck, adapter: Adapter, wishes: readonly Wish[]): void {
  for (const [ability, found, needed, path = ability] of wishes) {
    if (!needed || adapter.can[ability]) continue;
    check.unsupported(path, found, `to be left out: sockets of ${adapter.name} cannot do this`);
  }
}

/** Checks where to listen or connect: exactly one of `port` and `path`. */
export function resolveAddress(
  check: OptionsCheck,
  options: {
    readonly port?: number | undefined;
    readonly host?: string | undefined;
    readonly path?: string | undefined;
  },
  adapter: Adapter,
  leastPort: 0 | 1,
): Address {
  const { port, path, host } = options;
  if ((port === undefined) === (path === undefined)) {
    check.refuse("port", port === undefined ? undefined : "port and path", "exactly one of port and path");
  }
  if (path === undefined) {
    const { host: read = defaults.host, expected } = readHost(host === undefined ? defaults.host : host);
    if (expected !== undefined) check.refuse("host", host, expected);
    const checked = check.integer("port", port, 0, leastPort, 65535);
    return { transport: "tcp", host: read, port: checked };
  }
  if (host !== undefined) check.refuse("host", host, "no host beside path");
  const fault = typeof path === "string" ? pathFault(path, adapter.longestPath) : "no text";
  if (fault !== undefined) check.refuse("path", path, `the path of a Unix socket; ${fault}`);
  if (!adapter.can.unix) check.unsupported("path", path, `port: ${adapter.name} has no Unix sockets`);
  return { transport: "unix", path };
}
