/** What an HL7 message says of another, by its MSA segment. */
import { acknowledgementOf, headerOf } from "./hl7_header.ts";
import type { PeerReply } from "./link_protocol.ts";

/** Undefined where it does not answer this one. A response with content of its own is not an answer alone. */
export function hl7ReplyTo(sent: Uint8Array, frame: Uint8Array): PeerReply | undefined {
  const said = acknowledgementOf(frame);
  if (said === undefined || said.id === "" || said.id !== headerOf(sent)?.id) return undefined;
  return { accepted: said.code === "AA" || said.code === "CA", alone: headerOf(frame)?.type === "ACK" };
}
