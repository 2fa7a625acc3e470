/**
 * Looks for bytes with `Buffer.indexOf`, which is `memchr`: V8's own `indexOf` of a `Uint8Array` looks at one byte after the
 * other, and takes 15 µs for 64 KiB where this takes half of one.
 *
 * Used by `node/adapter.ts`.
 */
import { Buffer } from "node:buffer";
import type { ByteSearch } from "../../core/bytes/byte_search.ts";

const { indexOf } = Buffer.prototype;

/** The search of Node. */
export const nodeByteSearch: ByteSearch = (bytes, byte, from) => indexOf.call(bytes, byte, from);
