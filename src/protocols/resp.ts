/** RESP 2 and 3, the protocol of Redis: one value, however deep, is one frame. */
import { FoundDecoder } from "../core/framing/found_decoder.ts";
import type { Framing } from "../core/framing/framing.ts";
import { checkFlag, checkInteger, OptionsCheck } from "../core/options.ts";
import { checkLimits, limitOptions, type ProtocolLimits, writeWhole } from "./limits.ts";
import type { Preset } from "./preset.ts";
import { RespReader } from "./resp_reader.ts";

/** Options of {@linkcode resp}. */
export interface RespOptions extends ProtocolLimits {
  /**
   * Maximum number of arrays, maps, sets, pushes and attributes within each other, 1 to 10,000. A deeper one is a
   * `FrameError` `malformed`, as soon as it begins. @default 32
   */
  readonly maxDepth?: number | undefined;
  /**
   * Maximum number of elements in one value, in all arrays within it together; a pair of a map is two. More are a
   * `FrameError` `malformed`, as soon as they are announced. @default 1,048,576
   */
  readonly maxElements?: number | undefined;
  /**
   * Accept lines that begin with no type, such as `PING`, as commands: people type them, and Redis accepts them. They
   * must not have control characters but tabs. Empty lines are dropped. Without it they are a `FrameError` `malformed`.
   * @default true
   */
  readonly inline?: boolean | undefined;
}

const [defaultDepth, mostDepth] = [32, 10_000];
const [defaultElements, mostElements] = [1024 * 1024, 2 ** 31 - 1];

/**
 * Values of RESP 2 and RESP 3, the protocol of Redis and Valkey (Redis serialization protocol specification). One value is one
 * frame, with its types, lengths and line ends as they are on the wire, and with all elements that it has; an attribute is
 * part of the value that follows it. Strings are passed over by their length. Streamed strings and aggregates (`$?`) are
 * `malformed`; no server sends them.
 *
 * Claims cost nothing: a string over `maxFrameBytes` is a `FrameError` `too_large` when its length has been read, and so is
 * an array that needs more bytes than that for its elements. The work is linear in the bytes, however they are split.
 *
 * @example
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { resp } from "@millrace/millrace/protocols";
 *
 * const pong = new TextEncoder().encode("+PONG\r\n");
 * const server = await serve({
 *   port: 0,
 *   framing: resp(),
 *   onFrame: (_command, connection) => connection.send(pong),
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function resp(options: RespOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(respPreset.options));
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = checkLimits(check, options);
  const maxDepth = checkInteger(check, "maxDepth", options.maxDepth, defaultDepth, 1, mostDepth);
  const maxElements = checkInteger(
    check,
    "maxElements",
    options.maxElements,
    defaultElements,
    1,
    mostElements,
  );
  checkFlag(check, "inline", options.inline);
  const { inline = true } = options;
  check.done();
  const rules = { name: "resp", maxFrameBytes, skip: onFrameError === "skip" };
  const limits = { maxFrameBytes, maxDepth, maxElements, inline };
  // Looks at one frame at a time, which is whole.
  const sent = new RespReader({ ...limits, maxFrameBytes: Infinity });
  const sizeOf = (frame: Uint8Array): number | undefined | { readonly malformed: string } => {
    const found = sent.find(frame, 0, frame.length, 0);
    if (typeof found !== "object") return found;
    if (found.malformed !== undefined) return { malformed: found.malformed };
    if (found.size === undefined) return undefined;
    return found.drop ? { malformed: "found an empty line, which receivers drop" } : found.size;
  };
  return {
    name: "resp",
    decoder(report) {
      const reader = new RespReader(limits);
      return new FoundDecoder({
        ...rules,
        find: (bytes, from, to, searched) => reader.find(bytes, from, to, searched),
      }, report);
    },
    encode: (value, out) => writeWhole("resp", value, maxSentFrameBytes, sizeOf, out),
  };
}

/** As people name it in text and in a configuration. */
export const respPreset: Preset = {
  name: "resp",
  summary: "values of RESP 2 and 3 (Redis), and inline commands",
  options: {
    maxDepth: { kind: "integer", least: 1, most: mostDepth },
    maxElements: { kind: "integer", least: 1, most: mostElements },
    inline: { kind: "flag" },
    ...limitOptions,
  },
  make: resp,
};
