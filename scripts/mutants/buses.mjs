/** Buses on NATS: what is sent when, what is bounded, and what is said of it. */
const window = "src/gateway/buses/publish_window.ts";
const ingest = "src/gateway/buses/nats/ingest.ts";
const core = "src/gateway/buses/nats/nats_bus.ts";
const egress = "src/gateway/traffic/egress.ts";
const windowTests = ["tests/gateway/buses/publish_window_test.ts"];
const faults = ["tests/gateway/buses/jetstream_faults_test.ts"];
const gateway = ["tests/gateway/nats_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: window,
    find: 'if (this.#state !== "open") return;\n    this.#state = "settling";',
    put: 'if (this.#state !== "open") return;',
    tests: windowTests,
    why: "a failure does not stop the window, and later messages overtake the one that failed",
  },
  {
    file: window,
    find: "this.#next = this.#head;\n      if",
    put: "if",
    tests: windowTests,
    why: "what failed is not sent again",
  },
  {
    file: window,
    find: "Math.min(ms * 2, longestPauseMs)",
    put: "ms * 2",
    tests: windowTests,
    why: "the pause between attempts grows without bound",
  },
  {
    file: window,
    find: "this.size >= this.#limits.messages || this.#bytes",
    put: "this.size > this.#limits.messages || this.#bytes",
    tests: windowTests,
    why: "one message more than the maximum waits",
  },
  {
    file: window,
    find: "this.#answered + answerMs - this.#owner.clock.now()",
    put: "answerMs - answerMs",
    tests: windowTests,
    why: "answers do not put off the end of patience",
  },
  {
    file: ingest,
    find: "if (sentForMs < this.#stream.duplicateWindowMs - marginMs) return known;",
    put: "return known;",
    tests: faults,
    why: "after a long outage nobody asks what is stored",
  },
  {
    file: ingest,
    find: "headers.set(idHeader, id);",
    put: "",
    tests: faults,
    why: "the stream cannot know a message again",
  },
  {
    file: core,
    find: "if (message.headers?.code === noResponders) {",
    put: "if (false) {",
    tests: gateway,
    why: "that nobody listens is written to a device as an empty frame",
  },
  {
    file: egress,
    find: "message.reply !== undefined || message.stored",
    put: "message.reply !== undefined",
    tests: gateway,
    why: "a stored message is acknowledged before its bytes were taken",
  },
  {
    file: egress,
    find: "other !== undefined && other !== node",
    put: "other !== undefined && false",
    tests: gateway,
    why: "a gateway refuses messages that are for another one",
  },
];
