/** Sockets of the WinterTC draft, and framed connections over sockets. */
const dialed = "src/sockets/dialed_socket.ts";
const readable = "src/sockets/readable_end.ts";
const writable = "src/sockets/writable_end.ts";
const transport = "src/sockets/socket_transport.ts";
const serving = "src/sockets/serve_socket.ts";
const streams = ["tests/sockets/socket_streams_test.ts"];
const draft = ["tests/sockets/wintertc_test.ts"];
const served = ["tests/sockets/serve_socket_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: readable,
    find: "return !(this.#stopped = this.#bytes >= this.#limit);",
    put: "return true;",
    tests: streams,
    why: "what nobody reads is taken from the peer without a bound",
  },
  {
    file: readable,
    find: "if (size < chunk.length) this.#rest = chunk.subarray(size);",
    put: "",
    tests: streams,
    why: "a BYOB reader with a small view loses the rest of a chunk",
  },
  {
    file: readable,
    find: "if (this.#wanted) this.#finish();",
    put: "this.#finish();",
    tests: draft,
    why: "a FIN that nobody has read resolves closed",
  },
  {
    file: writable,
    find: "if (this.#shut !== undefined && this.#written >= this.#shut.behind) throw this.#shut.error;",
    put: "",
    tests: streams,
    why: "what is written after startTls goes out in plaintext",
  },
  {
    file: writable,
    find: "if (this.#over) throw this.#lost;",
    put: "",
    tests: streams,
    why: "a write that waited for a socket which is closed as it opens never settles",
  },
  {
    file: dialed,
    find: "else if (cut) line.transport!.abort();",
    put: "",
    tests: streams,
    why: "the peer sees a FIN behind half of what was written",
  },
  {
    file: dialed,
    find: "if (unread) {",
    put: "if (false) {",
    tests: streams,
    why: "plaintext that came before the handshake is dropped without a word",
  },
  {
    file: dialed,
    find: "if (this.#plan.allowHalfOpen && !broken) return;",
    put: "",
    tests: draft,
    why: "allowHalfOpen ends the socket at the peer's FIN",
  },
  {
    file: dialed,
    find: "socketErrorOf(reason instanceof TimeoutError ? reason : cause)",
    put: "socketErrorOf(cause)",
    tests: streams,
    why: "an attempt that takes too long is said to have been aborted",
  },
  {
    file: transport,
    find: ": chunk.slice(from, from + writtenAtOnce);",
    put: ": chunk.subarray(from, from + writtenAtOnce);",
    tests: served,
    why: "a host that passes memory on sees the next frame in it",
  },
  {
    file: transport,
    find: "} else this.#paused = true;",
    put: "} else this.#read();",
    tests: served,
    why: "a handler that takes no frames does not stop the peer",
  },
  {
    file: serving,
    find: "}, timeout);",
    put: "}, Infinity);",
    tests: served,
    why: "a socket that does not open is waited for forever",
  },
  {
    file: serving,
    find: "Promise.resolve(socket?.close?.(error)).catch(() => {});",
    put: "",
    tests: served,
    why: "a socket whose options are refused stays open",
  },
];
