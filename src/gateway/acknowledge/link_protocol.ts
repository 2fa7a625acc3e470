/**
 * What the peers of an endpoint expect as the answer to each of their frames.
 *
 * Made by `link_protocols.ts` by name, or of bytes that the configuration has; used by `connection_acknowledger.ts`.
 */

/** What became of a frame: the gateway has it; the bus will never have it; or it is not what it should be. */
export type Verdict = "taken" | "not stored" | "rejected";

/** What a peer says of a frame that it was sent; `alone`: and it says nothing else. */
export interface PeerReply {
  readonly accepted: boolean;
  readonly alone: boolean;
}

/** One protocol of acknowledgements. */
export interface LinkProtocol {
  readonly name: string;
  /** What is sent for a frame; undefined where nothing is. */
  answer(frame: Uint8Array, verdict: Verdict): Uint8Array | undefined;
  /** What is sent for bytes that the framing refused; `first`: no frame came before them. */
  refusal(first: boolean): Uint8Array | undefined;
  /** What a received frame says of the one that was sent; missing where peers do not acknowledge. */
  readonly reply?: (frame: Uint8Array, sent: Uint8Array) => PeerReply | undefined;
  /** Answers of peers as bytes, where the framing must hand them over as frames. */
  readonly bareReplies?: readonly Uint8Array[];
  /** True for a frame that asks for nothing but its answer, and is not published. */
  readonly isKeepalive?: (frame: Uint8Array) => boolean;
}
