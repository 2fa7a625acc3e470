// The binary protocol of examples/meter.ts and examples/collector.ts: a number and a value, big-endian, 12 bytes together.
import { fixedLength, type Framing, mapFraming } from "millrace";

export interface Reading {
  readonly number: number;
  readonly value: number;
}

export const readings: Framing<Reading> = mapFraming(fixedLength({ frameBytes: 12 }), {
  decode({ buffer, byteOffset }): Reading {
    const view = new DataView(buffer, byteOffset);
    return { number: view.getUint32(0), value: view.getFloat64(4) };
  },
  encode({ number, value }: Reading): Uint8Array {
    const view = new DataView(new ArrayBuffer(12));
    view.setUint32(0, number);
    view.setFloat64(4, value);
    return new Uint8Array(view.buffer);
  },
});
