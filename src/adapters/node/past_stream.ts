/**
 * Reading past the stream of a socket of `node:net`, which calls `push` with every chunk and stops reading when the answer
 * is false. While the stream would only hand a chunk on at once, its listener can be given it without that.
 *
 * Used by `node/transport.ts` and `tls/below_handle.ts`.
 */
import { type Duplex, Readable } from "node:stream";

/** What a socket's `push` is when nobody has replaced it. */
export const pushToStream: Duplex["push"] = Readable.prototype.push;

/** Whether the stream has nothing of its own to tell before the chunk at hand. */
export function canPass(stream: Duplex): boolean {
  return stream.readableFlowing === true && stream.readableLength === 0;
}

/** Begins to read again: a stream that was passed by does not know that reading was stopped. */
export function readAgain(stream: Duplex & { readonly _handle?: unknown }): void {
  if (stream._handle) stream._read(0);
}
