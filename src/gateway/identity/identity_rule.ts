/**
 * Where a frame says whose it is: at a place, between two texts, in a field of a segment, in JSON.
 *
 * Read by `config/identity.ts`, used by `identifying.ts`. A rule is compiled once and reads a frame at a time.
 */
import { Pattern } from "../../core/bytes/pattern.ts";
import { codecIdentity } from "../codecs/frame_facts.ts";
import { hexText } from "../../core/text/hex.ts";

/** How bytes at a place are written. */
export const identityForms = ["text", "hex", "bcd"] as const;

/** One way to find it. */
export type IdentityRule =
  | { readonly offset: number; readonly length: number; readonly as: typeof identityForms[number] }
  | { readonly after: Uint8Array; readonly until: Uint8Array | undefined }
  | { readonly field: number; readonly separator: string; readonly segment: string | undefined }
  | { readonly json: readonly string[] }
  /** What the endpoint's codec says. */
  | { readonly codec: true }
  /** Metadata of the connection, known before its first frame. */
  | { readonly from: string };

/** What it says in this frame; undefined where it says nothing. Not checked yet. */
type ReadIdentity = (frame: Uint8Array) => string | undefined;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The rule as a function of a frame. */
export function compileRule(rule: Exclude<IdentityRule, { readonly from: string }>): ReadIdentity {
  if ("offset" in rule) {
    const { offset, length, as } = rule;
    const write = { text, hex: hexText, bcd }[as];
    return (frame) =>
      offset + length > frame.length ? undefined : write(frame.subarray(offset, offset + length));
  }
  if ("after" in rule) {
    const after = new Pattern(rule.after);
    const until = rule.until && new Pattern(rule.until);
    return (frame) => {
      const found = after.find(frame, 0);
      if (found < 0) return undefined;
      const start = found + after.length;
      const end = until === undefined ? frame.length : until.find(frame, start);
      return end < 0 ? undefined : text(frame.subarray(start, end));
    };
  }
  if ("field" in rule) {
    const { field, separator, segment } = rule;
    return (frame) => {
      const whole = text(frame);
      const line = segment === undefined
        ? whole
        : whole?.split(/[\r\n]+/).find((one) => one.startsWith(segment + separator));
      return line?.split(separator, field)[field - 1];
    };
  }
  if ("codec" in rule) return codecIdentity;
  const path = rule.json;
  return (frame) => {
    let value: unknown;
    try {
      value = JSON.parse(decoder.decode(frame));
    } catch {
      return undefined;
    }
    for (const key of path) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
      value = (value as Record<string, unknown>)[key];
    }
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
}

/** The value as it is used: without spaces and zero bytes around it; undefined if it is none. */
export function checkedIdentity(value: string | undefined, maxLength: number): string | undefined {
  const trimmed = value?.replace(/^[ \0]+|[ \0]+$/g, "");
  if (trimmed === undefined || trimmed === "" || trimmed.length > maxLength) return undefined;
  return /\p{Cc}/u.test(trimmed) ? undefined : trimmed;
}

function text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Two digits a byte; an `f` at the end fills the last one. */
function bcd(bytes: Uint8Array): string | undefined {
  const digits = hexText(bytes).replace(/f$/, "");
  return /^\d+$/.test(digits) ? digits : undefined;
}
