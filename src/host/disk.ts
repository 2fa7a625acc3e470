/**
 * Files that outlive a crash: written at a place, synced, and read at a place, in a directory of their own.
 *
 * Used by the gateway's spool, whose tests put a faulty one in its place. Everything rejects with the runtime's own error,
 * which has a `code`.
 */
import { type FileHandle, mkdir, open, readdir, rename, rmdir, stat, unlink } from "node:fs/promises";
import process from "node:process";

/** One open file. */
export interface DiskFile {
  /** Writes all of it. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** Reads until the bytes are full or the file ends; returns how many. */
  read(into: Uint8Array, at: number): Promise<number>;
  /** Resolves when the device has what was written. */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** How a file is opened. */
type DiskMode =
  /** To read. */
  | "r"
  /** To read and write one that is there. */
  | "r+"
  /** The same for one that must not be there yet. */
  | "wx+";

/** What a directory is made of. */
export interface Disk {
  makeFolder(path: string): Promise<void>;
  /** Names in a directory; none where there is no directory. */
  list(path: string): Promise<string[]>;
  open(path: string, mode: DiskMode): Promise<DiskFile>;
  sizeOf(path: string): Promise<number>;
  remove(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Resolves when the device has the names in this directory. */
  syncFolder(path: string): Promise<void>;
}

/** The number of this process. */
export function processNumber(): number {
  return process.pid;
}

/** The machine's own. Files and directories are made for this user alone. */
export const disk: Disk = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  async list(path) {
    return await readdir(path).catch((error: { code?: string }) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
  },
  async open(path, mode) {
    return new OpenFile(await open(path, mode, 0o600));
  },
  async sizeOf(path) {
    return (await stat(path)).size;
  },
  remove: unlink,
  removeFolder: rmdir,
  rename,
  async syncFolder(path) {
    // Windows has no such call, and names in its directories need none.
    if (process.platform === "win32") return;
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

class OpenFile implements DiskFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += (await this.#handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
    }
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const { bytesRead } = await this.#handle.read(into, done, into.length - done, at + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
