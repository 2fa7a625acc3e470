/** Frames between STX and ETX with a checksum of one byte (LRC, BCC) behind them, and what else devices send beside them. */
import { indexOfByte } from "../core/bytes/byte_search.ts";
import { xor8 } from "../core/checksum/checksums.ts";
import { defineFraming } from "../core/framing/define_framing.ts";
import type { FoundFrame } from "../core/framing/found_frame.ts";
import type { FrameErrorPolicy, Framing } from "../core/framing/framing.ts";
import { overSent, refusal, requireBytes } from "../core/framing/refusal.ts";
import { checkInteger, OptionsCheck } from "../core/options.ts";
import type { SizeInput } from "../core/text/size.ts";
import { ByteSet } from "./byte_set.ts";
import { checkLimits } from "./limits.ts";
import { policy, type Preset, size } from "./preset.ts";

/** Options of {@linkcode stxEtx}. */
export interface StxEtxOptions {
  /** The byte that begins a frame. @default 0x02, STX */
  readonly start?: number | undefined;
  /** The byte that ends a frame; no frame contains it. @default 0x03, ETX */
  readonly end?: number | undefined;
  /**
   * What the LRC covers: the payload with the end byte, the payload alone, the start byte with the payload, or all three.
   * @default "payload+end"
   */
  readonly covers?: "payload" | "payload+end" | "start+payload" | "all" | undefined;
  /** What the LRC begins with, such as 0x7f for ECR17. @default 0 */
  readonly seed?: number | undefined;
  /**
   * Pairs of a start byte and an end byte of frames without LRC on the same connection, such as `01 04` for progress reports of
   * ECR17. They are received and sent with these two bytes. @default none
   */
  readonly also?: Uint8Array | undefined;
  /** Bytes that are frames of one byte between others, such as `06 15` for ACK and NAK. @default none */
  readonly controls?: Uint8Array | undefined;
  /** Maximum size of a frame with its start, its end and its LRC; a larger one is a `FrameError` `too_large`. @default 64 KiB */
  readonly maxFrameBytes?: SizeInput | undefined;
  /** Maximum size of a frame to send, in the same way; a larger one is a `FrameError` `too_large`. @default Infinity */
  readonly maxSentFrameBytes?: SizeInput | undefined;
  /**
   * What happens after a bad frame: close the connection, or report it and go on: behind one with a wrong LRC, otherwise with
   * the next byte that begins a frame. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
}

const coverings = ["payload+end", "payload", "start+payload", "all"] as const;
const around = 3;

/**
 * Frames between STX and ETX, followed by one byte that combines them by exclusive or (LRC, also called BCC). Frames are the
 * bytes between start and end. Which bytes the LRC covers, and what it begins with, differs from device to device: cash
 * registers, payment terminals, scales, analyzers, parking systems. A wrong LRC is a `FrameError` `checksum`.
 *
 * @example A payment terminal that speaks ECR17: its frames, its progress reports, its ACK and NAK
 * ```ts
 * import { stxEtx } from "@millrace/millrace/protocols";
 * import { FramerStream } from "@millrace/millrace/streams";
 *
 * const framing = stxEtx({
 *   covers: "payload",
 *   seed: 0x7f,
 *   also: Uint8Array.of(0x01, 0x04),
 *   controls: Uint8Array.of(0x06, 0x15),
 * });
 * const bytes = new Blob(["\x06\x02ABC\x03\x3f"]).stream();
 * for await (const frame of bytes.pipeThrough(new FramerStream(framing))) console.log(frame.join());
 * // 6
 * // 65,66,67
 * ```
 *
 * @throws {OptionsError} `invalid`, for an option that does not exist or has a wrong value, and for a byte that begins two
 * kinds of frames
 */
export function stxEtx(options: StxEtxOptions = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, Object.keys(stxEtxPreset.options));
  const limits = checkLimits(check, options, { least: around, maxFrameBytes: 64 * 1024 });
  const start = checkInteger(check, "start", options.start, 0x02, 0, 255);
  const end = checkInteger(check, "end", options.end, 0x03, 0, 255);
  const seed = checkInteger(check, "seed", options.seed, 0, 0, 255);
  const covers = check.oneOf("covers", options.covers, "payload+end", coverings);
  const kinds = readKinds(check, start, options);
  check.done();
  const { maxFrameBytes, maxSentFrameBytes, onFrameError } = limits;
  const before = covers === "start+payload" || covers === "all" ? seed ^ start : seed;
  const first = covers === "payload+end" || covers === "all" ? before ^ end : before;
  const { ends, starts, controls } = kinds;

