/** How the frames of an endpoint are acknowledged to its peers, as its configuration says it. */
import type { LinkProtocol } from "./link_protocol.ts";

/** Settings of one endpoint. */
export interface Acknowledge {
  readonly protocol: LinkProtocol;
  /** Each frame at once, or when it is stored. */
  readonly when: "received" | "stored";
  /** What follows on a frame that the bus will never have, behind the NAK if there is one. */
  readonly onFailure: "close" | "continue";
  /** So many NAKs in a row end the connection. */
  readonly maxNaks: number;
  /** Peers acknowledge what they are sent, within this time; otherwise it is sent again so many times. */
  readonly egress: { readonly timeout: number; readonly repeats: number } | undefined;
}
