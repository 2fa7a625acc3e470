/**
 * Messages of ours as messages of NATS, and back: metadata are headers.
 *
 * https://docs.nats.io/reference/reference-protocols/nats-protocol#hpub
 */
import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import type { BusMessage } from "../bus.ts";
import type { Nats } from "./library.ts";

/** Where a stored message says its reply subject: that of NATS itself is for the acknowledgement. */
export const replyHeader = "reply";

/** Headers of a message; undefined where it has none. One object a message: the library writes into it. */
export function headersOf({ headers }: Nats, { metadata, seq, received }: BusMessage): MsgHdrs | undefined {
  let made: MsgHdrs | undefined = undefined;
  for (const key in metadata) {
    if (isHeaderName(key)) (made ??= headers()).set(key, headerValue(metadata[key]!));
  }
  if (seq !== undefined) (made ??= headers()).set("seq", String(seq));
  if (received !== undefined) (made ??= headers()).set("received", new Date(received).toISOString());
  return made;
}

/** A message that has come. */
export function messageOf(message: Pick<Msg, "subject" | "data" | "reply" | "headers">): BusMessage {
  const { subject, data, reply, headers } = message;
  const metadata: Record<string, string> = {};
  if (headers !== undefined) {
    for (const [key, [value = ""]] of headers) if (key !== "__proto__") metadata[key] = value;
  }
  return { subject, payload: data, metadata, reply: reply === "" ? undefined : reply };
}

/** Names that begin so have a meaning to the server. */
function isHeaderName(key: string): boolean {
  return /^[!-9;-~]+$/.test(key) && !/^nats-/i.test(key);
}

/** A line of its own ends a header: what a peer has sent must not be able to add another. */
function headerValue(value: string): string {
  return /\p{Cc}/u.test(value) ? value.replace(/\p{Cc}/gu, (char) => encodeURIComponent(char)) : value;
}
