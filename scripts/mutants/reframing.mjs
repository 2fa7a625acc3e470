/** Another framing in the middle of what has come. */
const pipeline = "src/core/flow/pipeline.ts";
const unread = "src/core/flow/unread.ts";
const delivery = "src/connection/delivery.ts";
const tests = ["tests/connection/reframe_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: pipeline,
    find: "const unwanted = this.#unread !== undefined && !this.#owner.delivery.hungry;",
    put: "const unwanted = false;",
    tests,
    why: "a chunk that comes while a frame is worked on is cut by the framing that is about to go",
  },
  {
    file: pipeline,
    find: "if (this.#following === undefined) this.#share = -this.#share;",
    put: "",
    tests,
    why: "the rest of a chunk is cut before the framing that was asked for takes its place",
  },
  {
    file: pipeline,
    find: "if (stopped && !this.#stopped) this.#stopping?.chunkAgain();",
    put: "",
    tests,
    why: "a drain takes the rest of a chunk that is cut again for the chunk behind it",
  },
  {
    file: pipeline,
    find: "if (this.behind && this.#owner.delivery.hungry && !this.#yielding) this.#giveWay();",
    put: "this.goOn();",
    tests,
    why: "frames of the new framing are delivered before the call returns",
  },
  {
    file: unread,
    find: "if (this.#rest !== undefined) return true;",
    put: "",
    tests,
    why: "a second change loses what the first one has kept",
  },
  {
    file: unread,
    find: "const bytes = decoder.buffered + (stopped ? decoder.waiting! : 0);",
    put: "const bytes = stopped ? decoder.waiting! : 0;",
    tests,
    why: "a frame that has begun is lost",
  },
  {
    file: unread,
    find: "this.#rest = all.subarray(all.length - bytes);",
    put: "this.#rest = all;",
    tests,
    why: "frames that were delivered are cut again",
  },
  {
    file: delivery,
    find: "(this.#ahead === 0 && awaited && length === 0)",
    put: "this.#ahead === 0",
    tests,
    why: "a frame that nobody waits for is cut by the framing that is about to go",
  },
  {
    file: "src/core/framing/exact_decoder.ts",
    find: "super(decoder, 1);",
    put: "super(decoder);",
    tests,
    why: "a framing of the user's own that cannot stop cuts frames of the next one",
  },
  {
    file: "src/core/framing/piecewise_decoder.ts",
    find: "if (!this.#enough) continue;",
    put: "if (!this.#enough || from === length) continue;",
    tests: ["tests/connection/on_demand_test.ts"],
    why: "a framing of the user's own that cannot stop is given the next chunk while no frame is wanted",
  },
];
