/**
 * A file that grows while it is written, readable by its owner alone. What was written is in it in order, and whole up to the
 * moment that the process is killed, but for the last write.
 *
 * Used by commands that record. A slow disk makes its writers wait; a full one is told once, and nothing more is written.
 */
import { type FileHandle, open } from "node:fs/promises";
import { type Deferred, deferred } from "../core/deferred.ts";

/** Text that may wait for the disk before writers are asked to wait too. */
const mostWaiting = 1024 * 1024;
const encoder = new TextEncoder();

/** One file, open for writing. */
export class PrivateFile {
  readonly #handle: FileHandle;
  readonly #failed: (error: unknown) => void;
  #waiting = "";
  #writing: Promise<void> | undefined = undefined;
  #room: Deferred | undefined = undefined;
  #broken = false;

  private constructor(handle: FileHandle, failed: (error: unknown) => void) {
    this.#handle = handle;
    this.#failed = failed;
  }

  /**
   * Opens it. Rejects with an error whose `code` is `EEXIST` where there is one, unless it is to be replaced. `failed` is
   * called once, with why nothing more can be written.
   */
  static async open(path: string, replace: boolean, failed: (error: unknown) => void): Promise<PrivateFile> {
    const handle = await open(path, replace ? "w" : "wx", 0o600);
    // One that was there has the permissions that it had.
    if (replace) await handle.chmod(0o600);
    return new PrivateFile(handle, failed);
  }

  /** Writes text. A promise: wait for it before writing more. */
  write(text: string): void | Promise<void> {
    if (this.#broken) return;
    this.#waiting += text;
    this.#writing ??= this.#writeAll();
    if (this.#waiting.length > mostWaiting) return (this.#room ??= deferred()).promise;
  }

  /** Writes what is left, and closes it. */
  async close(): Promise<void> {
    await this.#writing;
    this.#broken = true;
    await this.#handle.close();
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting !== "") {
        const bytes = encoder.encode(this.#waiting);
        this.#waiting = "";
        for (let at = 0; at < bytes.length;) {
          at += (await this.#handle.write(bytes, at, bytes.length - at)).bytesWritten;
        }
        this.#release();
      }
    } catch (error) {
      this.#broken = true;
      this.#waiting = "";
      this.#failed(error);
    }
    this.#release();
    this.#writing = undefined;
  }

  #release(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }
}
