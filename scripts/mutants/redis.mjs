/** The bus on Redis: what is stored once, what comes again, what is bounded, and what is said of it. */
const folder = "src/gateway/buses/redis";
const script = `${folder}/store_script.ts`;
const ingest = `${folder}/ingest.ts`;
const stored = `${folder}/stored_subscription.ts`;
const faults = ["tests/gateway/buses/redis_faults_test.ts"];
const groups = ["tests/gateway/buses/redis_groups_test.ts"];
const parts = ["tests/gateway/buses/redis_parts_test.ts"];
const gateway = ["tests/gateway/redis_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: script,
    find: "if tonumber(last) < tonumber(ARGV[1]) then",
    put: "if false then",
    tests: groups,
    why: "a message is stored though the one before it is not",
  },
  {
    file: script,
    find: "if tonumber(ARGV[at]) <= tonumber(last) then",
    put: "if false then",
    tests: groups,
    why: "a message that is sent again is stored again",
  },
  {
    file: script,
    find: "'MAXLEN', '~', ARGV[3], ",
    put: "",
    tests: groups,
    why: "streams grow without bound",
  },
  {
    file: script,
    find: ", 'PX', ARGV[2])",
    put: ")",
    tests: groups,
    why: "what a server remembers of gateways grows without bound",
  },
  {
    file: ingest,
    find: "if (last < this.#confirmed) this.#tellLoss(last);",
    put: "",
    tests: faults,
    why: "nobody says that the server has lost what it had confirmed",
  },
  {
    file: ingest,
    find: "Promise.all([this.open(), commands.get(this.#memory)])",
    put: "Promise.all([Promise.resolve(), commands.get(this.#memory)])",
    tests: faults,
    why: "a server that was started anew does not know the script",
  },
  {
    file: stored,
    find: "return wait === undefined ? this.#done(held)",
    put: "return wait === undefined ? undefined",
    tests: groups,
    why: "what was handled is never acknowledged",
  },
  {
    file: stored,
    find: "for (const entry of left) await this.#take(entry);",
    put: "",
    tests: groups,
    why: "what a dead consumer has left is never handled",
  },
  {
    file: stored,
    find: "if (++held.failures >= mostDeliveries) {",
    put: "if (++held.failures < 0) {",
    tests: groups,
    why: "a message whose handler always fails comes again for ever",
  },
  {
    file: stored,
    find: "this.#held.size >= this.#most) await",
    put: "this.#held.size >= Infinity) await",
    tests: groups,
    why: "what waits for a handler has no bound",
  },
  {
    file: `${folder}/channel_message.ts`,
    find: "return /\\p{Cc}/u.test(value)",
    put: "return /\\p{Lm}/u.test(value)",
    tests: parts,
    why: "what a peer has sent adds fields to the head of a message",
  },
  {
    file: `${folder}/stream_names.ts`,
    find: "if (!name.some(isWild)) return",
    put: "if (name.length > 0) return",
    tests: parts,
    why: "a subscription reads a stream that has no such name",
  },
  {
    file: `${folder}/server_check.ts`,
    find: 'if (settings["appendonly"] === "no") {',
    put: "if (false) {",
    tests: faults,
    why: "nobody says that the server loses all when it ends",
  },
  {
    file: "src/gateway/make_bus.ts",
    find: "if (streamOf?.(settings, subject) === streamOf?.(settings, other)) continue;",
    put: "continue;",
    tests: gateway,
    why: "each connection has a stream of its own, which nobody ever removes",
  },
  {
    file: "src/gateway/bus_types/redis.ts",
    find: "maxLength: maxLength === 0 ? Infinity : maxLength,",
    put: "maxLength,",
    tests: gateway,
    why: "a length of 0, which means no limit everywhere, is an error of the library",
  },
];
