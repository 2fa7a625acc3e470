/**
 * Frames behind a length in base 128, as Protocol Buffers write them.
 */
import { showHex } from "../bytes/bytes.ts";
import type { Framing } from "./framing.ts";
import { type LengthCodec, variableLength, type VariableLengthOptions } from "./variable_length.ts";

const varint: LengthCodec = {
  name: "varintField",
  largest: (lengthBytes) => 128 ** lengthBytes - 1,
  read(bytes, at, to, { maxLengthBytes, shortestForm }) {
    let length = 0;
    let unit = 1;
    for (let end = at; end < at + maxLengthBytes;) {
      if (end >= to) return undefined;
      const byte = bytes[end++]!;
      length += (byte & 127) * unit;
      unit *= 128;
      if (byte > 127) continue;
      if (byte > 0 || end === at + 1 || !shortestForm) return { length, end };
      return `found a length of ${length} in ${end - at} bytes (${showHex(bytes.subarray(at, end))})`;
    }
    const field = showHex(bytes.subarray(at, at + maxLengthBytes));
    return `found a length of more than ${maxLengthBytes} bytes (${field})`;
  },
  size(length) {
    let size = 1;
    while (length >= 128 ** size) size++;
    return size;
  },
  write(length, out) {
    let rest = length;
    for (; rest > 127; rest = Math.floor(rest / 128)) out.byte(rest % 128 + 128);
    out.byte(rest);
  },
};

/**
 * Frames behind a length as a varint: seven bits a byte, the lowest first, the highest bit set in all bytes but the last
 * ([LEB128](https://protobuf.dev/programming-guides/encoding/#varints)). These are the delimited messages of Protocol
 * Buffers, and with `lengthOffset: 1, maxLengthBytes: 4` the packets of MQTT. A frame is a view of the chunk it came in
 * where possible: copy it to keep it for long.
 *
 * @example
 * ```ts
 * import { varintField } from "@millrace/millrace";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const bytes = new Blob([Uint8Array.of(3, 8, 150, 1, 0)]).stream();
 * for await (const message of bytes.pipeThrough(new FramerStream(varintField()))) console.log(message.length);
 * // 3
 * // 0
 * ```
 *
 * @throws {OptionsError} `invalid`, for an invalid option, and for `lengthOffset` with `keepHeader: false`
 */
export function varintField(options: VariableLengthOptions = {}): Framing<Uint8Array> {
  return variableLength(varint, options);
}
