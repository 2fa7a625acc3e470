/** What functions of a codec have returned or thrown, in words. */

/** What was thrown, as text. */
export function textOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return "what has no text";
  }
}

/** What a function has returned, in a word. */
export function kindOf(value: unknown): string {
  if (isThenable(value)) return "a promise: it must return at once";
  if (value === null) return "null";
  return typeof value === "object" ? "an object" : typeof value;
}

/** A promise, or what passes for one. */
export function isThenable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  try {
    return typeof (value as { readonly then?: unknown }).then === "function";
  } catch {
    return false;
  }
}
