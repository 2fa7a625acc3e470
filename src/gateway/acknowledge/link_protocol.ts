/**
 * What the peers of an endpoint expect as the answer to each of their frames.
 *
 * Made by `link_protocols.ts` by name, or of bytes that the configuration has; used by `connection_acknowledger.ts`.
 */

/** What became of a frame: the gateway has it; the bus will never have it; or it is not what it should be. */
export type Verdict = "taken" | "not stored" | "rejected";

/** One protocol of acknowledgements. */
export interface LinkProtocol {
  readonly name: string;
  /** What is sent for a frame; undefined where nothing is. */
  answer(frame: Uint8Array, verdict: Verdict): Uint8Array | undefined;
  /** What is sent for bytes that the framing refused; `first`: no frame came before them. */
  refusal(first: boolean): Uint8Array | undefined;
  /** True for a frame that asks for nothing but its answer, and is not published. */
  readonly isKeepalive?: (frame: Uint8Array) => boolean;
}
