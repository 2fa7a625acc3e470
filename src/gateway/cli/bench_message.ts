/**
 * The message that `millrace bench` sends: one frame of a framing, as it stands on the wire.
 *
 * Called by `bench_command.ts`. Knows nothing of sockets.
 */
import { ByteWriter } from "../../core/bytes/bytes.ts";
import { FrameError } from "../../core/errors.ts";
import type { Framing, FramingHint } from "../../core/framing/framing.ts";
import { type Endian, writeLength } from "../../core/framing/length_value.ts";
import type { FramingSpec } from "./framing_spec.ts";

const defaultSize = 64;

/**
 * One frame whose content has `size` bytes; without a size, 64, or what the framing demands. Throws a
 * `RangeError` where this framing has no such frame, or where one frame by itself is never echoed.
 */
export function makeMessage({ framing, text }: FramingSpec, size: number | undefined): Uint8Array {
  const { hint } = framing;
  if (hint?.kind === "delimited" && hint.position === "prefix") {
    throw new RangeError(
      `--framing: found ${text}, expected one whose frames end without the next: with a prefix, each frame waits for the next one`,
    );
  }
  if (hint?.kind === "fixed" && size !== undefined && size !== hint.frameBytes) {
    throw new RangeError(
      `--size: found ${size}, expected ${hint.frameBytes} as --framing ${text} says, or to be left out`,
    );
  }
  const content = new Uint8Array(size ?? (hint?.kind === "fixed" ? hint.frameBytes : defaultSize));
  content.fill(fillFor(hint));
  const message = hint?.kind === "length_field" ? withLength(content, hint, text) : encode(framing, content);
  if (framesIn(framing, message) !== 1) {
    throw new RangeError(
      `--size: found ${content.length}, expected a size that makes one frame with --framing ${text}`,
    );
  }
  return message;
}

/** A letter that does not end the frame. */
function fillFor(hint: FramingHint | undefined): number {
  const [x, y] = [120, 121];
  return hint?.kind === "delimited" && hint.delimiter.includes(x) ? y : x;
}

function encode(framing: Framing<Uint8Array>, content: Uint8Array): Uint8Array {
  const out = new ByteWriter();
  framing.encode(content, out);
  return out.take();
}

type LengthHint = Extract<FramingHint, { kind: "length_field" }>;

/** Header and content, whether or not the framing itself would write the header. */
function withLength(content: Uint8Array, hint: LengthHint, text: string): Uint8Array {
  const { headerBytes, lengthOffset, lengthBytes, addedBytes } = hint;
  const endian: Endian = hint.endian;
  const value = headerBytes + content.length - addedBytes;
  if (value < 0 || value >= 256 ** lengthBytes) {
    throw new RangeError(
      `--size: found ${content.length}, expected one whose length fits into --framing ${text}`,
    );
  }
  const out = new ByteWriter();
  for (let i = 0; i < lengthOffset; i++) out.byte(0);
  writeLength(value, lengthBytes, endian, out);
  for (let i = lengthOffset + lengthBytes; i < headerBytes; i++) out.byte(0);
  out.bytes(content);
  return out.take();
}

/** How many whole frames the framing itself finds in the message. */
function framesIn(framing: Framing<Uint8Array>, message: Uint8Array): number {
  let frames = 0;
  const decoder = framing.decoder((error) => {
    throw error;
  });
  try {
    decoder.push(message, () => frames++);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new RangeError(`--size: ${error.message}`, { cause: error });
  }
  return decoder.buffered === 0 ? frames : 0;
}
