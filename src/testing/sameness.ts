/**
 * Whether two values are the same by content, and how to show one: what `assertFramer` needs of a test runner.
 */
import { equalBytes, showBytes } from "../core/bytes/bytes.ts";

/** Compares bytes, arrays, plain objects, maps, sets and dates by content, anything else by identity. */
export function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (one instanceof Uint8Array) return other instanceof Uint8Array && equalBytes(one, other);
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  if (one instanceof Date) return same(one.getTime(), (other as Date).getTime());
  if (Symbol.iterator in one) return sameList(entries(one), entries(other));
  const [mine, theirs] = [Object.entries(one), Object.entries(other)];
  return mine.length === theirs.length &&
    mine.every(([key, value]) => Object.hasOwn(other, key) && same(value, (other as Fields)[key]));
}

type Fields = Readonly<Record<string, unknown>>;

function entries(value: object): readonly unknown[] {
  return [...value as Iterable<unknown>];
}

function sameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((value, i) => same(value, other[i]));
}

/** A value for people, in at most about a hundred characters. */
export function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes ${showBytes(value)}`;
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  const text = JSON.stringify(value, (_key, part) => {
    if (part instanceof Uint8Array) return showBytes(part);
    return typeof part === "bigint" ? `${part}n` : part;
  }) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
