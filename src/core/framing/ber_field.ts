/**
 * Frames behind a length as the Basic Encoding Rules of ASN.1 write it.
 */
import { showHex } from "../bytes/bytes.ts";
import type { Framing } from "./framing.ts";
import { type LengthCodec, variableLength, type VariableLengthOptions } from "./variable_length.ts";

const ber: LengthCodec = {
  name: "berField",
  largest: (lengthBytes) => lengthBytes === 1 ? 127 : 256 ** (lengthBytes - 1) - 1,
  read(bytes, at, to, { maxLengthBytes, shortestForm }) {
    if (at >= to) return undefined;
    const first = bytes[at]!;
    if (first < 128) return { length: first, end: at + 1 };
    if (first === 128) return "found a length of indefinite form (0x80), which has no size";
    const size = first - 128;
    if (size >= maxLengthBytes) {
      return `found a length of ${size + 1} bytes (${
        showHex(bytes.subarray(at, at + 1))
      }), over ${maxLengthBytes}`;
    }
    const end = at + 1 + size;
    if (end > to) return undefined;
    let length = 0;
    for (let i = at + 1; i < end; i++) length = length * 256 + bytes[i]!;
    if (!shortestForm || (bytes[at + 1]! > 0 && length > 127)) return { length, end };
    return `found a length of ${length} in ${size + 1} bytes (${showHex(bytes.subarray(at, end))})`;
  },
  size(length) {
    if (length < 128) return 1;
    let size = 1;
    while (length >= 256 ** size) size++;
    return 1 + size;
  },
  write(length, out) {
    if (length < 128) return out.byte(length);
    let size = this.size(length) - 1;
    out.byte(128 + size);
    while (size-- > 0) out.byte(Math.floor(length / 256 ** size) % 256);
  },
};

/**
 * Frames behind a length as in BER and DER (X.690, 8.1.3): one byte up to 127, else a byte with the number of bytes
 * that follow. The indefinite form is rejected. With `lengthOffset: 1`, the size of a tag of one byte, these are the messages
 * of LDAP (RFC 4511, 5.1) and SNMP over TCP (RFC 3430). With `shortestForm` they are as in DER. A frame is a view of the chunk it
 * came in where possible: copy it to keep it for long.
 *
 * @example
 * ```ts
 * import { berField } from "@millrace/millrace";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const unbind = Uint8Array.of(0x30, 5, 2, 1, 3, 0x42, 0);
 * const framing = berField({ lengthOffset: 1 });
 * for await (const message of new Blob([unbind]).stream().pipeThrough(new FramerStream(framing))) {
 *   console.log(message.length); // 7
 * }
 * ```
 *
 * @throws {OptionsError} `invalid`, for an invalid option, and for `lengthOffset` with `keepHeader: false`
 */
export function berField(options: VariableLengthOptions = {}): Framing<Uint8Array> {
  return variableLength(ber, options);
}
