/** What all who cut frames have in common. */
import type { Transform } from "node:stream";

/** Cuts all chunks and resolves with how many frames it got. */
export type Cut = (chunks: readonly Uint8Array[], size: number) => number | Promise<number>;

/** Reads all of a stream of Node's in the form that a row asks for. */
export type NodeForm = (make: (size: number) => Transform) => Cut;

/** The largest frame that anybody accepts. */
export const limitBytes: number = 1024 * 1024;

/** Lines of any end, lines with a checksum, lengths of variable size, and byte stuffing. */
export type MechanismWire = "several" | "checksum" | "varint" | "ber" | "slip" | "cobs";
