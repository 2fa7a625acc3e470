/** The framings of Millrace beyond lines, one delimiter and plain lengths, as they are measured. */
import { cobs, slip } from "../../protocols.ts";
import { berField, checksummed, delimited, type Framing, varintField } from "../../streams.ts";
import { limitBytes, type MechanismWire } from "./contestant.ts";

const limit = { maxFrameBytes: limitBytes };

/** By what is cut. */
const framings: Readonly<Record<MechanismWire, Framing<Uint8Array>>> = {
  several: delimited({ delimiter: ["\n", "\r\n", "\r"], ...limit }),
  checksum: checksummed(delimited({ delimiter: "\n", ...limit }), { type: "xor", format: "hex" }),
  varint: varintField(limit),
  ber: berField(limit),
  // With an END before each frame, some pass on an empty one as well.
  slip: slip({ leadingEnd: false, ...limit }),
  cobs: cobs(limit),
};

/** The framing, where what is cut is one of these. */
export function mechanismFraming(wire: string): Framing<Uint8Array> | undefined {
  return Object.hasOwn(framings, wire) ? framings[wire as MechanismWire] : undefined;
}
