/** Which acknowledgement an HL7 message asks for, by its header. */
import { indexOfByte } from "../../core/bytes/byte_search.ts";

/** `original` has AA, AE and AR; `enhanced`, which MSH-15 asks for, has CA, CE and CR, and says when. */
interface AcceptMode {
  readonly name: "original" | "enhanced";
  readonly when: "always" | "success" | "error" | "never";
}

const carriageReturn = 0x0d;
/** Headers are shorter; what has none is not searched to its end. */
const mostHeader = 4096;
/** HL7 table 0155. */
const conditions = new Map([["AL", "always"], ["SU", "success"], ["ER", "error"], ["NE", "never"]] as const);

/** Undefined for what cannot be acknowledged: no header, no control id, or an acknowledgement itself. */
export function acceptModeOf(message: Uint8Array): AcceptMode | undefined {
  const end = indexOfByte(message.subarray(0, mostHeader), carriageReturn, 0);
  const header = String.fromCharCode(...message.subarray(0, end < 0 ? mostHeader : end));
  const field = header[3] ?? "|";
  // MSH-1 is the delimiter itself, so that MSH-n is the (n - 1)th.
  const fields = header.split(field);
  const [name, delimiters = "", type = "", id = ""] = [fields[0], fields[1], fields[8], fields[9]];
  if (name !== "MSH" || id === "" || type.split(delimiters[0] ?? "^")[0] === "ACK") return undefined;
  const [accept = "", application = ""] = [fields[14], fields[15]];
  if (accept === "" && application === "") return { name: "original", when: "always" };
  return { name: "enhanced", when: conditions.get(accept as "AL") ?? "never" };
}
