/** Connections that belong to workers: their bounds, their ends, and the workers that come and go. */
const bound = "src/workers/bound_connection.ts";
const link = "src/workers/worker_link.ts";
const slot = "src/workers/worker_slot.ts";
const pool = "src/workers/thread_pool.ts";
const transport = "src/workers/worker_transport.ts";
const host = "src/workers/worker_thread_host.ts";
const ofConnections = ["tests/workers/workers_test.ts"];
const ofLosses = ["tests/workers/lost_test.ts"];
const ofMessages = ["tests/workers/thread_message_test.ts"];
const ofPool = ["tests/workers/pool_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: bound,
    find: "if (this.outstanding >= this.#owner.window) {",
    put: "if (false) {",
    tests: ofConnections,
    why: "a worker that takes nothing is sent everything",
  },
  {
    file: bound,
    find: "if (outbox.pending > 0 && outbox.pending + pieceBytes > limit) return;",
    put: "",
    tests: ofConnections,
    why: "what the outbox refuses is lost",
  },
  {
    file: bound,
    find: "if (message === undefined) return life.end();",
    put: "if (message === undefined) return;",
    tests: ofConnections,
    why: "a half-close in the worker never reaches the peer",
  },
  {
    file: bound,
    find: "this.#sayClose({ ...endingMessage(ending), clean: false });",
    put: "",
    tests: ofConnections,
    why: "the worker hears of an end without its reason",
  },
  {
    file: bound,
    find: 'this.session.life.destroy("worker_lost", { message, code });',
    put: "",
    tests: ofLosses,
    why: "connections of a worker that is lost stay open",
  },
  {
    file: link,
    find: "for (const { session } of this.working) {",
    put: "for (const { session } of []) {",
    tests: ofConnections,
    why: "the worker's work counts as the peer's silence",
  },
  {
    file: link,
    find: "if (silence >= limit) {",
    put: "if (false) {",
    tests: ofLosses,
    why: "a worker that does not answer is waited for without end",
  },
  {
    file: slot,
    find: "if (wait !== undefined) this.#wait.set(wait);",
    put: "",
    tests: ofLosses,
    why: "a worker that is lost is never replaced",
  },
  {
    file: slot,
    find: "if (link.ready && link.ageMs >= this.#owner.settings.restart.max) this.#retries.succeeded();",
    put: "this.#retries.succeeded();",
    tests: ofLosses,
    why: "a worker that fails again and again is replaced without end",
  },
  {
    file: pool,
    find: "limit.set(this.settings.waitTimeout);",
    put: "",
    tests: ofLosses,
    why: "a connection waits for a worker without end",
  },
  {
    file: pool,
    find:
      'for (const session of sessions()) session.life.destroy("shutdown", { message: "the pool was closed" });',
    put: "",
    tests: ofPool,
    why: "connections that are there at the deadline are not destroyed as shutdown",
  },
  {
    file: transport,
    find: "if (!this.#owing || this.taken < this.#written || this.#over) return;",
    put: "if (!this.#owing || this.#over) return;",
    tests: ofMessages,
    why: "more is handed to the main thread before the kernel has what was",
  },
  {
    file: transport,
    find: "if (!events!.data(chunk)) this.#paused = true;",
    put: "events!.data(chunk);",
    tests: ofConnections,
    why: "a busy handler does not stop what comes",
  },
  {
    file: host,
    find: "if (left <= 0) pipeline.stopAtBoundary();",
    put: "if (true) pipeline.stopAtBoundary();",
    tests: ofConnections,
    why: "a peer has no time to read the goodbye",
  },
  {
    file: "src/core/flow/pipeline.ts",
    find: "if (this.#decoder.stop !== undefined) return this.#decoder.stop();",
    put: "",
    tests: ofConnections,
    why: "a drain stops reading inside a frame of a worker's connection",
  },
  {
    file: "src/workers/thread_message.ts",
    find: "const whole = own && bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === length;",
    put: "const whole = own && bytes.buffer instanceof ArrayBuffer;",
    tests: ofMessages,
    why: "memory is given away in which more than the chunk is",
  },
];
