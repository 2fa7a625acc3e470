/** Limits: connections, frames that wait, bytes that are held, rates, and what is done when they are reached. */
const outbox = "src/core/outbox.ts";
const delivery = "src/connection/delivery.ts";
const pipeline = "src/core/pipeline.ts";
const limiter = "src/core/rate_limiter.ts";
const ofEgress = [
  "tests/server/backpressure_test.ts",
  "tests/server/rates_held_test.ts",
  "tests/connection/flush_test.ts",
];
const ofIngress = [
  "tests/connection/delivery_test.ts",
  "tests/connection/reading_test.ts",
  "tests/server/backpressure_test.ts",
];
const ofRate = ["tests/core/rate_limiter_test.ts", "tests/server/rates_held_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: "src/server/admission.ts",
    find: "open >= this.maxConnections",
    put: "open > this.maxConnections",
    tests: ["tests/server/admission_test.ts"],
    why: "one connection too many",
  },
  {
    file: "src/server/admission.ts",
    find: "|| this.#leaving >= mostFarewells",
    put: "",
    tests: ["tests/server/admission_test.ts", "tests/server/faults_test.ts"],
    why: "any number of rejected peers read their farewell",
  },
  {
    file: "src/server/admission.ts",
    find: "    this.rejected++;\n",
    put: "",
    tests: ["tests/server/admission_test.ts"],
    why: "rejected peers are not counted",
  },
  {
    file: "src/server/admission.ts",
    find: "const timer = this.#clock.setTimer(leave, farewellMs);",
    put: "const timer = this.#clock.setTimer(leave, Infinity);",
    tests: ["tests/server/admission_test.ts"],
    why: "a rejected peer may stay",
  },
  {
    file: outbox,
    find: "if (pending === 0) return true;\n",
    put: "",
    tests: ofEgress,
    why: "a frame over the limit never fits",
  },
  {
    file: outbox,
    find: "pending + size <= 2 * this.#limit",
    put: "true",
    tests: ofEgress,
    why: "senders that do not wait hold any amount",
  },
  {
    file: outbox,
    find: "this.pending + size > this.#limit && !this.#admits(size)",
    put: "false",
    tests: ofEgress,
    why: "egressLimit does not hold for frames",
  },
  {
    file: outbox,
    find: "this.pending + length > this.#limit && !this.#admits(length)",
    put: "false",
    tests: [...ofEgress, "tests/server/broadcast_test.ts"],
    why: "egressLimit does not hold for broadcasts",
  },
  {
    file: outbox,
    find: 'if (this.#policy === "drop-oldest") this.pending -= whole.drop(excess, "drop-oldest");',
    put: "",
    tests: ofEgress,
    why: "drop-oldest drops the newest",
  },
  {
    file: outbox,
    find: 'this.pending -= whole.drop(excess, "drop-oldest");',
    put: 'whole.drop(excess, "drop-oldest");',
    tests: ofEgress,
    why: "dropped frames hold their room",
  },
  {
    file: outbox,
    find: "this.#framesDropped + (this.#whole?.dropped ?? 0)",
    put: "this.#framesDropped",
    tests: ofEgress,
    why: "frames dropped by drop-oldest are not counted",
  },
  {
    file: outbox,
    find: "      this.#framesDropped++;\n",
    put: "",
    tests: ofEgress,
    why: "frames dropped by drop-newest are not counted",
  },
  {
    file: outbox,
    find: 'if (this.#policy === "wait") return congestion.room;',
    put: "",
    tests: ofEgress,
    why: "senders are never asked to wait",
  },
  {
    file: outbox,
    find: "this.#congestion !== undefined && this.pending <= this.#limit / 2",
    put: "this.#congestion !== undefined && this.pending === 0",
    tests: [...ofEgress, "tests/server/slow_reader_test.ts"],
    why: "reading goes on only when everything has gone",
  },
  {
    file: outbox,
    find: "      this.#owner.congested(true);",
    put: "",
    tests: [...ofEgress, "tests/server/slow_reader_test.ts"],
    why: "a peer that reads nothing is read on",
  },
  {
    file: outbox,
    find: 'if (this.#policy === "close") this.#owner.overflowed(error);',
    put: "",
    tests: ofEgress,
    why: 'egressPolicy "close" closes nothing',
  },
  {
    file: delivery,
    find: "this.#bytes > this.#limit || this.#chunks > mostChunks",
    put: "this.#chunks > mostChunks",
    tests: ofIngress,
    why: "ingressLimit does not hold",
  },
  {
    file: delivery,
    find: "this.#bytes > this.#limit || this.#chunks > mostChunks",
    put: "this.#bytes > this.#limit",
    tests: ofIngress,
    why: "any number of tiny chunks may wait",
  },
  {
    file: delivery,
    find: "this.#bytes = this.#chunks = 0;",
    put: "",
    tests: ofIngress,
    why: "bytes that were taken still count as waiting",
  },
  {
    file: delivery,
    find: "return !this.#direct && this.inbox.length < this.#ahead;",
    put: "return !this.#direct;",
    tests: ofIngress,
    why: "all frames of a chunk are cut ahead of a loop",
  },
  {
    file: delivery,
    find: "return this.#direct ? this.#held === 0 :",
    put: "return this.#direct ? true :",
    tests: ofIngress,
    why: "frames are cut while onFrame holds them back",
  },
  {
    file: pipeline,
    find: "return owner.frame(frame) && --this.#share > 0;",
    put: "return owner.frame(frame);",
    tests: ofIngress,
    why: "one connection takes the whole turn",
  },
  {
    file: pipeline,
    find:
      "if (this.#pace !== undefined && !this.#discarding) this.#pace.take(bytes, this.framesReceived - before);",
    put: "",
    tests: [...ofRate, "tests/server/backpressure_test.ts"],
    why: "rateLimit is not asked",
  },
  {
    file: pipeline,
    find: "      this.#pace?.take(length, 0);\n",
    put: "",
    tests: [...ofRate, "tests/server/backpressure_test.ts"],
    why: "bytes that come while frames wait are not limited",
  },
  {
    file: limiter,
    find: "    this.#frames -= frames;\n",
    put: "",
    tests: ofRate,
    why: "frames are not limited",
  },
  {
    file: limiter,
    find: "this.#bytes = Math.min(this.#burstBytes, this.#bytes + passed * this.#bytesPerMs);",
    put: "this.#bytes = this.#bytes + passed * this.#bytesPerMs;",
    tests: ofRate,
    why: "a quiet time saves up any amount",
  },
  {
    file: limiter,
    find: "Math.max(debt(this.#bytes, this.#bytesPerMs), debt(this.#frames, this.#framesPerMs))",
    put: "Math.min(debt(this.#bytes, this.#bytesPerMs), debt(this.#frames, this.#framesPerMs))",
    tests: ofRate,
    why: "the laxer of two rates holds",
  },
  {
    file: "src/core/gate.ts",
    find: "if (before !== 0 && this.#reasons === 0) this.#source.resume();",
    put: "if (before !== 0) this.#source.resume();",
    tests: ["tests/core/gate_test.ts"],
    why: "reading goes on while somebody holds it",
  },
];
