/**
 * What has come behind the frame that was cut last, for another framing to cut.
 *
 * Used by `pipeline.ts` where a connection may change its framing. A decoder says how many bytes these are; which ones
 * is known here: the end of the chunk that is being cut, and of those before it a frame that has begun.
 */
import { HeldBytes } from "../bytes/held_bytes.ts";

const none = new Uint8Array(0);
/** What is kept beyond the frame that has begun, so that it is not copied at every chunk. */
const mostBeyond = 4096;

/** The end of one stream. */
export class Unread {
  #chunk: Uint8Array = none;
  /** What came before that chunk, and belongs to a frame that has begun; or more. */
  readonly #held: HeldBytes = new HeldBytes();
  #rest: Uint8Array | undefined = undefined;

  /** This chunk is cut from now on. */
  begin(chunk: Uint8Array): void {
    this.#chunk = chunk;
  }

  /** All of it was cut; at its end are so many bytes of a frame that has begun. */
  done(bytes: number): void {
    const chunk = this.#chunk;
    this.#chunk = none;
    const held = this.#held;
    if (bytes <= chunk.length) {
      held.clear();
      held.add(chunk, chunk.length - bytes);
      return;
    }
    held.add(chunk, 0);
    const { length } = held;
    if (length > 2 * bytes + mostBeyond) held.add(held.join(none, 0, 0), length - bytes);
  }

  /** Takes what this decoder leaves, which may have `stopped`, for `takeRest`. False where nothing is left. */
  keep(
    decoder: { readonly buffered: number; readonly waiting?: number | undefined },
    stopped: boolean,
  ): boolean {
    // That of an earlier one, at which this one has not begun.
    if (this.#rest !== undefined) return true;
    const bytes = decoder.buffered + (stopped ? decoder.waiting! : 0);
    const chunk = this.#chunk;
    this.#chunk = none;
    // Of a frame that begins in this chunk, nothing before it is needed.
    const all = bytes <= chunk.length ? chunk : this.#held.join(chunk, 0, chunk.length);
    this.#held.clear();
    if (bytes > 0) this.#rest = all.subarray(all.length - bytes);
    return bytes > 0;
  }

  /** What was kept, once: it is cut from now on. */
  takeRest(): Uint8Array | undefined {
    const rest = this.#rest;
    this.#rest = undefined;
    return rest;
  }
}
