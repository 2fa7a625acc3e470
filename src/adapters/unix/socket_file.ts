/**
 * Files of Unix sockets in one directory: names that nobody has yet, links, and which file is whose.
 *
 * Used by `unix/path.ts`. Each change is one system call that another process cannot come between, and none waits for
 * the event loop, so that no connection comes in before its listener is known.
 */
import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import type { FileRights } from "../../core/text/file_rights.ts";
import { basename, dirname, join, resolve } from "node:path";

/** Bytes of the names that are made here, with the separator before them. */
const longestName = 13;

/** A name to bind a socket at. */
interface Draft {
  readonly at: string;
  /** Removes what was made for it, once nothing stands there. */
  release(): void;
}

/** The directory of a path. */
export class Folder {
  /** The path, independent of where the process stands when it is used. */
  readonly path: string;
  readonly #directory: string;
  /** The same directory by a name that leaves room for another in `sun_path`. */
  readonly #near: string;
  readonly #shortcut: string | undefined;
  readonly #longest: number;

  private constructor(path: string, longest: number) {
    this.path = resolve(path);
    this.#directory = dirname(this.path);
    this.#longest = longest;
    const fitting = [dirname(path), this.#directory].find((name) => bytes(name) + longestName <= longest);
    this.#shortcut = fitting === undefined ? join(tmpdir(), `.mr${random()}`) : undefined;
    if (this.#shortcut !== undefined) symlinkSync(this.#directory, this.#shortcut);
    this.#near = fitting ?? this.#shortcut!;
  }

  /** Throws what the system says where a name in the directory needs a shortcut that cannot be made. */
  static of(path: string, longest: number): Folder {
    return new Folder(path, longest);
  }

  /** A name that nobody has had, with the path's own in it where there is room. */
  draft(): Draft {
    const telling = join(this.#near, `.${basename(this.path)}.${random()}`);
    const at = bytes(telling) <= this.#longest ? telling : join(this.#near, `.mr${random()}`);
    return { at, release: () => {} };
  }

  /** One in a directory of its own, into which only this user comes. Throws what the system says. */
  hiddenDraft(): Draft {
    const directory = join(this.#near, `.m${random()}`);
    mkdirSync(directory, { mode: 0o700 });
    return { at: join(directory, "s"), release: () => quietly(() => rmdirSync(directory)) };
  }

  /** The name under which a starter claims the right to clear away the path, or a claim on it. */
  claim(depth: number): string {
    return join(this.#directory, `.mr${hash(basename(this.path))}${depth}`);
  }

  /** The same file by a name that can be dialled. */
  dialled(name: string): string {
    return bytes(name) <= this.#longest ? name : join(this.#near, basename(name));
  }

  kind(name: string): "socket" | "other" | "nothing" {
    const file = lstatSync(name, { throwIfNoEntry: false });
    if (file === undefined) return "nothing";
    return file.isSocket() ? "socket" : "other";
  }

  /** Gone already is as good. */
  remove(name: string): void {
    try {
      unlinkSync(name);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }

  /** Once every draft in it has been removed. */
  release(): void {
    if (this.#shortcut !== undefined) quietly(() => unlinkSync(this.#shortcut!));
  }
}

/** The file of a socket that we have bound. While it is bound, no other file has its number. */
export class SocketFile {
  readonly #draft: Draft;
  readonly #identity: string;

  constructor(draft: Draft) {
    this.#draft = draft;
    this.#identity = identity(draft.at);
  }

  /** Sets what is said, the owner last: afterwards it may be another's. Throws what the system says. */
  admit({ mode, uid, gid }: FileRights): void {
    const { at } = this.#draft;
    if (mode !== undefined) chmodSync(at, mode);
    if (uid === undefined && gid === undefined) return;
    const own = lstatSync(at);
    lchownSync(at, uid ?? own.uid, gid ?? own.gid);
  }

  /** Throws with code `EEXIST` where something is. */
  link(name: string): void {
    linkSync(this.#draft.at, name);
  }

  removeDraft(): void {
    quietly(() => unlinkSync(this.#draft.at));
    this.#draft.release();
  }

  /** Removes this name where it is this file's. */
  removeFrom(name: string): void {
    quietly(() => {
      if (identity(name) === this.#identity) unlinkSync(name);
    });
  }
}

/** The code of a system's error. */
export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code;
}

function identity(name: string): string {
  const { dev, ino } = lstatSync(name, { bigint: true });
  return `${dev}:${ino}`;
}

function bytes(name: string): number {
  return new TextEncoder().encode(name).length;
}

/** Eight letters and digits. */
function random(): string {
  return crypto.getRandomValues(new Uint32Array(2)).reduce(
    (text, value) => text + (value % 36 ** 4).toString(36).padStart(4, "0"),
    "",
  );
}

/** FNV-1a, as seven letters and digits. Two names with one hash only keep each other from starting at once. */
function hash(name: string): string {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) value = Math.imul(value ^ byte, 0x01000193);
  return (value >>> 0).toString(36).padStart(7, "0");
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // What cannot be removed is a stale socket file to the next server.
  }
}
