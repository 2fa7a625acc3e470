/** A set of bytes, and where in others the first of them is. Used by presets whose frames begin with one of several bytes. */
export class ByteSet {
  readonly #has: Uint8Array = new Uint8Array(256);

  constructor(bytes: readonly number[]) {
    for (const byte of bytes) this.#has[byte] = 1;
  }

  has(byte: number): boolean {
    return this.#has[byte] === 1;
  }

  /** Where the first of them is, at `from` or after it; or -1. */
  indexIn(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) if (this.#has[bytes[at]!] === 1) return at;
    return -1;
  }
}
