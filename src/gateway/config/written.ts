/**
 * What a configuration says, key by key as text: two of them are compared by it when a running gateway is given a new one.
 *
 * Made by `config.ts` and `endpoint_config.ts`, so that whatever keys an endpoint has, a change of one is found.
 */

/** Texts that are equal where the values are, by key. */
export type Written = ReadonlyMap<string, string>;

/** The keys of a table without faults. */
export function writtenKeys(table: unknown): Written {
  const entries = Object.entries(table as Readonly<Record<string, unknown>>);
  return new Map(
    entries.filter(([, value]) => value !== undefined).map(([key, value]) => [key, textOf(value)]),
  );
}

/** Keys that only one has, or that are not the same in both. */
export function changedKeys(one: Written, other: Written): readonly string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => one.get(key) !== other.get(key));
}

/** The order of keys says nothing; numbers that JSON has not are kept apart from null. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "bigint" || (typeof inner === "number" && !Number.isFinite(inner))) {
      return { number: String(inner) };
    }
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => a < b ? -1 : 1));
  });
}
