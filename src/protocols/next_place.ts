/** Where the next frame begins after a bad one, for protocols whose frames begin with the same bytes. */
import type { Pattern } from "../core/bytes/pattern.ts";

/** The first place, at `from` or after it, where these bytes stand, or may stand when more come; or -1. */
export function nextPlace(start: Pattern, bytes: Uint8Array, from: number): number {
  const at = start.find(bytes, from);
  if (at >= 0) return at;
  const matched = start.matchTail(bytes, from, 0);
  return matched === 0 ? -1 : bytes.length - matched;
}
