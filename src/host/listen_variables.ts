/**
 * The variables by which systemd tells which sockets it has passed (sd_listen_fds(3)), and whether they are for this process.
 *
 * Used by `server/systemd_sockets.ts`.
 */
import { SocketError } from "../core/errors.ts";
import { environment } from "./environment.ts";

/** What systemd has told this process; undefined where it has told nothing, or another one. Throws a `SocketError`. */
export function listenVariables():
  | { readonly count: string; readonly names: string | undefined }
  | undefined {
  try {
    const { LISTEN_PID, LISTEN_FDS = "", LISTEN_FDNAMES } = environment();
    if (LISTEN_PID === undefined || LISTEN_PID !== String(globalThis.process.pid)) return undefined;
    return { count: LISTEN_FDS, names: LISTEN_FDNAMES };
  } catch (cause) {
    throw new SocketError(
      "permission_denied",
      "take over the sockets of systemd: this program lacks env access " +
        "(--allow-env=LISTEN_PID,LISTEN_FDS,LISTEN_FDNAMES)",
      { cause },
    );
  }
}
