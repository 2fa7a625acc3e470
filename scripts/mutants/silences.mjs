/** Silences that end frames, or drop torn ones. */
const watch = "src/core/time/silence_watch.ts";
const gate = "src/core/flow/read_gate.ts";
const pipeline = "src/core/flow/pipeline.ts";
const tests = ["tests/connection/silence_test.ts"];
const ofStreams = ["tests/core/framing/silence_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: watch,
    find: "    this.#waiting = true;\n    this.#last = this.#wheel.now;",
    put: "    if (!this.#waiting) this.#last = this.#wheel.now;\n    this.#waiting = true;",
    tests,
    why: "a frame is cut although bytes keep coming",
  },
  {
    file: watch,
    find: "if (this.#owner.paused) return this.#gap;",
    put: "",
    tests,
    why: "time during which we do not read ends a frame",
  },
  {
    file: watch,
    find: "if (this.#owner.paused) return this.#gap;",
    put: "",
    tests: ofStreams,
    why: "time during which nobody reads a stream ends a frame",
  },
  {
    file: gate,
    find: "this.silence?.resumed();",
    put: "",
    tests,
    why: "a frame is cut as soon as reading goes on, with its end still in the kernel",
  },
  {
    file: watch,
    find: "if (this.#waiting) this.#last = this.#wheel.now;",
    put: "",
    tests: ["tests/core/silence_watch_test.ts"],
    why: "the time before reading goes on counts as silence",
  },
  {
    file: pipeline,
    find: "(this.#waiting ??= new Fifo()).push(silenceMark);",
    put: "this.#decoder.silence!();\n    this.#stopped = true;",
    tests,
    why: "silences between chunks that wait for a handler are lost",
  },
  {
    file: pipeline,
    find: "const silent = chunk === silenceMark && this.#decoder.gap !== undefined;",
    put: "const silent = chunk === silenceMark;",
    tests,
    why: "a silence of an earlier framing is told to one that knows none",
  },
  {
    file: "src/core/framing/silence_decoder.ts",
    find: "if (held.length > this.#rules.maxFrameBytes)",
    put: "if (held.length >= this.#rules.maxFrameBytes)",
    tests,
    why: "a frame of the maximum size is refused",
  },
  {
    file: "src/core/framing/discard_after_silence.ts",
    find: "this.#torn = this.#decoder.buffered > 0;",
    put: "this.#torn = true;",
    tests,
    why: "a silence between two frames is told as a torn frame",
  },
  {
    file: "src/core/streams/ordered_pair.ts",
    find: "this.#stage.stop?.();",
    put: "",
    tests: ofStreams,
    why: "a stream that was left keeps its clock",
  },
];
