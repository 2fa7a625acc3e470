// HL7 version 2 as JSON, with acknowledgements: AA once the message is published (on a bus that stores: stored), AE if it never
// will be, AR for a message without a type. Parsed by the package node-hl7-client: npm install node-hl7-client
import { Message } from "node-hl7-client";

const text = new TextDecoder("utf-8", { fatal: true });
const bytes = new TextEncoder();

/** The answer to a message, in its own delimiters: sender and receiver change places. */
function acknowledgement(header, code) {
  const [, delimiters, application, facility, ownApplication, ownFacility, , , , id, processing, version] =
    header;
  const now = new Date().toISOString().replaceAll(/\D/g, "").slice(0, 14);
  const parties = [ownApplication, ownFacility, application, facility];
  const answer = ["MSH", delimiters, ...parties, now, "", "ACK", id, processing, version];
  return (separator) => bytes.encode(`${answer.join(separator)}\rMSA${separator}${code}${separator}${id}\r`);
}

export function decode(frame, { decoded }) {
  // Throws for what does not begin with MSH, and cannot be answered.
  const message = new Message({ text: text.decode(frame) });
  const [id, type] = ["MSH.10", "MSH.9.2"].map((path) => message.get(path).toString());
  if (id === "") throw new Error("the message has no control id (MSH-10)");
  const lines = message.toString().split("\r");
  const separator = lines[0][3];
  const segments = lines.map((line) => line.split(separator));
  // What answers an answer would never end.
  if (/^ACK\b/.test(segments[0][8])) {
    return decoded({ id, separator, segments }, { metadata: { "hl7.type": "ACK" } });
  }
  const answer = (code) => acknowledgement(segments[0], code)(separator);
  if (type === "") {
    throw Object.assign(new Error("the message has no type (MSH-9)"), { answer: answer("AR") });
  }
  const metadata = { "hl7.type": `${message.get("MSH.9.1")}_${type}` };
  return decoded({ id, separator, segments }, { metadata, answer: answer("AA"), refusal: answer("AE") });
}

export function encode({ separator = "|", segments }) {
  return bytes.encode(segments.map((fields) => `${fields.join(separator)}\r`).join(""));
}
