/** Packages that cut what `mechanism_framings.ts` cuts. */
import { DelimiterParser } from "@serialport/parser-delimiter";
import cobsPackage from "cobs";
import { decode } from "it-length-prefixed";
import { Readable, Transform } from "node:stream";
import slipPackage from "slip";
import split2 from "split2";
import { type Cut, limitBytes, type NodeForm } from "./contestant.ts";

/** Where a length says how it is written; what it throws where bytes are missing is how it is told to wait. */
interface LengthDecoder {
  (bytes: { byteLength: number; get?(at: number): number } | Uint8Array): number;
  bytes: number;
}

function berLength(): LengthDecoder {
  const lengthDecoder: LengthDecoder = Object.assign((bytes: Parameters<LengthDecoder>[0]): number => {
    const at = (place: number): number => {
      if (place >= bytes.byteLength) throw new RangeError("more bytes are needed");
      return bytes instanceof Uint8Array ? bytes[place]! : bytes.get!(place);
    };
    const first = at(0);
    lengthDecoder.bytes = first < 128 ? 1 : first - 127;
    if (first < 128) return first;
    let length = 0;
    for (let place = 1; place < lengthDecoder.bytes; place++) length = length * 256 + at(place);
    return length;
  }, { bytes: 1 });
  return lengthDecoder;
}

async function* prefixed(
  chunks: readonly Uint8Array[],
  lengthDecoder?: LengthDecoder,
): AsyncGenerator<Uint8Array> {
  const options = { maxDataLength: limitBytes, ...(lengthDecoder === undefined ? {} : { lengthDecoder }) };
  for await (const list of decode(Readable.from(chunks), options as never)) yield list.subarray();
}

async function counted(frames: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of frames) count++;
  return count;
}

/** Frames of `DelimiterParser`, each made into something else. */
function eachOf(delimiter: string | Uint8Array, change: (frame: Uint8Array) => Uint8Array): Transform {
  const parser = new DelimiterParser({
    delimiter: Buffer.from(delimiter as string),
    readableObjectMode: true,
  });
  const push = parser.push.bind(parser);
  // At the end it passes on what is left, which is nothing.
  parser.push = (frame: Uint8Array | null) =>
    push(frame === null || frame.length === 0 ? frame : change(frame));
  return parser;
}

/** What one does who has a checksum of two digits at the end of each line. */
function checked(line: Uint8Array): Uint8Array {
  const end = line.length - 2;
  let sum = 0;
  for (let at = 0; at < end; at++) sum ^= line[at]!;
  if (Number.parseInt(String.fromCharCode(line[end]!, line[end + 1]!), 16) !== sum) {
    throw new Error("checksum");
  }
  return line.subarray(0, end);
}

/** By what is cut, all but Millrace. */
export function mechanismContestants(
  wire: string,
  nodeForm: NodeForm,
): Readonly<Record<string, Cut>> | undefined {
  switch (wire) {
    case "several":
      return { "split2 with a regular expression": nodeForm(() => split2(/\r\n|\n|\r/)) };
    case "checksum":
      return { "@serialport/parser-delimiter and a loop": nodeForm(() => eachOf("\n", checked)) };
    case "varint":
      return { "it-length-prefixed": (chunks) => counted(prefixed(chunks)) };
    case "ber":
      return { "it-length-prefixed": (chunks) => counted(prefixed(chunks, berLength())) };
    case "slip":
      // @serialport/parser-slip-encoder is left out: its time grows with the square of a frame, minutes for the largest here.
      return {
        slip: (chunks) => {
          let frames = 0;
          const decoder = new slipPackage.Decoder({ onMessage: () => void frames++ });
          for (const chunk of chunks) decoder.decode(chunk);
          return frames;
        },
      };
    case "cobs":
      return {
        "@serialport/parser-delimiter and cobs": nodeForm(() =>
          eachOf("\0", (frame) => cobsPackage.decode(frame))
        ),
      };
    default:
      return undefined;
  }
}
