/** Codecs: their limits, their faults, and what becomes of frames that nothing is made of. */
const folder = "src/gateway/codecs/";
const tests = ["tests/gateway/codec_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: `${folder}connection_decoder.ts`,
    find: "bytes.length <= maxMessageBytes",
    put: "true",
    tests,
    why: "a message may be as long as a codec likes",
  },
  {
    file: `${folder}connection_decoder.ts`,
    find: "    this.#faultsInRow = 0;\n    const { bytes",
    put: "    const { bytes",
    tests: ["tests/gateway/codec_test.ts"],
    why: "faults that are not in a row end a connection",
  },
  {
    file: `${folder}connection_decoder.ts`,
    find: "      this.#owner.framesSkipped++;\n",
    put: "",
    tests,
    why: "frames of which nothing is published are not counted",
  },
  {
    file: `${folder}endpoint_codec.ts`,
    find: "if (frame instanceof Uint8Array) return frame;",
    put: "return frame as Uint8Array;",
    tests,
    why: "what is no frame is sent",
  },
  {
    file: `${folder}endpoint_codec.ts`,
    find: "return this.#around.bus.publish({ subject: deadLetter",
    put: "return void ({ subject: deadLetter",
    tests,
    why: "a frame that cannot be decoded is lost",
  },
  {
    file: "src/gateway/traffic/ingress.ts",
    find: "if (decoder?.over) decoder.end();",
    put: "",
    tests,
    why: "a connection goes on after its last fault",
  },
];
