/**
 * Reading into memory of ours: Node makes 64 KiB for each read, be it for a byte. Here all connections read into the same
 * memory, one after the other, and each chunk is a copy of what came, as long as that. It is the option `onread` of
 * `net.Socket`, which Node takes from who connects, but not from who listens: so its fields are set on a socket that exists.
 *
 * Used by `node/adapter.ts`. Not for a socket that may be given to TLS, which reads from the handle by itself.
 */
import { Socket } from "node:net";

/** Read at once at most: four frames of 64 KiB, with what stands around them, are not cut apart. */
const readSize = 260 * 1024;

/** How a socket keeps `onread`. */
interface Fields {
  readonly buffer: symbol;
  readonly callback: symbol;
}
type Fielded = Socket & {
  [field: symbol]: unknown;
  readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null;
};

/** Made for the first socket; null where a version of Node, or who passes for it, keeps them in another way. */
let fields: Fields | null | undefined = undefined;
let shared: Uint8Array = new Uint8Array(0);

/** Called by the socket with the memory that it has read into, and how much of it. */
type Callback = (this: Socket, length: number, memory: Uint8Array) => boolean;

/** From now on the socket reads past its stream, which must be empty and paused. Where that cannot be had, all stays as it was. */
export function readIntoOwnMemory(socket: Socket, receive: Callback): void {
  const fielded = socket as Fielded;
  const { _handle: handle } = fielded;
  if (typeof handle?.useUserBuffer !== "function") return;
  if (fields === undefined) {
    shared = new Uint8Array(readSize);
    fields = findFields();
  }
  if (fields === null) return;
  fielded[fields.buffer] = shared;
  fielded[fields.callback] = receive;
  handle.useUserBuffer(shared);
}

/** A copy of what was read, since the next read overwrites it. */
export function copied(length: number, memory: Uint8Array): Uint8Array {
  return new Uint8Array(memory.subarray(0, length));
}

function findFields(): Fields | null {
  const callback = (): boolean => true;
  const socket = new Socket({ onread: { buffer: shared, callback } }) as Fielded;
  const symbols = Object.getOwnPropertySymbols(socket);
  const holding = (value: unknown): symbol | undefined => symbols.find((symbol) => socket[symbol] === value);
  const [ofBuffer, ofCallback] = [holding(shared), holding(callback)];
  return ofBuffer === undefined || ofCallback === undefined
    ? null
    : { buffer: ofBuffer, callback: ofCallback };
}
