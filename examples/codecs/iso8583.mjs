// ISO 8583 as JSON: fields by number, such as { "0": "0200", "4": "000000005000" }. Network messages (0800) are answered here and
// not published. Parsed by the package iso_8583: npm install iso_8583
import { Buffer } from "node:buffer";
import Iso8583 from "iso_8583";

export function decode(frame, { decoded }) {
  const fields = new Iso8583().getIsoJSON(Buffer.from(frame), { lenHeader: false });
  if (fields.error) throw new Error(fields.error);
  if (fields[0] !== "0800") return decoded(fields, { metadata: { "iso8583.mti": fields[0] } });
  return decoded(undefined, { answer: encode({ ...fields, 0: "0810", 39: "00" }) });
}

export function encode(fields) {
  const frame = new Iso8583(fields).getBufferMessage();
  if (frame.error) throw new Error(frame.error);
  return frame.subarray(2); // the length is the framing's
}
