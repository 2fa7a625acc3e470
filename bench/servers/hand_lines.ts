/**
 * Lines by hand: the smallest splitter that one would write over a socket. Finds the newline, makes a view, copies it with
 * its newline into what is answered at once for the whole chunk. No limits, no backpressure beyond the socket's own.
 */

/** What a connection keeps between two chunks. */
export interface HandState {
  /** The beginning of a line whose end has not come. */
  held: Uint8Array | undefined;
}

/** The most that the answer to a chunk takes. */
export function answerLength(state: HandState, chunk: Uint8Array): number {
  return chunk.length + (state.held === undefined ? 0 : state.held.length);
}

/** Writes the answers to the lines that end in this chunk into `out`; returns how many bytes those are. */
export function answerLines(state: HandState, chunk: Uint8Array, out: Uint8Array): number {
  let bytes = chunk;
  if (state.held !== undefined) {
    bytes = new Uint8Array(state.held.length + chunk.length);
    bytes.set(state.held);
    bytes.set(chunk, state.held.length);
    state.held = undefined;
  }
  let used = 0;
  let from = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
    const line = bytes.subarray(from, at);
    out.set(line, used);
    used += line.length;
    out[used++] = 10;
    from = at + 1;
  }
  // A copy, since the runtime's buffer may be used again.
  if (from < bytes.length) state.held = new Uint8Array(bytes.subarray(from));
  return used;
}
