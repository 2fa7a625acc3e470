/**
 * Values of DER (X.690) that certificates are made of, as bytes.
 *
 * Called where one is written; `core/tls/der.ts` reads them.
 */
import { derTags } from "../core/tls/der.ts";

/** A value in DER, with its tag and its length in front. */
export type Der = Uint8Array<ArrayBuffer>;

const tags = { truth: 0x01, null: 0x05, set: 0x31 };
/** Tags of strings that are read too. */
export const bitStringTag = 0x03;
export const octetStringTag = 0x04;
/** Where tags begin whose meaning depends on where they stand. */
export const contextSpecific = 0x80;
const containing = 0x20;
/** From then on dates have four digits for the year (RFC 5280, 4.1.2.5). */
const longDates = Date.UTC(2050);

/** A value with this tag, of contents that follow each other. */
export function tagged(tag: number, ...contents: readonly Uint8Array[]): Der {
  const length = contents.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const head = length < 0x80 ? [tag, length] : [tag, ...longLength(length)];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  let at = head.length;
  for (const content of contents) {
    bytes.set(content, at);
    at += content.byteLength;
  }
  return bytes;
}

/** How many bytes the length has, and the length. */
function longLength(length: number): number[] {
  const bytes = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** Values in their order. */
export const sequence = (...values: readonly Der[]): Der => tagged(derTags.sequence, ...values);

/** Values of which the order does not matter: one only, since DER would sort them. */
export const setOf = (value: Der): Der => tagged(tags.set, value);

/** Such as `"2.5.29.17"`. */
export function objectId(text: string): Der {
  const [root = 0, first = 0, ...rest] = text.split(".").map(Number);
  const bytes = [root * 40 + first, ...rest].flatMap((number) => {
    const digits = [number % 128];
    for (let more = Math.floor(number / 128); more > 0; more = Math.floor(more / 128)) {
      digits.unshift(0x80 | more % 128);
    }
    return digits;
  });
  return tagged(derTags.objectId, Uint8Array.from(bytes));
}

/** One that is not negative: its bytes, the highest bit of the first one 0, and no more of them than that needs. */
export const integer = (...bytes: readonly number[]): Der => tagged(derTags.integer, Uint8Array.from(bytes));

export const truth: Der = tagged(tags.truth, Uint8Array.of(0xff));

export const nothing: Der = tagged(tags.null);

/** Bits, of which the last ones of the last byte may be unused. */
export const bitString = (bytes: Uint8Array, unusedBits = 0): Der =>
  tagged(bitStringTag, Uint8Array.of(unusedBits), bytes);

export const octetString = (bytes: Uint8Array): Der => tagged(octetStringTag, bytes);

export const utf8String = (text: string): Der => tagged(derTags.utf8, new TextEncoder().encode(text));

/** A time in milliseconds since 1970, of which whole seconds are kept. */
export function time(ms: number): Der {
  const digits = new Date(ms).toISOString().slice(0, "2026-01-01T00:00:00".length).replaceAll(/\D/g, "");
  const [tag, text] = ms < longDates ? [derTags.utcTime, digits.slice(2)] : [derTags.generalizedTime, digits];
  return tagged(tag, new TextEncoder().encode(`${text}Z`));
}

/** Bytes whose tag has its meaning only where they stand. */
export const implicit = (tagNumber: number, bytes: Uint8Array): Der =>
  tagged(contextSpecific | tagNumber, bytes);

/** A value in one whose tag has its meaning only where it stands. */
export const explicit = (tagNumber: number, value: Der): Der => tagged(explicitTag(tagNumber), value);

/** The whole tag of such a value. */
export const explicitTag = (tagNumber: number): number => contextSpecific | containing | tagNumber;
