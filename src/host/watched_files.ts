/**
 * Text files that other programs replace: read, compared, watched.
 *
 * Used by the certificates of servers. Knows nothing of what is in the files.
 */
import { watch } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** More than any certificate or key needs; a wrong path, such as a log or a device, ends here. */
const largestFile: number = 1024 * 1024;

/**
 * Reads a file as UTF-8. Rejects with the runtime's error, or with a `RangeError` when it is larger than
 * `largestFile` or no file that ends, such as a pipe.
 */
export async function readSmallFile(path: string): Promise<string> {
  const facts = await stat(path);
  if (!facts.isFile()) throw new RangeError("it is not a regular file");
  if (facts.size > largestFile) {
    throw new RangeError(`it is larger than ${largestFile} bytes: ${facts.size} bytes`);
  }
  return await readFile(path, "utf8");
}

/** A text that differs when the file, or the one its link leads to, is another or has changed. Never rejects. */
export async function fileStamp(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs } = await stat(path);
    return `${dev}:${ino}:${size}:${mtimeMs}`;
  } catch (error) {
    return (error as { code?: string }).code ?? "unreadable";
  }
}

/** A text that differs when the folder at this path is another one. Never rejects. */
export async function folderIdentity(path: string): Promise<string> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  } catch (error) {
    return (error as { code?: string }).code ?? "unreadable";
  }
}

/**
 * Calls back when something in the folder changes; may call without reason, and may miss changes. Returns how to
 * stop. `failed` is called at most once, and nothing is watched from then on.
 */
export function watchFolder(path: string, changed: () => void, failed: (error: unknown) => void): () => void {
  let over = false;
  const fail = (error: unknown): void => {
    if (over) return;
    stop();
    failed(error);
  };
  let watcher: ReturnType<typeof watch> | undefined = undefined;
  const stop = (): void => {
    over = true;
    watcher?.close();
  };
  try {
    watcher = watch(path, { persistent: false }, () => {
      if (!over) changed();
    });
    // Deno tells here, a turn later, what the others throw.
    watcher.on("error", fail);
  } catch (error) {
    fail(error);
  }
  return stop;
}

/** The folder that a file's name stands in. */
export function folderOf(path: string): string {
  return dirname(path);
}
