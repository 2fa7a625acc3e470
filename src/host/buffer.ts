/** Bytes as Node's `Buffer`, for libraries that take nothing else. */
import { Buffer } from "node:buffer";

/** The same memory. */
export function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** For the types of such libraries. */
export type NodeBuffer = Buffer;
