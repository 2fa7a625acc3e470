/**
 * Messages of ours on a channel of Redis, which carries bytes alone: a head for what a message has besides, as in HTTP, and
 * no head for one that has nothing.
 */
import type { BusMessage } from "../bus.ts";

const first = "MILLRACE/1\r\n";
/** A head that goes on for longer is none. */
const longest = 65_536;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const mark = encoder.encode(first);

/** The bytes for a channel. */
export function channelBytes({ payload, metadata, reply, seq, received }: BusMessage): Uint8Array {
  let head = reply === undefined ? "" : `reply: ${headText(reply)}\r\n`;
  for (const key in metadata) {
    if (key !== "reply" && isName(key)) head += `${key}: ${headText(metadata[key]!)}\r\n`;
  }
  if (seq !== undefined) head += `seq: ${seq}\r\n`;
  if (received !== undefined) head += `received: ${new Date(received).toISOString()}\r\n`;
  if (head === "" && !begins(payload)) return payload;
  const bytes = encoder.encode(`${first}${head}\r\n`);
  const whole = new Uint8Array(bytes.length + payload.length);
  whole.set(bytes);
  whole.set(payload, bytes.length);
  return whole;
}

/** What has come through a channel; whatever has no head is a payload. */
export function channelMessage(subject: string, bytes: Uint8Array): BusMessage {
  const end = begins(bytes) ? endOfHead(bytes) : -1;
  if (end < 0) return { subject, payload: bytes, metadata: {} };
  const metadata: Record<string, string> = {};
  let reply: string | undefined = undefined;
  for (const line of decoder.decode(bytes.subarray(mark.length, end)).split("\r\n")) {
    const at = line.indexOf(":");
    if (at < 1) continue;
    const [key, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    if (key === "reply") reply = value;
    else if (key !== "__proto__") metadata[key] = value;
  }
  return { subject, payload: bytes.subarray(end + 4), metadata, reply };
}

function begins(bytes: Uint8Array): boolean {
  if (bytes.length < mark.length) return false;
  for (let at = 0; at < mark.length; at++) if (bytes[at] !== mark[at]) return false;
  return true;
}

/** Where the empty line begins, with the end of the line before it. */
function endOfHead(bytes: Uint8Array): number {
  const last = Math.min(bytes.length - 4, longest);
  for (let at = mark.length - 2; at <= last; at++) {
    if (bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) return at;
  }
  return -1;
}

function isName(key: string): boolean {
  return /^[!-9;-~]+$/.test(key);
}

/** A line of its own would be another field. */
function headText(value: string): string {
  return /\p{Cc}/u.test(value) ? value.replace(/\p{Cc}/gu, (char) => encodeURIComponent(char)) : value;
}
