/** Messages of ours as entries of a stream, and back: each thing is a field. */
import { bufferOver, type NodeBuffer } from "../../../host/buffer.ts";
import type { BusMessage } from "../bus.ts";
import { isSubject } from "../subject.ts";

/** Fields of the bus itself; a header that has such a name stands behind this. */
const own: ReadonlySet<string> = new Set(["subject", "payload", "reply", "seq", "received"]);
const besides = "header.";

/** Names and values in turn, appended; returns how many. */
export function appendFields(message: BusMessage, to: (string | NodeBuffer)[]): number {
  const before = to.length;
  const { subject, payload, metadata, reply, seq, received } = message;
  to.push("subject", subject);
  if (reply !== undefined) to.push("reply", reply);
  if (seq !== undefined) to.push("seq", String(seq));
  if (received !== undefined) to.push("received", new Date(received).toISOString());
  for (const key in metadata) to.push(own.has(key) ? besides + key : key, metadata[key]!);
  to.push("payload", bufferOver(payload));
  return to.length - before;
}

/** The message of an entry in the stream `key`; one without a subject has that of its stream. */
export function entryMessage(key: string, fields: readonly NodeBuffer[]): BusMessage {
  let subject = key;
  let reply: string | undefined = undefined;
  let payload: Uint8Array = new Uint8Array(0);
  const metadata: Record<string, string> = {};
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at]!.toString();
    const value = fields[at + 1]!;
    if (name === "payload") payload = value;
    else if (name === "subject") subject = isSubject(value.toString()) ? value.toString() : key;
    else if (name === "reply") reply = value.toString();
    else if (name !== "__proto__") {
      metadata[name.startsWith(besides) ? name.slice(besides.length) : name] = value.toString();
    }
  }
  return { subject, payload, metadata, reply, stored: true };
}
