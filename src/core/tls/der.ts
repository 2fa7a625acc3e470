/**
 * DER, the binary form of certificates (X.690): values with a tag, each in its bounds.
 *
 * Called by `x509.ts`. Knows no certificate; refuses with a `RangeError` what is cut off or overlong.
 */

/** One value. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** Tags that certificates use. */
export const derTags = {
  integer: 0x02,
  objectId: 0x06,
  utf8: 0x0c,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universal: 0x1c,
  bmp: 0x1e,
  sequence: 0x30,
} as const;

/** The values that follow each other in these bytes, which they fill. */
export function derValues(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    if ((tag & 0x1f) === 0x1f) throw new RangeError(`read DER: found a tag of several bytes at ${at}`);
    const first = bytes[at + 1];
    let start = at + 2;
    let length = first ?? NaN;
    if (first !== undefined && first >= 0x80) {
      const size = first - 0x80;
      if (size < 1 || size > 4) throw new RangeError(`read DER: found a length of ${size} bytes at ${at}`);
      length = 0;
      for (const byte of bytes.subarray(start, start + size)) length = length * 256 + byte;
      start += size;
    }
    const end = start + length;
    if (!(end <= bytes.length)) {
      throw new RangeError(`read DER: found the end at ${bytes.length}, expected it at ${end}`);
    }
    values.push({ tag, content: bytes.subarray(start, end) });
    at = end;
  }
  return values;
}

/** The parts of a value that must have this tag. */
export function derParts(value: DerValue | undefined, tag: number = derTags.sequence): DerValue[] {
  if (value?.tag === tag) return derValues(value.content);
  throw new RangeError(`read DER: found tag ${value?.tag ?? "none"}, expected ${tag}`);
}

/** An object identifier, such as `"2.5.4.3"`. */
export function derObjectId({ content }: DerValue): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(number);
      number = 0;
    }
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join(".");
}

/** A character string; undefined when the value is none. */
export function derText({ tag, content }: DerValue): string | undefined {
  switch (tag) {
    case derTags.utf8:
      return new TextDecoder().decode(content);
    case derTags.printable:
    case derTags.ia5:
    case derTags.teletex:
      return latinText(content);
    case derTags.bmp:
      return codePoints(content, 2);
    case derTags.universal:
      return codePoints(content, 4);
    default:
      return undefined;
  }
}

/** One character a byte. */
export function latinText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function codePoints(bytes: Uint8Array, width: number): string {
  let text = "";
  for (let at = 0; at + width <= bytes.length; at += width) {
    let code = 0;
    for (const byte of bytes.subarray(at, at + width)) code = code * 256 + byte;
    text += code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  }
  return text;
}

/** A time, in milliseconds since 1970. */
export function derTime({ tag, content }: DerValue): number {
  const text = latinText(content);
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  const years = tag === derTags.utcTime ? 2 : tag === derTags.generalizedTime ? 4 : 0;
  if (match?.[1]?.length !== years) {
    throw new RangeError(`read DER: found ${JSON.stringify(text)} for a time`);
  }
  const [year = 0, month = 1, day, hour, minute, second] = match.slice(1).map(Number);
  // Two digits mean 1950 to 2049 (RFC 5280, 4.1.2.5.1).
  const full = years === 4 ? year : year < 50 ? 2000 + year : 1900 + year;
  return Date.UTC(full, month - 1, day, hour, minute, second);
}
