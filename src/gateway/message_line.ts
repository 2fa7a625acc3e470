/**
 * A message as one line of JSON, and back: what the stdio bus speaks and what `print` prints.
 *
 * Metadata stands flat beside the payload: `{"subject":"millrace.echo.in","conn.id":"…","payload":"hello"}`.
 * `encoding` is there when the payload is not plain text. Knows no streams.
 */
import type { BusMessage } from "./buses/bus.ts";
import { isSubject } from "./buses/subject.ts";
import { membersOf } from "./json_text.ts";
import { type PayloadEncoding, payloadEncodings, readPayload, showPayload } from "./payload.ts";

/** Metadata that is shown as a number. */
const numbers: ReadonlySet<string> = new Set(["peer.port"]);
const reserved: ReadonlySet<string> = new Set(["subject", "reply", "payload", "encoding"]);

/** A frame as people read it: metadata and payload, without subjects. Ends with a newline. */
export function frameLine(message: BusMessage): string {
  return `{${fields(message)}}\n`;
}

/** A message with everything that is needed to answer it. Ends with a newline. */
export function messageLine(message: BusMessage): string {
  const reply = message.reply === undefined ? "" : `"reply":${JSON.stringify(message.reply)},`;
  return `{"subject":${JSON.stringify(message.subject)},${reply}${fields(message)}}\n`;
}

function fields(message: BusMessage): string {
  let text = "";
  for (const [key, value] of Object.entries(message.metadata)) {
    if (reserved.has(key)) continue;
    text += `${JSON.stringify(key)}:${
      numbers.has(key) && /^(?:0|[1-9]\d{0,14})$/.test(value) ? value : JSON.stringify(value)
    },`;
  }
  const shown = showPayload(message.payload, message.encoding ?? "utf8");
  const encoding = shown.encoding === "utf8" ? "" : `,"encoding":"${shown.encoding}"`;
  return `${text}"payload":${shown.json}${encoding}`;
}

/** Reads a line back. Throws a `TypeError` or `SyntaxError` that says what is wrong with it. */
export function readMessageLine(line: string): BusMessage {
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError("found JSON that is not an object, expected one with subject and payload");
  }
  const { subject, reply, payload, encoding, ...rest } = value as Record<string, unknown>;
  const texts = new Map<string, string>();
  for (const [key, text] of membersOf(line)) {
    if (texts.has(key)) throw new TypeError(`found ${JSON.stringify(key)} twice, expected each key once`);
    texts.set(key, text);
  }
  const hint = 'expected a subject such as "millrace.echo.out"';
  if (typeof subject !== "string" || !isSubject(subject)) {
    throw new TypeError(`found subject ${JSON.stringify(subject) ?? "nothing"}, ${hint}`);
  }
  if (reply !== undefined && (typeof reply !== "string" || !isSubject(reply))) {
    throw new TypeError(`found reply ${JSON.stringify(reply)}, expected a subject, or nothing`);
  }
  if (payload === undefined) throw new TypeError("found no payload, expected one, even if it is empty");
  if (encoding !== undefined && !payloadEncodings.includes(encoding as PayloadEncoding)) {
    throw new TypeError(
      `found encoding ${JSON.stringify(encoding)}, expected ${payloadEncodings.join(", ")}`,
    );
  }
  const metadata: [string, string][] = [];
  for (const [key, field] of Object.entries(rest)) {
    if (typeof field !== "string" && typeof field !== "number" && typeof field !== "boolean") {
      throw new TypeError(
        `found ${JSON.stringify(key)} with ${JSON.stringify(field)}, expected text or a number`,
      );
    }
    // A number as it is written: a large one would be rounded.
    metadata.push([key, typeof field === "number" ? texts.get(key)! : String(field)]);
  }
  const bytes = readPayload(payload, texts.get("payload")!, encoding as PayloadEncoding | undefined);
  // Made as a whole: an assignment to the key `__proto__` would be lost.
  return {
    subject,
    payload: bytes,
    metadata: Object.fromEntries(metadata),
    ...(reply !== undefined && { reply }),
  };
}
