/** NDJSON: one JSON value a line. */
import { FilteredDecoder } from "../core/framing/filtered_decoder.ts";
import type { Framing } from "../core/framing/framing.ts";
import { lines } from "../core/framing/lines.ts";
import { mapFraming } from "../core/framing/map_framing.ts";
import { overSent, refusal, requireBytes } from "../core/framing/refusal.ts";
import { OptionsCheck } from "../core/options.ts";
import { checkLimits, limitOptions, type ProtocolLimits } from "./limits.ts";
import type { Preset } from "./preset.ts";

const utf8 = new TextEncoder();

/**
 * NDJSON, one JSON value a line (also JSON Lines; ndjson-spec 1.0.0). Handlers get values, and `send` takes them. Lines end with `\n` or
 * `\r\n`, `\n` is sent; empty lines are ignored.
 *
 * A line that is not JSON or not UTF-8 (`FrameError` `malformed`), or is over `maxFrameBytes` (`too_large`), is reported and
 * skipped, and the connection goes on: `onFrameError` is `"skip"` here unless told otherwise. A value that JSON does not
 * have, such as `undefined`, a function or a BigInt, is not sent: `FrameError` `malformed`.
 *
 * @typeParam Received what the handler gets. Nothing checks that the peer sends it.
 * @typeParam Sent what `send` takes
 *
 * @example
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { ndjson } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: ndjson<{ readonly text: string }>(),
 *   onFrame: ({ text }, connection) => connection.send({ text: text.toUpperCase() }),
 * });
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value
 */
export function ndjson<Received = unknown, Sent = Received>(
  options: ProtocolLimits = {},
): Framing<Received, Sent> {
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = checked(options);
  const text = lines({ encoding: "utf-8", fatal: true, maxFrameBytes, onFrameError });
  return mapFraming(withoutEmpty(text, isBlankText), {
    name: "ndjson",
    onFrameError,
    decode: (line): Received => JSON.parse(line),
    encode(value: Sent) {
      const line: string | undefined = JSON.stringify(value);
      if (line === undefined) throw refusal("ndjson", `found ${typeof value}, which JSON does not have`);
      if (maxSentFrameBytes < Infinity) checkSize(utf8.encode(line).length, maxSentFrameBytes);
      return line;
    },
  });
}

/** The same with lines as bytes, for the gateway: what is not a JSON value in one line is neither received nor sent. */
function ndjsonBytes(options: ProtocolLimits): Framing<Uint8Array> {
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = checked(options);
  const strict = new TextDecoder("utf-8", { fatal: true });
  const validated = (line: Uint8Array): Uint8Array => {
    JSON.parse(strict.decode(line));
    return withoutReturns(line);
  };
  const bytes = lines({ maxFrameBytes, onFrameError, checkSent: true });
  return mapFraming(withoutEmpty(bytes, isBlank), {
    name: "ndjson",
    onFrameError,
    decode: validated,
    encode(line: Uint8Array) {
      requireBytes("ndjson", line);
      checkSize(line.length, maxSentFrameBytes);
      return validated(line);
    },
  });
}

function checked(options: ProtocolLimits): ReturnType<typeof checkLimits> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(limitOptions));
  const limits = checkLimits(check, options, { onFrameError: "skip" });
  check.done();
  return limits;
}

function checkSize(length: number, limit: number): void {
  if (length + 1 > limit) throw overSent("ndjson", length + 1, limit);
}

/** Carriage returns behind a value are white space, and could not be sent in front of a line end. */
function withoutReturns(line: Uint8Array): Uint8Array {
  let end = line.length;
  while (line[end - 1] === 13) end--;
  return end === line.length ? line : line.subarray(0, end);
}

function isBlankText(line: string): boolean {
  return !(line.charCodeAt(0) > 32) && !/[^ \t\r]/.test(line);
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 32 || byte === 9 || byte === 13);
}

function withoutEmpty<Line>(framing: Framing<Line>, isEmpty: (line: Line) => boolean): Framing<Line> {
  return {
    ...framing,
    decoder: (report) => new FilteredDecoder(framing, isEmpty, report),
  };
}

/** As people name it in text and in a configuration. */
export const ndjsonPreset: Preset = {
  name: "ndjson",
  summary: "one JSON value a line, checked; a bad line is skipped",
  options: limitOptions,
  make: ndjsonBytes,
};
