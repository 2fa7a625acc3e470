/**
 * Requests by hand, the smallest that one would write over a socket: a promise for each, in a queue; what is asked while the
 * replies of a chunk are taken leaves in one write. No limits, no time limits, and no end of what waits.
 */

/** Where bytes go. They may be used again when it has returned. */
export type Write = (bytes: Uint8Array) => void;

/** One connection's requests. */
export class HandRequests {
  readonly #write: Write;
  #resolvers: ((reply: Uint8Array) => void)[] = [];
  #next = 0;
  #held: Uint8Array | undefined = undefined;
  #out = new Uint8Array(64 * 1024);
  #used = 0;
  readonly #flush = (): void => {
    const bytes = this.#out.subarray(0, this.#used);
    this.#used = 0;
    this.#write(bytes);
  };

  constructor(write: Write) {
    this.#write = write;
  }

  ask(line: Uint8Array): Promise<Uint8Array> {
    if (this.#used === 0) queueMicrotask(this.#flush);
    if (this.#used + line.length + 1 > this.#out.length) {
      const larger = new Uint8Array(2 * this.#out.length + line.length);
      larger.set(this.#out);
      this.#out = larger;
    }
    this.#out.set(line, this.#used);
    this.#used += line.length;
    this.#out[this.#used++] = 10;
    return new Promise((resolve) => this.#resolvers.push(resolve));
  }

  /** `own`: the memory stays as it is, so that replies may be views of it. */
  received(chunk: Uint8Array, own: boolean): void {
    let bytes = own ? chunk : new Uint8Array(chunk);
    if (this.#held !== undefined) {
      bytes = new Uint8Array(this.#held.length + chunk.length);
      bytes.set(this.#held);
      bytes.set(chunk, this.#held.length);
      this.#held = undefined;
    }
    let from = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
      this.#resolvers[this.#next++]!(bytes.subarray(from, at));
      from = at + 1;
    }
    if (this.#next > 1024) {
      this.#resolvers.splice(0, this.#next);
      this.#next = 0;
    }
    if (from < bytes.length) this.#held = bytes.subarray(from);
  }
}
