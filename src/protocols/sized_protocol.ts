/**
 * Framings of protocols whose frames begin with a header that tells their size, and that is checked.
 *
 * Used by the files of such protocols; frames include their header, in both directions.
 */
import type { Framing } from "../core/framing/framing.ts";
import { SizedDecoder, type SizeRules } from "../core/framing/sized_decoder.ts";
import { OptionsCheck } from "../core/options.ts";
import { checkLimits, limitOptions, type ProtocolLimits, writeWhole } from "./limits.ts";

/** The header of one protocol. */
interface ProtocolHeader {
  readonly name: string;
  readonly headerBytes: number;
  /** No frame is smaller. */
  readonly minFrameBytes: number;
  /** The whole size of the frame that begins at `at`, or `NaN` when its header makes no sense. */
  size(bytes: Uint8Array, at: number): number;
  /** For messages: what the header at `at` says. */
  show(bytes: Uint8Array, at: number): string;
  /** For messages: what to check. */
  readonly advice: string;
}

/** A framing of frames with such a header. */
export function sizedProtocol(header: ProtocolHeader, options: ProtocolLimits): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(limitOptions));
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = checkLimits(check, options);
  check.done();
  const rules = {
    ...header,
    maxFrameBytes,
    droppedBytes: undefined,
    strip: 0,
    skip: onFrameError === "skip",
  };
  return framingOf(rules, maxSentFrameBytes);
}

/** The same of a protocol that itself says how large its frames are at most: `size` of a larger one is `NaN`. No options. */
export function fixedProtocol(
  header: ProtocolHeader & { readonly maxFrameBytes: number },
  options: Readonly<Record<string, never>>,
): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, []);
  check.done();
  return framingOf({ ...header, droppedBytes: undefined, strip: 0, skip: false }, header.maxFrameBytes);
}

function framingOf(rules: SizeRules, maxSentFrameBytes: number): Framing<Uint8Array> {
  const { name, headerBytes, minFrameBytes } = rules;
  const sizeOf = (frame: Uint8Array): number | undefined | { readonly malformed: string } => {
    if (frame.length < headerBytes) return undefined;
    const size = rules.size(frame, 0);
    return size >= minFrameBytes ? size : { malformed: `found ${rules.show(frame, 0)}` };
  };
  return {
    name,
    decoder: (report) => new SizedDecoder(rules, report),
    encode: (frame, out) => writeWhole(name, frame, maxSentFrameBytes, sizeOf, out),
  };
}
