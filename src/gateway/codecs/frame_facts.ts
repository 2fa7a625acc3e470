/**
 * What a codec said of a frame, for those who come after it: the identity rule `codec` and the acknowledgement `codec`.
 *
 * Written by `connection_decoder.ts`. Holds nothing longer than its frame is held.
 */
import type { LinkProtocol } from "../acknowledge/link_protocol.ts";
import type { DecodedFacts } from "./codec.ts";

const known: WeakMap<Uint8Array, DecodedFacts> = new WeakMap();

/** Notes it. */
export function noteFacts(frame: Uint8Array, facts: DecodedFacts): void {
  known.set(frame, facts);
}

/** Whose frame it is. */
export function codecIdentity(frame: Uint8Array): string | undefined {
  return known.get(frame)?.identity;
}

/** Answers as the codec says. */
export const codecProtocol: LinkProtocol = {
  name: "codec",
  answer(frame, verdict) {
    const facts = known.get(frame);
    return verdict === "taken" ? facts?.answer : facts?.refusal;
  },
  // Nothing can be said of what is no frame.
  refusal: () => undefined,
};
