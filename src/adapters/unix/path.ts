/**
 * Listening at the path of a Unix socket, so that the file of a living server is never removed and of two starters
 * one fails.
 *
 * Loaded by the adapters when an address is a path. A socket is bound at a draft name and then linked to its path: a
 * link fails where something stands, and the runtimes, which all remove by name what they have bound when they stop,
 * remove a name that is gone already. The path itself is removed only while the file there is our own, before the
 * socket closes: nobody takes over a path while a server answers at it.
 */
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { SocketError, socketErrorFrom } from "../../core/errors.ts";
import { pathFault } from "../../core/text/place.ts";
import type { FileRights } from "../../core/text/file_rights.ts";
import type { Listener, Transport } from "../../core/transport.ts";
import { longestPath } from "../address.ts";
import { codeOf, Folder, SocketFile } from "./socket_file.ts";

/** Not by an import of its module, for which Node opens all of its standard streams. */
const { process } = globalThis;

/** Some runtimes cut off what is longer, without a word. */
const longest = longestPath(process.platform);

/** How many starters may have been killed, each while it cleared away what the one before had left. */
const deepest = 3;

/** What a runtime does at a path. */
export interface PathSockets {
  /** Listens for what the caller wants. */
  bind(at: string): Promise<Listener>;
  /** Listens, and drops every connection. */
  claim(at: string): Promise<Listener>;
  dial(at: string): Promise<Transport>;
}

/** Throws a `SocketError` for a path that no system call would take as it is. */
export function checkPath(path: string, action: string): void {
  const fault = isPipe(path) ? undefined : pathFault(path, longest);
  if (fault === undefined) return;
  throw new SocketError("address_not_available", `${action}: ${fault}; choose another one`);
}

/**
 * Listens. A path that is taken by a socket that nobody answers at is taken over; a file of another kind and a
 * socket that lives are left alone.
 */
export async function bindPath(
  path: string,
  sockets: PathSockets,
  rights?: FileRights,
): Promise<Listener> {
  checkPath(path, `listen on ${path}`);
  return isPipe(path) ? await sockets.bind(path) : await new PathBinding(path, sockets, rights).listen();
}

/** One attempt to listen at a path. */
class PathBinding {
  readonly #path: string;
  readonly #action: string;
  readonly #sockets: PathSockets;
  readonly #rights: FileRights | undefined;
  #folder!: Folder;
  /** An error that says all there is to say. */
  #told: SocketError | undefined = undefined;

  constructor(path: string, sockets: PathSockets, rights: FileRights | undefined) {
    this.#rights = rights;
    this.#path = path;
    this.#action = `listen on ${path}`;
    this.#sockets = sockets;
  }

  async listen(): Promise<Listener> {
    try {
      return await this.#listen();
    } catch (error) {
      throw error === this.#told ? error : await this.#explained(error);
    }
  }

  async #listen(): Promise<Listener> {
    this.#folder = Folder.of(this.#path, longest ?? Infinity);
    try {
      const { listener, file } = await this.#draft((at) => this.#sockets.bind(at), this.#rights);
      try {
        if (this.#rights !== undefined) this.#admit(file, this.#rights);
        await this.#place(file, this.#folder.path, 0);
      } catch (error) {
        await listener.stop();
        throw error;
      } finally {
        file.removeDraft();
      }
      let stopped: Promise<void> | undefined;
      // Once: when it has stopped, the number of its file may be another's.
      const stopOnce = () => stopped ??= stop(listener, file, this.#folder.path);
      return {
        address: listener.address,
        tls: listener.tls,
        get descriptor() {
          return listener.descriptor;
        },
        stop: stopOnce,
      };
    } finally {
      this.#folder.release();
    }
  }

  /** Listens at a name that nobody has, and nobody else reaches before it has the rights that were asked for. */
  async #draft(
    bind: (at: string) => Promise<Listener>,
    rights?: FileRights,
  ): Promise<{ listener: Listener; file: SocketFile }> {
    const draft = rights === undefined ? this.#folder.draft() : this.#folder.hiddenDraft();
    try {
      const listener = await bind(draft.at);
      try {
        return { listener, file: new SocketFile(draft) };
      } catch (error) {
        await listener.stop();
        throw error;
      }
    } catch (error) {
      draft.release();
      throw error;
    }
  }

