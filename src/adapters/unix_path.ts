/**
 * The path of a Unix socket: whether a system can take it, and what to do when something stands there already.
 *
 * Loaded by the adapters when an address is a path. The runtimes themselves remove the file when they stop
 * listening; what they leave to us is the file of a server that was killed before it could.
 */
import { access, lstat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { SocketError } from "../core/errors.ts";
import type { Transport } from "../core/transport.ts";

/** What `sun_path` holds, less the closing zero. Node cuts off what is longer, without a word. */
const longest = process.platform === "linux" ? 107 : 103;

/** Throws a `SocketError` for a path that no system call would take as it is. */
export function checkPath(path: string, action: string): void {
  if (isPipe(path)) return;
  const length = new TextEncoder().encode(path).length;
  if (length >= 1 && length <= longest) return;
  const found = length === 0
    ? "the path is empty"
    : `the path has ${length} bytes, and ${longest} is the most`;
  throw new SocketError("address_not_available", `${action}: ${found}; choose another one`);
}

/**
 * Binds. Where the path is taken by a socket that nobody answers at, removes that file and binds again; a file of
 * another kind and a socket that lives are left alone.
 */
export async function bindPath<T>(
  path: string,
  bind: () => Promise<T>,
  dial: () => Promise<Transport>,
): Promise<T> {
  const action = `listen on ${path}`;
  checkPath(path, action);
  try {
    return await bind();
  } catch (error) {
    if (!(error instanceof SocketError) || isPipe(path)) throw error;
    if (error.reason !== "address_in_use") throw await explained(error, path, action);
    await clear(path, dial, action, error.cause);
  }
  return await bind();
}

/** Removes a dead socket's file, or throws because of what is there instead. */
async function clear(
  path: string,
  dial: () => Promise<Transport>,
  action: string,
  cause: unknown,
): Promise<void> {
  const taken = (by: string) =>
    new SocketError("address_in_use", `${action}: ${by}, or choose another path`, { cause });
  const file = await lstat(path).catch(() => undefined);
  if (file !== undefined && !file.isSocket()) {
    throw taken("a file that is no socket is in the way (EADDRINUSE): remove it");
  }
  if (await answers(dial)) throw taken("another server answers there (EADDRINUSE): stop that one");
  // Gone already is as good.
  await unlink(path).catch((error) => {
    if ((error as { code?: unknown }).code !== "ENOENT") {
      throw taken(`a dead socket's file is in the way, and can't be removed (${error.message}): remove it`);
    }
  });
}

/** Only a refusal shows that nobody is there; a live server whose accept queue is full fails in another way. */
async function answers(dial: () => Promise<Transport>): Promise<boolean> {
  try {
    (await dial()).abort();
    return true;
  } catch (error) {
    return !(error instanceof SocketError &&
      (error.reason === "refused" || error.reason === "path_not_found"));
  }
}

/** Node says "permission denied" where the directory is missing. */
async function explained({ reason, message, cause }: SocketError, path: string, action: string) {
  if (reason !== "permission_denied" && reason !== "path_not_found") {
    return new SocketError(reason, message, { cause });
  }
  const directory = dirname(path);
  const there = await access(directory).then(() => true, () => false);
  return there
    ? new SocketError("permission_denied", `${action}: no right to make a file in ${directory}`, { cause })
    : new SocketError("path_not_found", `${action}: there is no directory ${directory}; make it first`, {
      cause,
    });
}

/** A named pipe of Windows is no file. */
function isPipe(path: string): boolean {
  return path.startsWith("\\\\");
}
