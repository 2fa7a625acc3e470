/**
 * What other streams may give as bytes, as a `Uint8Array`.
 *
 * Used by the streams that take bytes: `duplex.ts`, `streams/framer_stream.ts`.
 */

/** Bytes in any of the types that platforms use. */
export type ByteChunk = Uint8Array | ArrayBuffer | ArrayBufferView;

/**
 * `T`, with byte arrays narrowed to memory that is not shared with another thread, which platform streams such as
 * `TextDecoderStream` and `CompressionStream` require.
 */
export type Unshared<T> = T extends Uint8Array ? (Uint8Array extends T ? Uint8Array<ArrayBuffer> : T) : T;

/**
 * The same bytes; a copy only of memory that another thread may write to meanwhile. Throws `TypeError` for what is no
 * bytes; `action` says what was being done.
 */
export function bytesOf(chunk: unknown, action: string): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(chunk)) {
    const { buffer, byteOffset, byteLength } = chunk;
    if (!(buffer instanceof ArrayBuffer)) {
      return new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength));
    }
    if (chunk instanceof Uint8Array) return chunk as Uint8Array<ArrayBuffer>;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (typeof SharedArrayBuffer !== "undefined" && chunk instanceof SharedArrayBuffer) {
    return new Uint8Array(new Uint8Array(chunk));
  }
  const found = chunk === null ? "null" : Array.isArray(chunk) ? "an array" : typeof chunk;
  const advice = typeof chunk === "string" ? "; encode text first, with TextEncoderStream" : "";
  throw new TypeError(`${action}: found ${found}, expected bytes${advice}`);
}
