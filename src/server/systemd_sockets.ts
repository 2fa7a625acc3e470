/**
 * The sockets that systemd has passed to this process (sd_listen_fds(3)): which descriptors they are, and their names.
 *
 * Called by programs, and by the gateway for `listen: systemd:NAME`.
 */
import { SocketError } from "../core/errors.ts";
import { listenVariables } from "../host/listen_variables.ts";

/** The first descriptor that is passed, by the protocol. */
const first = 3;
/** More than any unit has; a larger number is no number of sockets. */
const most = 1024;

/**
 * Returns the listening sockets that systemd, or `systemd-socket-activate`, has passed to this process, in the order of
 * the unit's `Listen…` lines: for the option `fd` of `serve`. Names are those of `FileDescriptorName=`, by default that
 * of the socket unit, such as `echo.socket`. Empty if the process was started in another way, and in child processes,
 * which inherit the variables and not the sockets. On Deno it needs `--allow-env` for `LISTEN_PID`, `LISTEN_FDS` and
 * `LISTEN_FDNAMES`. The protocol: sd_listen_fds(3).
 *
 * @example A server that systemd may start, and that runs without it
 * ```ts
 * import { lines, serve, systemdSockets } from "@millrace/millrace";
 *
 * const [socket] = systemdSockets();
 * const place = socket === undefined ? { port: 0 } : { fd: socket.fd };
 * const server = await serve({ ...place, framing: lines(), onFrame: (line, connection) => connection.send(line) });
 * console.log(server.state); // running
 * await server.close();
 * ```
 *
 * @throws {SocketError} `bad_descriptor` if the variables are for this process and are malformed; `permission_denied` on
 * Deno without permission to read them
 */
export function systemdSockets(): readonly { readonly name: string; readonly fd: number }[] {
  const told = listenVariables();
  if (told === undefined) return [];
  const { count: LISTEN_FDS, names: LISTEN_FDNAMES } = told;
  const count = /^\d{1,4}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : NaN;
  if (!(count <= most)) {
    throw new SocketError(
      "bad_descriptor",
      `take over the sockets of systemd: found LISTEN_FDS=${LISTEN_FDS}, expected a number from 0 to ${most}`,
    );
  }
  const names = LISTEN_FDNAMES === undefined ? [] : LISTEN_FDNAMES.split(":");
  if (LISTEN_FDNAMES !== undefined && names.length !== count) {
    throw new SocketError(
      "bad_descriptor",
      `take over the sockets of systemd: found LISTEN_FDNAMES=${LISTEN_FDNAMES}, expected ${count} names`,
    );
  }
  return Array.from(
    { length: count },
    (_, index) => ({ name: names[index] ?? "unknown", fd: first + index }),
  );
}

/** The one of this name; throws a `SocketError` that says which there are. */
export function systemdSocket(name: string): number {
  const sockets = systemdSockets();
  const found = sockets.filter((socket) => socket.name === name);
  if (found.length === 1) return found[0]!.fd;
  const action = `listen on systemd:${name}`;
  if (found.length > 1) {
    throw new SocketError(
      "bad_descriptor",
      `${action}: ${found.length} sockets have this name: give each socket unit a FileDescriptorName= of its own`,
    );
  }
  const there = sockets.length === 0
    ? "systemd has passed no socket to this process: start it by a socket unit, and see that LISTEN_PID is its own"
    : `systemd has passed ${
      sockets.map((socket) => socket.name).join(", ")
    }: set FileDescriptorName= in the unit`;
  throw new SocketError("bad_descriptor", `${action}: ${there}`);
}
