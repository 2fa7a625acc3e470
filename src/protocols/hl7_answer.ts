/** The general acknowledgement (ACK) that answers an HL7 message, made of its header. Knows nothing of blocks. */
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { refusal } from "../core/framing/refusal.ts";

/** What else an answer says. */
export interface Hl7AnswerOptions {
  /** For people, in MSA-3; what has a meaning in HL7 is escaped. @default none */
  readonly text?: string | undefined;
  /** The time in MSH-7, written in UTC. @default now */
  readonly time?: Date | undefined;
}

const carriageReturn = 0x0d;
/** Headers are shorter; what has none is not searched to its end. */
const mostHeader = 4096;

/**
 * The acknowledgement of an HL7 version 2 message, in its delimiters and its version: sender and receiver change places, and
 * MSA names the control id of the message. Codes are those of HL7 table 0008: `"AA"` accepts, `"AE"` reports an error, `"AR"`
 * rejects; `"CA"`, `"CE"` and `"CR"` say so for the enhanced mode.
 *
 * @example
 * ```ts
 * import { hl7Answer } from "@millrace/millrace/protocols";
 *
 * const message = new TextEncoder().encode("MSH|^~\\&|LAB|A|EHR|B|20261127||ORU^R01|17|P|2.5\r");
 * const answer = hl7Answer(message, "AA", { time: new Date(0) });
 * for (const segment of new TextDecoder().decode(answer).split("\r")) if (segment) console.log(segment);
 * // MSH|^~\&|EHR|B|LAB|A|19700101000000+0000||ACK^R01|17|P|2.5
 * // MSA|AA|17
 * ```
 *
 * @throws {FrameError} `malformed`, if the message does not begin with a header (MSH) with its control id
 */
export function hl7Answer(
  message: Uint8Array,
  code: "AA" | "AE" | "AR" | "CA" | "CE" | "CR",
  options: Hl7AnswerOptions = {},
): Uint8Array {
  const end = indexOfByte(message.subarray(0, mostHeader), carriageReturn, 0);
  // Each byte is one character, so that names in any encoding come back as they came.
  const header = String.fromCharCode(...message.subarray(0, end < 0 ? mostHeader : end));
  const field = header[3] ?? "|";
  const [name, delimiters = "", from = "", fromPlace = "", to = "", toPlace = "", , , type = "", ...rest] =
    header
      .split(field);
  const [id = "", processing = "", version = "", , , , , , charset = ""] = rest;
  if (name !== "MSH" || id === "") {
    throw refusal("hl7Answer", "found no header with a control id (MSH-10) to answer");
  }
  const component = delimiters[0] ?? "^";
  const [, trigger, structure] = type.split(component);
  const kind = ["ACK", ...trigger ? [trigger] : [], ...trigger && structure ? ["ACK"] : []].join(component);
  const time = (options.time ?? new Date()).toISOString().replaceAll(/[-:T]|\.\d+Z/g, "") + "+0000";
  const head = ["MSH", delimiters, to, toPlace, from, fromPlace, time, "", kind, id, processing, version];
  if (charset !== "") head.push("", "", "", "", "", charset);
  const text = options.text === undefined ? "" : field + escaped(options.text, field, delimiters);
  return Uint8Array.from(
    `${head.join(field)}\r${["MSA", code, id].join(field)}${text}\r`,
    (character) => character.charCodeAt(0),
  );
}

/** In UTF-8, one character a byte; delimiters as HL7 escapes, and other control characters as spaces. */
function escaped(text: string, field: string, delimiters: string): string {
  const [component, repetition, escape = "\\", subcomponent] = delimiters;
  const letters = new Map([[field, "F"], [component, "S"], [repetition, "R"], [escape, "E"], [
    subcomponent,
    "T",
  ]]);
  let made = "";
  for (const character of text) {
    const letter = letters.get(character);
    made += letter === undefined ? character < " " ? " " : character : `${escape}${letter}${escape}`;
  }
  return String.fromCharCode(...new TextEncoder().encode(made));
}
