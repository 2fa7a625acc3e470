/** What people write: durations, sizes, addresses, framings. */
const duration = "src/core/time/duration.ts";
const size = "src/core/text/size.ts";
const address = "src/core/text/address.ts";
const framing = "src/protocols/framing_text.ts";
const places = "src/connection/socket_settings.ts";
const subscription = "src/gateway/buses/subscription.ts";
const ofDuration = ["tests/core/duration_test.ts", "tests/gateway/grammars_test.ts"];
const ofText = ["tests/gateway/grammars_test.ts"];
const ofFraming = ["tests/protocols/framing_text_test.ts"];
const ofPlace = ["tests/server/addresses_test.ts", "tests/server/options_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: duration,
    find: "return ms === Infinity ? NaN : ms;",
    put: "return ms;",
    tests: ofDuration,
    why: "a duration of too many digits is no limit",
  },
  {
    file: duration,
    find: "(zero ? ms >= 0 : ms > 0)",
    put: "ms >= 0",
    tests: ofDuration,
    why: "a time limit of 0 is accepted where it ends everything at once",
  },
  {
    file: duration,
    find: "&& (infinite || ms !== Infinity)",
    put: "",
    tests: ofDuration,
    why: "no limit is accepted where there must be one",
  },
  {
    file: duration,
    find: "parseText(input.trim().toLowerCase())",
    put: "parseText(input.trim())",
    tests: ofDuration,
    why: "durations are read in small letters only",
  },
  {
    file: size,
    find: "return bytes === Infinity ? NaN : bytes;",
    put: "return bytes;",
    tests: ofText,
    why: "a size of too many digits is no limit",
  },
  {
    file: size,
    find: "Number.isSafeInteger(bytes) && bytes >= least",
    put: "bytes >= least",
    tests: ofText,
    why: "a size may be a part of a byte",
  },
  {
    file: size,
    find: "&& bytes <= most",
    put: "",
    tests: ofText,
    why: "the maximum of a size is not held",
  },
  {
    file: size,
    find: '(unit === "b" ? 1000 : 1024)',
    put: "1000",
    tests: [...ofText, ...ofFraming],
    why: "64k is 64,000 bytes",
  },
  {
    file: address,
    find: 'if (name === "" && use === "listen") {',
    put: "if (false) {",
    tests: [...ofText, ...ofPlace],
    why: "a server listens at a port without a host, which may have meant all addresses",
  },
  {
    file: address,
    find: 'const least = use === "listen" ? 0 : 1;',
    put: "const least = 0;",
    tests: ofText,
    why: "port 0 is one to connect to",
  },
  {
    file: places,
    find: "address.port ?? NaN",
    put: "address.port",
    tests: ofPlace,
    why: "an address without a port is one of port 0",
  },
  {
    file: places,
    find: "if (given.length !== 1) {",
    put: "if (given.length === 0) {",
    tests: ofPlace,
    why: "of a port and an address one is ignored",
  },
  {
    file: framing,
    find: "    parts.done();\n",
    put: "",
    tests: ofFraming,
    why: "words that a framing does not know are ignored",
  },
  {
    file: subscription,
    find: "    check.done();\n",
    put: "",
    tests: ["tests/gateway/memory_bus_test.ts"],
    why: "options of a subscription that make no sense are ignored",
  },
];
