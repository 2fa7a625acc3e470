/** Which acknowledgement an HL7 message asks for, by its header. */
import { acknowledgementOf, headerOf } from "./hl7_header.ts";

/** `original` has AA, AE and AR; `enhanced`, which MSH-15 asks for, has CA, CE and CR, and says when. */
interface AcceptMode {
  readonly name: "original" | "enhanced";
  readonly when: "always" | "success" | "error" | "never";
}

/** HL7 table 0155. */
const conditions = new Map([["AL", "always"], ["SU", "success"], ["ER", "error"], ["NE", "never"]] as const);

/** Undefined for what is not acknowledged: no header, no control id, an acknowledgement, or a response of the original mode. */
export function acceptModeOf(message: Uint8Array): AcceptMode | undefined {
  const header = headerOf(message);
  if (header === undefined || header.id === "" || header.type === "ACK") return undefined;
  if (header.accept !== "" || header.application !== "") {
    return { name: "enhanced", when: conditions.get(header.accept as "AL") ?? "never" };
  }
  return acknowledgementOf(message) === undefined ? { name: "original", when: "always" } : undefined;
}
