/** Facts as attributes of OTLP, of limited number and length: what they are made of may come from outside. */
import type { AnyValue, KeyValue } from "./otlp.ts";

/** The most attributes of one record, the default of OpenTelemetry. */
const most = 128;
/** The longest text in characters; the rest is left out. */
const longest = 4096;

/** Each fact that there is. */
export function attributesOf(facts: Readonly<Record<string, unknown>>): KeyValue[] {
  const attributes: KeyValue[] = [];
  for (const key in facts) {
    const value = facts[key];
    if (value === undefined || value === null) continue;
    if (attributes.length === most) break;
    attributes.push({ key: key.slice(0, longest), value: anyValue(value) });
  }
  return attributes;
}

/** A text of limited length. */
export function short(text: string): string {
  // Half of a pair is no character.
  return text.length <= longest ? text : text.slice(0, longest).replace(/[\ud800-\udbff]$/, "");
}

function anyValue(value: unknown): AnyValue {
  switch (typeof value) {
    case "string":
      return { stringValue: short(value) };
    case "boolean":
      return { boolValue: value };
    case "number":
      return numberValue(value);
    case "bigint":
      return BigInt.asIntN(64, value) === value ? { intValue: `${value}` } : { stringValue: `${value}` };
    default:
      return { stringValue: short(value instanceof Error ? value.message : jsonOf(value)) };
  }
}

function numberValue(value: number): AnyValue {
  return Number.isSafeInteger(value) ? { intValue: `${value}` } : { doubleValue: double(value) };
}

/** JSON has no numbers for those that are not finite. */
export function double(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
