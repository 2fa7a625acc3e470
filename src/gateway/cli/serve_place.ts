/** Where `millrace serve` listens: a port, a path, or a socket that it inherits. */
import type { Command } from "commander";
import { SocketError } from "../../core/errors.ts";
import type { Address } from "../../core/transport.ts";
import { systemdSocket, systemdSockets } from "../../server/systemd_sockets.ts";
import { CommandFailure, exitCodes } from "./failure.ts";
import { duration, fileMode, fileOwner, host, option, path, port, wholeNumber } from "./option_values.ts";

/** Flags that say where. */
export interface PlaceFlags {
  port?: number;
  host?: string;
  unix?: string;
  fd?: number;
  systemd?: string | true;
  mode?: number;
  owner?: { readonly uid?: number; readonly gid?: number };
  bindRetry?: number;
  takeover?: true;
  processes?: number | "auto";
}

/** The same as options of `serve`. */
export type ServePlace =
  | {
    readonly address: Address;
    /** Permissions and owner of the file, where the address is a path. */
    readonly mode?: number | undefined;
    readonly owner?: PlaceFlags["owner"];
    /** How long to try to bind; undefined for once. */
    readonly bindRetry?: { readonly for: number } | undefined;
  }
  | { readonly fd: number };

/** Declares them. */
export function addPlace(command: Command): Command {
  return command
    .addOption(option("-p, --port <port>", "TCP port; 0 picks a free one (default: 3034)", port))
    .addOption(option("--host <address>", "address to bind; :: for all (default: 127.0.0.1)", host))
    .addOption(option("--unix <path>", "listen on a Unix socket instead", path))
    .addOption(
      option("--fd <number>", "listen on an inherited descriptor instead", wholeNumber(0, 2 ** 31 - 1)),
    )
    .option("--systemd [name]", "listen on the socket that systemd passes, the only one or that of this name")
    .addOption(option("--mode <octal>", "permissions of the Unix socket, such as 0660", fileMode))
    .addOption(
      option("--owner <uid:gid>", "user and group of the Unix socket: 1000:33, 1000 or :33", fileOwner),
    )
    .addOption(
      option(
        "--bind-retry <duration>",
        "while the address is in use, try again for this long, or Infinity",
        duration(),
      ),
    )
    .option("--takeover", takeoverHelp);
}

/** Of both commands that listen. */
export const takeoverHelp = "hold the socket; at SIGUSR2 a new process takes over, and the old one drains";

/** Reads them; throws what is wrong with the command line, or with what systemd has passed. */
export function placeOf(flags: PlaceFlags): ServePlace {
  const { port: given, host: at, unix, fd, systemd, mode, owner } = flags;
  const places = [
    ...(given === undefined && at === undefined ? [] : ["--port or --host"]),
    ...(unix === undefined ? [] : ["--unix"]),
    ...(fd === undefined ? [] : ["--fd"]),
    ...(systemd === undefined ? [] : ["--systemd"]),
  ].reverse();
  if (places.length > 1) {
    throw new CommandFailure(
      exitCodes.usage,
      `${places[0]} cannot be combined with ${places.slice(1).join(" or ")}: leave one out`,
    );
  }
  if (unix === undefined && (mode !== undefined || owner !== undefined)) {
    const why = fd === undefined && systemd === undefined
      ? "a port has no file"
      : "an inherited socket has been bound";
    throw new CommandFailure(exitCodes.usage, `--mode and --owner need --unix: ${why}`);
  }
  const inherits = fd !== undefined || systemd !== undefined;
  if (inherits && flags.bindRetry !== undefined) {
    throw new CommandFailure(
      exitCodes.usage,
      "--bind-retry cannot be combined with --fd or --systemd: leave it out",
    );
  }
  const holds = flags.takeover ? "--takeover" : flags.processes === undefined ? undefined : "--processes";
  if (holds !== undefined && (inherits || flags.bindRetry !== undefined)) {
    const other = inherits ? "--fd or --systemd: whoever holds that socket keeps it" : "--bind-retry";
    throw new CommandFailure(
      exitCodes.usage,
      `${holds} cannot be combined with ${other}${inherits ? "" : ": leave one out"}`,
    );
  }
  const bindRetry = flags.bindRetry === undefined ? undefined : { for: flags.bindRetry };
  if (fd !== undefined) return { fd };
  if (systemd !== undefined) return { fd: systemd === true ? onlySocket() : systemdSocket(systemd) };
  if (unix !== undefined) return { address: { transport: "unix", path: unix }, mode, owner, bindRetry };
  return { address: { transport: "tcp", host: at ?? "127.0.0.1", port: given ?? 3034 }, bindRetry };
}

function onlySocket(): number {
  const sockets = systemdSockets();
  if (sockets.length === 1) return sockets[0]!.fd;
  const found = sockets.length === 0
    ? "no socket: start it by a socket unit"
    : `${sockets.map(({ name }) => name).join(", ")}: say which one, --systemd NAME`;
  throw new SocketError("bad_descriptor", `listen on the socket of systemd: it has passed ${found}`);
}
