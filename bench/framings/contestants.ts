/**
 * Who cuts the same chunks into the same frames: Millrace and the packages beside it, each in two forms.
 *
 * `push`: bytes are pushed in and a callback gets the frames: the decoder of a framing by plain calls, `on("data")` of a
 * stream of Node's. `pull`: a stream of chunks goes in and a loop of `for await` takes the frames.
 */
import { ByteLengthParser } from "@serialport/parser-byte-length";
import { DelimiterParser } from "@serialport/parser-delimiter";
import { ReadlineParser } from "@serialport/parser-readline";
import { decode } from "it-length-prefixed";
import mqttPacket from "mqtt-packet";
import { Buffer } from "node:buffer";
import { createInterface } from "node:readline";
import { Readable, type Transform } from "node:stream";
import { Parser as PostgresParser } from "pg-protocol/dist/parser.js";
import RedisParser from "redis-parser";
import split2 from "split2";
import { mqtt, postgres, resp } from "../../protocols.ts";
import { delimited, fixedLength, FramerStream, type Framing, lengthField, lines } from "../../streams.ts";
import { type Cut, limitBytes } from "./contestant.ts";
import { delimiter, lengthBytes, type ProtocolWire, type Wire } from "./input.ts";
import { mechanismContestants } from "./mechanism_contestants.ts";
import { mechanismFraming } from "./mechanism_framings.ts";

/** What a row asks of everybody. */
export interface Task {
  readonly wire: Wire;
  readonly text: boolean;
  readonly form: "push" | "pull";
}

const frameLimit = { maxFrameBytes: limitBytes };

const protocols: Readonly<Record<ProtocolWire, () => Framing<Uint8Array>>> = {
  resp: () => resp(frameLimit),
  mqtt: () => mqtt(frameLimit),
  postgres: () => postgres({ side: "client", ...frameLimit }),
};

/** Parsers of protocols, which are given chunks by plain calls. They also read what is in a frame. */
const parsers: Readonly<Record<ProtocolWire, Readonly<Record<string, Cut>>>> = {
  resp: {
    "redis-parser": parsed((found) => {
      const parser = new RedisParser({ returnReply: found, returnError: found, returnBuffers: true });
      return (chunk) => parser.execute(chunk);
    }),
  },
  mqtt: {
    "mqtt-packet": parsed((found) => {
      const parser = mqttPacket.parser().on("packet", found);
      return (chunk) => parser.parse(chunk);
    }),
  },
  postgres: {
    "pg-protocol": parsed((found) => {
      const parser = new PostgresParser();
      return (chunk) => parser.parse(chunk, found);
    }),
  },
};

/** They keep and change what they are given, or demand a `Buffer`. */
function parsed(make: (found: () => void) => (chunk: Buffer) => void): Cut {
  return (chunks) => {
    let frames = 0;
    const push = make(() => void frames++);
    for (const chunk of chunks) push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    return frames;
  };
}

function isProtocol(wire: Wire): wire is ProtocolWire {
  return Object.hasOwn(protocols, wire);
}

function framingOf({ wire, text }: Task, size: number): Framing<string | Uint8Array, never> {
  if (wire === "lines") return text ? lines({ encoding: "utf-8", ...frameLimit }) : lines(frameLimit);
  if (isProtocol(wire)) return protocols[wire]();
  if (wire === "delimited") return delimited({ delimiter, ...frameLimit });
  if (wire === "fixed") return fixedLength({ frameBytes: size });
  return mechanismFraming(wire) ?? lengthField({ lengthBytes, strip: lengthBytes, ...frameLimit });
}

/** Reads all of a stream of Node's by `on("data")`. */
function pushed(make: (size: number) => Transform): Cut {
  return (chunks, size) =>
    new Promise((resolve, reject) => {
      let frames = 0;
      const stream = make(size);
      stream.on("data", () => frames++).on("end", () => resolve(frames)).on("error", reject);
      writeAll(stream, chunks);
    });
}

function writeAll(stream: Transform, chunks: readonly Uint8Array[]): void {
  let at = 0;
  const more = (): void => {
    while (at < chunks.length) if (!stream.write(chunks[at++]!)) return void stream.once("drain", more);
    stream.end();
  };
  more();
}

function pulled(make: (size: number) => Transform): Cut {
  return (chunks, size) => countAll(Readable.from(chunks).pipe(make(size)));
}

async function countAll(frames: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of frames) count++;
  return count;
}

const lengthOptions = {
  lengthDecoder: Object.assign(
    (bytes: { byteLength: number; getUint32(at: number): number } | Uint8Array): number => {
      // What it throws where bytes are missing is how it is told to wait.
      if (bytes.byteLength < lengthBytes) throw new RangeError("more bytes are needed");
      return (bytes as { getUint32(at: number): number }).getUint32(0);
    },
    { bytes: lengthBytes },
  ),
  maxDataLength: frameLimit.maxFrameBytes,
};

/** It gives lists of pieces; whoever wants bytes asks for them. */
async function* lengthPrefixed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const list of decode(chunks, lengthOptions)) yield list.subarray();
}

function ours(task: Task): Cut {
  if (task.form === "pull") {
    return (chunks, size) => countAll(streamOf(chunks).pipeThrough(new FramerStream(framingOf(task, size))));
  }
  return (chunks, size) => {
    let frames = 0;
    const decoder = framingOf(task, size).decoder(() => {});
    const next = (): void => void frames++;
    for (const chunk of chunks) decoder.push(chunk, next);
    decoder.flush?.(next);
    return frames;
  };
}

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < chunks.length) controller.enqueue(chunks[at++]!);
      else controller.close();
    },
  });
}

/** The names of all who can do it, Millrace first. */
export function contestants(task: Task): Readonly<Record<string, Cut>> {
  if (isProtocol(task.wire)) return { millrace: ours(task), ...parsers[task.wire] };
  const nodeStream = task.form === "push" ? pushed : pulled;
  const others = mechanismContestants(task.wire, nodeStream);
  if (others !== undefined) return { millrace: ours(task), ...others };
  if (task.wire === "length") {
    // It has no other form.
    return {
      millrace: ours(task),
      "it-length-prefixed": (chunks) => countAll(lengthPrefixed(Readable.from(chunks))),
    };
  }
  if (task.wire === "fixed") {
    const make = (length: number): Transform => new ByteLengthParser({ length, readableObjectMode: true });
    return { millrace: ours(task), "@serialport/parser-byte-length": nodeStream(make) };
  }
  if (!task.text) {
    const ends = task.wire === "lines" ? "\n" : delimiter;
    const make = (): Transform => new DelimiterParser({ delimiter: ends, readableObjectMode: true });
    return { millrace: ours(task), "@serialport/parser-delimiter": nodeStream(make) };
  }
  return {
    millrace: ours(task),
    split2: nodeStream(() => split2()),
    "@serialport/parser-readline": nodeStream(() => new ReadlineParser({ readableObjectMode: true })),
    "node:readline": (chunks) => {
      const input = createInterface({ input: Readable.from(chunks), crlfDelay: Infinity });
      if (task.form === "pull") return countAll(input);
      return new Promise((resolve) => {
        let frames = 0;
        input.on("line", () => frames++).on("close", () => resolve(frames));
      });
    },
  };
}