  /** Sets permissions and owner. */
  #admit(file: SocketFile, rights: FileRights): void {
    try {
      file.admit(rights);
    } catch (cause) {
      throw this.#notAdmitted(cause, rights);
    }
  }

  #notAdmitted(cause: unknown, { uid, gid }: FileRights): SocketError {
    const { message } = cause as Error;
    const owner = [uid === undefined ? "" : `uid ${uid}`, gid === undefined ? "" : `gid ${gid}`];
    const names = owner.filter((text) => text !== "").join(", ");
    const text = names === "" ? `the system does not let its mode be set (${message}): leave mode out` : (
      `the system does not let it belong to ${names} (${message}): run as root or with CAP_CHOWN and CAP_FOWNER, ` +
      "name a group of this process, or leave owner out"
    );
    return this.#told = new SocketError("permission_denied", `${this.#action}: ${text}`, { cause });
  }

  /** Gives the socket this name; what a dead server left there is cleared away first. */
  async #place(file: SocketFile, name: string, depth: number): Promise<void> {
    if (this.#linked(file, name)) return;
    await this.#requireDead(name);
    if (depth === deepest) throw this.#taken(`too many stale socket files are next to it: remove ${name}`);
    const claim = await this.#draft((at) => this.#sockets.claim(at));
    const claimed = this.#folder.claim(depth);
    try {
      // Of those who have found it dead, one at a time goes on from here; later ones look again.
      try {
        await this.#place(claim.file, claimed, depth + 1);
      } finally {
        claim.file.removeDraft();
      }
      await this.#requireDead(name);
      this.#remove(name);
      if (!this.#linked(file, name)) throw this.#taken("another server has just started to listen there");
    } finally {
      // Not waited for: connections may arrive from now on, and the listener has to know first.
      void stop(claim.listener, claim.file, claimed);
    }
  }

  /** False when something is there. */
  #linked(file: SocketFile, name: string): boolean {
    try {
      file.link(name);
      return true;
    } catch (cause) {
      if (codeOf(cause) === "EEXIST") return false;
      // Linking a file that belongs to another user by now needs a right of its own.
      if (codeOf(cause) === "EPERM" && this.#rights?.uid !== undefined) {
        throw this.#notAdmitted(cause, this.#rights);
      }
      throw cause;
    }
  }

  #remove(name: string): void {
    try {
      this.#folder.remove(name);
    } catch (cause) {
      const { message } = cause as Error;
      throw this.#taken(`a stale socket file is in the way, and cannot be removed (${message}): remove it`);
    }
  }

  /** Throws unless nobody answers there. Gone is as good. */
  async #requireDead(name: string): Promise<void> {
    const kind = this.#folder.kind(name);
    if (kind === "nothing") return;
    if (kind === "other") {
      throw this.#taken("a file that is not a socket is in the way (EADDRINUSE): remove it");
    }
    const at = this.#folder.dialled(name);
    if (await answers(() => this.#sockets.dial(at))) {
      const who = name === this.#folder.path ? "another server answers there" : "another server starts there";
      throw this.#taken(`${who} (EADDRINUSE): stop that one`);
    }
  }

  #taken(by: string): SocketError {
    const cause = Object.assign(new Error(`bind EADDRINUSE ${this.#path}`), { code: "EADDRINUSE" });
    return new SocketError("address_in_use", `${this.#action}: ${by}, or choose another path`, { cause });
  }

  /** Node says "permission denied" where the directory is missing, and Deno what permission it lacks. */
  async #explained(error: unknown): Promise<SocketError> {
    const failure = socketErrorFrom(error, this.#action);
    const { reason, cause } = failure;
    const directory = dirname(this.#path);
    const missing = missingPermission(cause, this.#action, `its directory ${directory}`);
    if (missing !== undefined) return missing;
    if (reason !== "permission_denied" && reason !== "path_not_found") return failure;
    const there = await access(directory).then(() => true, (fault) => codeOf(fault) !== "ENOENT");
    const [found, text] = there
      ? ["permission_denied", `no permission to create a file in ${directory}`] as const
      : ["path_not_found", `there is no directory ${directory}; create it first`] as const;
    return new SocketError(found, `${this.#action}: ${text}`, { cause });
  }
}

/** Removes the name first, while the socket lives and nobody may take it over. */
function stop(listener: Listener, file: SocketFile, name: string): Promise<void> {
  file.removeFrom(name);
  return listener.stop();
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

/** The error for what Deno throws where a permission is missing; `place` is what has to be permitted. */
function missingPermission(cause: unknown, action: string, place: string): SocketError | undefined {
  const { name, message = "" } = (cause ?? {}) as { name?: unknown; message?: string };
  if (name !== "NotCapable") return undefined;
  const kind = /^Requires (\w+) access/.exec(message)?.[1] ?? "some";
  const text =
    `${action}: this program lacks ${kind} access (--allow-${kind}); a Unix socket needs --allow-net, and ` +
    `--allow-read and --allow-write for ${place}`;
  return new SocketError("permission_denied", text, { cause });
}

/** The error of an attempt to connect to a path, which names the permissions where one is missing. */
export function dialError(error: unknown, path: string): unknown {
  if (!(error instanceof SocketError)) return error;
  return missingPermission(error.cause, `connect to ${path}`, "its path") ?? error;
}

/** A named pipe of Windows is no file. */
function isPipe(path: string): boolean {
  return process.platform === "win32" && path.startsWith("\\\\");
}
