/**
 * Parts of the program that are loaded when they are first needed, and whether some are being loaded now.
 *
 * Called by `serve`, `connect` and the adapters, and by the fake clock, whose time must not move on while files are read.
 */
const loading = new Set<Promise<unknown>>();

/** The load as a function that does it once, at its first call, and again after a failure: a descriptor may have been missing. */
export function onFirstUse<Part>(load: () => Promise<Part>): () => Promise<Part> {
  let part: Promise<Part> | undefined;
  return () =>
    part ??= tracked(
      load().catch((error: unknown) => {
        part = undefined;
        throw error;
      }),
    );
}

function tracked<Part>(part: Promise<Part>): Promise<Part> {
  const over = (): void => void loading.delete(part);
  loading.add(part);
  part.then(over, over);
  return part;
}

/** Resolves when nothing is being loaded. */
export async function allLoaded(): Promise<void> {
  while (loading.size > 0) await Promise.allSettled(loading);
}
