/** Files that are made for good: never over another one by accident, never half, and private where they must be. */
import { randomUUID } from "node:crypto";
import { link, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** How a file is made. */
interface NewFileOptions {
  /** Readable by its owner alone, from the first moment on. */
  readonly secret: boolean;
  /** Take the place of a file that is there. */
  readonly replace: boolean;
}

/** True when there is something at this path. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as { code?: string }).code ?? "")) return false;
    throw error;
  }
}

/**
 * Makes a file with all of its text at once, and the folders above it. Without `replace` it rejects with an error
 * whose `code` is `EEXIST` when the file is there.
 */
export async function makeFile(path: string, text: string, options: NewFileOptions): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { encoding: "utf8", mode: options.secret ? 0o600 : 0o644, flag: "wx" });
    await (options.replace ? rename : link)(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}
