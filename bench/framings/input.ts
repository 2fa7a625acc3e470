/** The bytes that the framings are measured with: frames of one size, in chunks of 64 KiB that end anywhere in a frame. */

/** What is cut. */
export type Wire = "lines" | "delimited" | "fixed" | "length";

/** Bytes of content of a frame. */
export const frameSizes: readonly number[] = [16, 256, 4096, 65_536];

/** One of them for people. */
export const sizeText = (bytes: number): string => bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`;

const chunkBytes = 64 * 1024;
/** The first chunk is a short one: no size of frames then ends where chunks do. */
const firstBytes = 40_007;
/** About so much in all, and 8 frames at least: enough of the largest ones. */
const totalBytes = 4 * 1024 * 1024;
export const delimiter = "\r\n\r\n";
export const lengthBytes = 4;

/** Chunks with whole frames, whose content is of this size. */
export function inputOf(
  wire: Wire,
  size: number,
): { readonly chunks: Uint8Array[]; readonly frames: number } {
  const frame = frameOf(wire, size);
  const frames = Math.max(8, Math.round(totalBytes / frame.length));
  const all = new Uint8Array(frames * frame.length);
  for (let at = 0; at < all.length; at += frame.length) all.set(frame, at);
  const chunks: Uint8Array[] = [];
  for (let at = firstBytes - chunkBytes; at < all.length; at += chunkBytes) {
    chunks.push(all.slice(Math.max(0, at), at + chunkBytes));
  }
  return { chunks, frames };
}

function frameOf(wire: Wire, size: number): Uint8Array {
  const content = new Uint8Array(size).map((_, at) => 97 + at % 26);
  if (wire === "fixed") return content;
  if (wire === "length") {
    const frame = new Uint8Array(lengthBytes + size);
    new DataView(frame.buffer).setUint32(0, size);
    frame.set(content, lengthBytes);
    return frame;
  }
  return new TextEncoder().encode(new TextDecoder().decode(content) + (wire === "lines" ? "\n" : delimiter));
}
