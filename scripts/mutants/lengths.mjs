/** Lengths in other forms than a plain binary number, and what is dropped or not sent. */
const field = "src/core/framing/length_field.ts";
const options = "src/core/framing/length_options.ts";
const value = "src/core/framing/length_value.ts";
const variable = "src/core/framing/variable_length.ts";
const ofField = ["tests/core/framing/length_formats_test.ts"];
const ofVariable = ["tests/core/framing/variable_length_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: value,
    find: "if (digit >= base) return NaN;",
    put: "",
    tests: ofField,
    why: "a letter is taken for a decimal digit",
  },
  {
    file: value,
    find: "if (high > 9 || low > 9) return NaN;",
    put: "",
    tests: ofField,
    why: "what is no BCD is taken for a length",
  },
  {
    file: field,
    find: "return Number.isInteger(size) ? size : NaN;",
    put: "return size;",
    tests: ofField,
    why: "a frame of one byte and a half",
  },
  {
    file: field,
    find: "headerBytes: dropEmpty ? headerBytes : lengthOffset + lengthBytes,",
    put: "headerBytes: lengthOffset + lengthBytes,",
    tests: ofField,
    why: "a keepalive of which the end is missing is no error",
  },
  {
    file: field,
    find: "const others = field - Math.floor(field / unit) % values * unit;",
    put: "const others = 0;",
    tests: ofField,
    why: "the bits of the header beside the length are not sent",
  },
  {
    file: field,
    find: "const limit = Math.min(largest + addedBytes, maxSentFrameBytes);",
    put: "const limit = largest + addedBytes;",
    tests: ofField,
    why: "a frame over maxSentFrameBytes is sent",
  },
  {
    file: options,
    find: "if (frameSize !== undefined) checkFrameSize(check, options, writeHeader);",
    put: "",
    tests: ofField,
    why: "options that say two things of the size are accepted",
  },
  {
    file: "src/core/framing/sized_decoder.ts",
    find: "this.#enough = size !== droppedBytes && this.#refuse(",
    put: "this.#enough = this.#refuse(",
    tests: ofField,
    why: "a keepalive that comes in two pieces is an error",
  },
  {
    file: "src/core/framing/varint_field.ts",
    find: "if (byte > 0 || end === at + 1 || !shortestForm)",
    put: "if (end > at)",
    tests: ofVariable,
    why: "shortestForm is ignored",
  },
  {
    file: "src/core/framing/ber_field.ts",
    find: "if (size >= maxLengthBytes) {",
    put: "if (size > maxLengthBytes) {",
    tests: ofVariable,
    why: "a length has a byte more than it may",
  },
  {
    file: variable,
    find: "if (size > maxSentFrameBytes) throw",
    put: "if (false) throw",
    tests: ofVariable,
    why: "a frame over maxSentFrameBytes is sent",
  },
  {
    file: variable,
    find: "drop: dropEmpty && length === 0",
    put: "drop: false",
    tests: ofVariable,
    why: "keepalives are delivered that should be dropped",
  },
];
