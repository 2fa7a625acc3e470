/** Several delimiters, lines that a carriage return ends, checksums, and byte stuffing. */
const several = "src/core/framing/several_delimiters_decoder.ts";
const field = "src/core/framing/checksum_field.ts";
const ofSeveral = ["tests/core/framing/several_delimiters_test.ts"];
const ofLines = ["tests/core/framing/lines_test.ts"];
const ofChecksums = ["tests/core/framing/checksummed_test.ts"];
const ofStuffing = ["tests/protocols/byte_stuffing_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: several,
    find: "      growing = delimiters.grows(state) ? state : 0;\n",
    put: "      growing = 0;\n",
    tests: ofSeveral,
    why: "the rest of a longer delimiter is taken for the next frame",
  },
  {
    file: several,
    find: "if (size <= maxFrameBytes) return;",
    put: "if (size <= maxFrameBytes + 1) return;",
    tests: ofSeveral,
    why: "a frame over the limit is held until its delimiter comes",
  },
  {
    file: "src/core/bytes/patterns.ts",
    find: "if (place < from) {",
    put: "if (place < 0) {",
    tests: ofSeveral,
    why: "a place that is passed is taken for the next one",
  },
  {
    file: "src/core/framing/lone_returns.ts",
    find: "last = chunk.at(-1) ?? last;",
    put: "last = chunk.at(-1) ?? 0;",
    tests: ofLines,
    why: "an empty chunk between a carriage return and its newline makes an empty line",
  },
  {
    file: "src/core/framing/lone_returns.ts",
    find: "if (bytes === chunk) bytes = new Uint8Array(chunk);",
    put: "",
    tests: ofLines,
    why: "the chunk of the runtime is changed",
  },
  {
    file: field,
    find: "if (this.#read(frame, at) === value) return body;",
    put: "if (body >= 0) return body;",
    tests: ofChecksums,
    why: "a wrong checksum is accepted",
  },
  {
    file: field,
    find: "frame[little ? at + i : at + width - 1 - i] = byte;",
    put: "frame[at + width - 1 - i] = byte;",
    tests: ofChecksums,
    why: "the byte order of a checksum is ignored when it is written",
  },
  {
    file: "src/core/checksum/crc.ts",
    find: "return ((state >>> up) ^ final) >>> 0;",
    put: "return (state >>> up) >>> 0;",
    tests: ["tests/core/checksum_test.ts"],
    why: "a checksum lacks its last step",
  },
  {
    file: "src/protocols/cobs.ts",
    find: "if (code < full && at < length) frame[to++] = 0;",
    put: "if (at < length) frame[to++] = 0;",
    tests: ofStuffing,
    why: "a full block is taken for one with a zero behind it",
  },
  {
    file: "src/protocols/slip.ts",
    find: "if (escaped !== ESC_END && escaped !== ESC_ESC) {",
    put: "if (escaped === undefined) {",
    tests: ofStuffing,
    why: "an escape of anything is accepted",
  },
  {
    file: "src/protocols/stuffed.ts",
    find: "if (bytes.length === 0) return true;",
    put: "",
    tests: ofStuffing,
    why: "nothing between two ENDs is a frame",
  },
];
