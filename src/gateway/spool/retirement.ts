/**
 * The end of segments: files whose frames are all done with are removed, in order, and those with damage are kept.
 *
 * Used by `forwarder.ts`.
 */
import { Sparingly } from "../log.ts";
import type { Place } from "./place.ts";
import type { Segment } from "./segments.ts";

/** Of one directory. */
export class Retirement {
  readonly #place: Place;
  readonly #freed: () => void;
  readonly #sparingly: Sparingly;
  #running: Promise<void> | undefined = undefined;

  /** `freed` is called when files are gone. */
  constructor(place: Place, freed: () => void) {
    this.#place = place;
    this.#freed = freed;
    this.#sparingly = new Sparingly(place.log);
  }

  /** More frames are done with. */
  look(): void {
    const [segment] = this.#place.segments.all;
    if (this.#running !== undefined || segment === undefined || !this.#isOver(segment)) return;
    this.#running = this.#removeAll().catch((error: Error) => {
      this.#sparingly.warn("spool: a segment cannot be removed", { error: error.message });
    }).then(() => {
      this.#running = undefined;
      this.#freed();
    });
  }

  /** Resolves when none is being removed. */
  done(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  #isOver({ closed, after }: Segment): boolean {
    return closed && after <= this.#place.confirmed;
  }

  async #removeAll(): Promise<void> {
    const place = this.#place;
    const { segments, disk, state } = place;
    for (let [first] = segments.all; first !== undefined && this.#isOver(first); [first] = segments.all) {
      // First it is remembered that they are done with: a file that is missing is damage otherwise.
      await state.sync();
      if (first.damaged) await place.setAside(first.path, first.id, "part of it cannot be read");
      else {
        await disk.remove(first.path);
        segments.bytes -= first.end;
      }
      segments.all.shift();
    }
  }
}
