/**
 * The check of where to listen or connect, and of the settings that the runtime's sockets must be able to meet.
 *
 * Used by `server/` and `client/`.
 */
import { type DurationInput, readDuration } from "../core/time/duration.ts";
import { checkFlag, checkInteger, defaults, type OptionsCheck } from "../core/options.ts";
import { type AddressUse, readAddress } from "../core/text/address.ts";
import { type FileRights, readFileMode, readFileOwner } from "../core/text/file_rights.ts";
import { pathFault, readHost } from "../core/text/place.ts";
import { wanted } from "../core/text/reading.ts";
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
    ? keepAliveDelay(check, tcpKeepAlive)
    : usual;
  checkFlag(check, "noDelay", noDelay);
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

function keepAliveDelay(check: OptionsCheck, value: DurationInput): number {
  const reading = readDuration(value, { infinite: false });
  if (reading.ok && reading.value <= longestKeepAlive) return reading.value;
  const expected = reading.ok ? "32,767 seconds or less" : wanted(reading);
  check.refuse("tcpKeepAlive", value, `true, false for no probes, "system", or ${expected}`);
  return defaults.tcpKeepAlive;
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

/** Checks who may use the file of a Unix socket; undefined where nothing is said of it. */
export function resolveRights(
  check: OptionsCheck,
  { mode, owner }: { readonly mode?: unknown; readonly owner?: unknown },
  address: Address,
  adapter: Adapter,
): FileRights | undefined {
  if (mode === undefined && owner === undefined) return undefined;
  if (address.transport === "tcp") {
    const expected = "path too: only the file of a Unix socket has one";
    if (mode !== undefined) check.refuse("mode", mode, expected);
    if (owner !== undefined) check.refuse("owner", owner, expected);
  }
  checkAbilities(check, adapter, [
    ["socketMode", mode, mode !== undefined, "mode"],
    ["socketOwner", owner, owner !== undefined, "owner"],
  ]);
  return {
    ...(mode !== undefined && { mode: check.take("mode", mode, readFileMode(mode), 0) }),
    ...(owner !== undefined && check.take("owner", owner, readFileOwner(owner), {})),
  };
}

/** Where to listen or connect, as it is given. */
interface Place {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  readonly address?: string | Address | undefined;
}

/** Checks where to listen or connect: exactly one of `port`, `path` and `address`. */
export function resolveAddress(
  check: OptionsCheck,
  { port, path, host, address }: Place,
  adapter: Adapter,
  use: AddressUse,
): Address {
  const given = Object.entries({ port, path, address }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? undefined : given.map(([name]) => name).join(" and ");
    check.refuse(
      "port",
      found,
      use === "listen"
        ? "exactly one of port, path, address and fd"
        : "exactly one of port, path and address",
    );
  }
  if (host !== undefined && port === undefined && given.length > 0) {
    check.refuse("host", host, `no host with ${given[0]![0]}`);
  }
  if (path !== undefined) return unixAddress(check, "path", path, adapter);
  if (address === undefined || port !== undefined) return tcpAddress(check, "", host, port, use);
  if (typeof address === "object" && address !== null) {
    if (address.transport === "unix") return unixAddress(check, "address.path", address.path, adapter);
    if (address.transport === "tcp") {
      return tcpAddress(check, "address.", address.host, address.port ?? NaN, use);
    }
  }
  const nowhere: Address = { transport: "tcp", host: defaults.host, port: 0 };
  const read = check.take("address", address, readAddress(address, use), nowhere);
  return read.transport === "unix" ? unixAddress(check, "address", read.path, adapter) : read;
}

function tcpAddress(
  check: OptionsCheck,
  at: string,
  host: string | undefined,
  port: number | undefined,
  use: AddressUse,
): Address {
  const given = host === undefined ? defaults.host : host;
  return {
    transport: "tcp",
    host: check.take(`${at}host`, given, readHost(given), defaults.host),
    port: checkInteger(check, `${at}port`, port, 0, use === "listen" ? 0 : 1, 65535),
  };
}

function unixAddress(check: OptionsCheck, at: string, path: string, adapter: Adapter): Address {
  const fault = typeof path === "string" ? pathFault(path, adapter.longestPath) : "no text";
  if (fault !== undefined) check.refuse(at, path, `the path of a Unix socket; ${fault}`);
  if (!adapter.can.unix) check.unsupported(at, path, `port: ${adapter.name} has no Unix sockets`);
  return { transport: "unix", path };
}
