/** A deadline on whatever a test waits for, so that a missing event fails with its name instead of hanging. */

/** Ample for a busy machine, and less than the time a file may take, after which nothing would say what was missing. */
const deadlineMs = 20_000;

export function within<Value>(promise: Promise<Value>, what: () => string): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms for ${what()}`)), deadlineMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