  const find = (bytes: Uint8Array, searched: number): FoundFrame | number | undefined => {
    const [byte] = bytes as unknown as [number];
    if (byte !== start) {
      if (controls.has(byte)) return 1;
      const endOfOther = ends.get(byte);
      if (endOfOther === undefined) return { malformed: `found byte ${byte}, expected the start of a frame` };
      const at = indexOfByte(bytes, endOfOther, Math.max(1, searched));
      return at < 0 ? undefined : at + 1;
    }
    // The LRC may not have been there.
    const at = indexOfByte(bytes, end, Math.max(1, searched - 1));
    if (at < 0 || at + 1 === bytes.length) return undefined;
    const size = at + 2;
    const lrc = xor8(bytes, 1, at, first);
    if (bytes[at + 1] !== lrc) {
      return { malformed: `found an LRC of ${bytes[at + 1]}, expected ${lrc}`, reason: "checksum", size };
    }
    if (at > 1 && isOther(bytes[1]!)) return { malformed: `found ${otherStart(bytes[1]!)}`, size };
    return { size, start: 1, end: at };
  };
  const isOther = (byte: number): boolean => byte !== start && starts.has(byte);
  return defineFraming({
    name: "stxEtx",
    maxFrameBytes,
    onFrameError,
    find,
    resync: (bytes, from, atEnd) => atEnd ? -1 : starts.indexIn(bytes, from),
    encode(frame, out) {
      requireBytes("stxEtx", frame);
      const [byte = -1] = frame;
      if (isOther(byte)) {
        const endOfOther = ends.get(byte);
        const wanted = endOfOther === undefined ? 0 : indexOfByte(frame, endOfOther, 1);
        if (wanted !== frame.length - 1) throw refusal("stxEtx", `found ${otherStart(byte)}`);
        if (frame.length > maxSentFrameBytes) throw overSent("stxEtx", frame.length, maxSentFrameBytes);
        return out.bytes(frame);
      }
      if (indexOfByte(frame, end, 0) >= 0) {
        throw refusal("stxEtx", `found byte ${end} in it, which ends a frame`);
      }
      const total = frame.length + around;
      if (total > maxSentFrameBytes) throw overSent("stxEtx", total, maxSentFrameBytes);
      out.byte(start);
      out.bytes(frame);
      out.byte(end);
      out.byte(xor8(frame, 0, frame.length, first));
    },
  });
}

function otherStart(byte: number): string {
  return `a frame that begins with ${byte}, which is a frame of another kind, and does not end as one`;
}

interface Kinds {
  /** What ends a frame without LRC that begins with a byte. */
  readonly ends: ReadonlyMap<number, number>;
  readonly controls: ByteSet;
  /** All bytes with which a frame begins. */
  readonly starts: ByteSet;
}

function readKinds(check: OptionsCheck, start: number, { also, controls }: StxEtxOptions): Kinds {
  const isBytes = (found: unknown): boolean => found === undefined || found instanceof Uint8Array;
  if (!isBytes(also) || (also?.length ?? 0) % 2 !== 0) {
    check.refuse("also", also, "a Uint8Array of pairs, each a start byte and an end byte");
  }
  if (!isBytes(controls)) check.refuse("controls", controls, "a Uint8Array of bytes that are frames");
  const pairs = also instanceof Uint8Array ? [...also] : [];
  const ends = new Map<number, number>();
  for (let at = 0; at < pairs.length; at += 2) ends.set(pairs[at]!, pairs[at + 1]!);
  const singles = controls instanceof Uint8Array ? [...controls] : [];
  const all = [start, ...pairs.filter((_byte, at) => at % 2 === 0), ...singles];
  if (new Set(all).size < all.length) {
    const path = controls === undefined ? "also" : "controls";
    check.refuse(path, path === "also" ? also : controls, "bytes that begin no other kind of frame");
  }
  return { ends, controls: new ByteSet(singles), starts: new ByteSet(all) };
}

const byte = { kind: "integer", least: 0, most: 255 } as const;

/** As people name it in text and in a configuration. */
export const stxEtxPreset: Preset = {
  name: "stxEtx",
  summary: "frames between STX and ETX with an LRC",
  options: {
    start: byte,
    end: byte,
    covers: { kind: "choice", of: coverings },
    seed: byte,
    also: { kind: "bytes" },
    controls: { kind: "bytes" },
    maxFrameBytes: size,
    maxSentFrameBytes: size,
    onFrameError: policy,
  },
  make: stxEtx,
};
