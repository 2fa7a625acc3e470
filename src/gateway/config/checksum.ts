/**
 * The checksum around an endpoint's framing: `checksum: crc16-x25` in its table, or a table of the options of `checksummed`.
 */
import { checksumKinds } from "../../core/checksum/checksum.ts";
import type { ChecksumOptions } from "../../core/framing/checksum_options.ts";
import type { Read, Section } from "./section.ts";
import { boolean, bytes, integer, oneOf } from "./values.ts";

const type = oneOf([...checksumKinds.keys()]);

const options: Readonly<Record<string, Read<unknown>>> = {
  seed: integer(0),
  format: oneOf(["binary", "hex", "decimal"]),
  endian: oneOf(["big", "little"]),
  bytes: integer(1, 4),
  from: integer(0),
  separator: bytes,
  keepChecksum: boolean,
  onFrameError: oneOf(["close", "skip"]),
};

/** Reads `checksum` of a framing; undefined when there is none, or something was wrong. */
export function readChecksum(framing: Section): ChecksumOptions | undefined {
  const value = framing.raw("checksum");
  if (typeof value === "string") {
    const named = framing.take("checksum", type);
    return named && { type: named };
  }
  const wanted = "the name of a checksum, or a table such as { type: crc16-x25, endian: little }";
  return framing.table("checksum", wanted, (table) => {
    const read: Record<string, unknown> = {
      type: table.require("type", type, `one of ${[...checksumKinds.keys()].join(", ")}`),
    };
    for (const [key, reader] of Object.entries(options)) {
      const option = table.take(key, reader);
      if (option !== undefined) read[key] = option;
    }
    return read as object as ChecksumOptions;
  });
}
