/** What acknowledgements need of an HL7 message: its header (MSH), and the acknowledgement in it (MSA). */

const carriageReturn = 0x0d;
/** Both are at the beginning; what has none is not searched to its end. */
const most = 4096;

interface Hl7Header {
  /** MSH-10. */
  readonly id: string;
  /** The first part of MSH-9, such as `ORU` or `ACK`. */
  readonly type: string;
  /** MSH-15 and MSH-16, when an acknowledgement is asked for. */
  readonly accept: string;
  readonly application: string;
}

/** The segments at the beginning of a message; each byte is one character. */
function segmentsOf(message: Uint8Array): string[] {
  return String.fromCharCode(...message.subarray(0, most)).split(String.fromCharCode(carriageReturn));
}

/** Undefined for what has no header. */
export function headerOf(message: Uint8Array): Hl7Header | undefined {
  const [header = ""] = segmentsOf(message);
  // MSH-1 is the delimiter itself, so that MSH-n is the (n - 1)th.
  const fields = header.split(header[3] ?? "|");
  if (fields[0] !== "MSH") return undefined;
  const component = fields[1]?.[0] ?? "^";
  return {
    id: fields[9] ?? "",
    type: fields[8]?.split(component)[0] ?? "",
    accept: fields[14] ?? "",
    application: fields[15] ?? "",
  };
}

/** MSA-1 and MSA-2; undefined for a message that answers nothing. */
export function acknowledgementOf(
  message: Uint8Array,
): { readonly code: string; readonly id: string } | undefined {
  const segments = segmentsOf(message);
  const field = segments[0]?.[3] ?? "|";
  const found = segments.find((segment) => segment.startsWith(`MSA${field}`));
  if (found === undefined) return undefined;
  const [, code = "", id = ""] = found.split(field);
  return { code, id };
}
