/** Requests and replies. */
const folder = "src/client/requests";
const at = (name) => `tests/client/requests/${name}_test.ts`;
const [plain, keys, beats] = [["requests"], ["keys"], ["heartbeat"]].map((
  [name],
) => [at(name)]);
const of = (name, find, put, tests, why) => ({ file: `${folder}/${name}.ts`, find, put, tests, why });

const owed = (find, put, why) => ({
  file: "src/connection/replies/owed_replies.ts",
  find,
  put,
  tests: ["tests/connection/replies_test.ts"],
  why,
});

/** For `npm run mutate`. */
export const mutants = [
  owed('queue.first.state !== "open"', "true", "a reply overtakes the one before it"),
  owed("if (this.#open >= window) return", "if (false) return", "any number of handlers are at work"),
  owed("open <= this.#settings.window >> 1", "open === 0", "reading stops until all are done"),
  owed(
    "(this.#queue.length === 0 || !inOrder)",
    "true",
    "a reply that is there at once overtakes the others",
  ),
  owed(
    "if (this.#open++ === 0) this.#session.owes(true);",
    "this.#open++;",
    "a connection ends with replies owed",
  ),
  owed("if (open === 0) this.#session.owes(false);", "", "a connection stays open for no reply"),
  owed(
    "else this.#hold(this.#send(reply, request!));",
    "else this.#send(reply, request!);",
    "a slow reader is sent without end",
  ),
  owed(
    "if (this.#over) return this.#drop(owed);",
    "",
    "a handler that is late sends on a connection that has failed",
  ),
  owed("this.#session.outbox.refusal.reason !== undefined", "false", "replies that are lost count as sent"),
  {
    file: "src/connection/session.ts",
    find: '|| this.#run === "owing" ||',
    put: "||",
    tests: ["tests/connection/replies_test.ts"],
    why: "a slow handler is the peer's silence",
  },
  of("requester", "this.wheel.cancel(this);", "", plain, "a timer outlives the connection"),
  of("exchange", "if (request.live) {", "if (true) {", plain, "a late reply is counted as a reply"),
  of(
    "exchange",
    "this.matching.size < this.#settings.window &&",
    "this.live < this.#settings.window &&",
    keys,
    "a request that was abandoned frees its place",
  ),
  of(
    "exchange",
    'reached === "none" && record !== undefined',
    "record !== undefined",
    plain,
    "a request that left in part was not sent",
  ),
  of(
    "exchange",
    "if (this.#session.handling) this.over();",
    "",
    plain,
    "a handler that drains waits for a reply that cannot come",
  ),
  of(
    "exchange",
    "|| this.#owner.renewed || !handling",
    "",
    plain,
    "a connection at the end of its life takes requests",
  ),
  of(
    "exchange",
    'state === "draining" && !handling && this.live === 0',
    "false",
    plain,
    "a connection at the end of its life waits on",
  ),
  of(
    "exchange",
    "this.live > 0 ? Math.min",
    "false ? Math.min",
    plain,
    "the end of a connection's life waits for no reply",
  ),
  of(
    "exchange",
    "room || (this.live > 0 ? undefined : false)",
    "room",
    beats,
    "a slow reply is taken for a silent peer",
  ),
  of(
    "exchange",
    "this.#pings--;\n        counts.pongs++;",
    "counts.pongs++;",
    beats,
    "heartbeats that were answered count as open",
  ),
  of(
    "heartbeat",
    "if (this.#missed >= missed) return undefined;",
    "",
    beats,
    "a peer that is gone is asked for ever",
  ),
  of(
    "heartbeat",
    "if (took || bytesReceived !== this.#received) this.#missed = 0;",
    "",
    beats,
    "answers do not count",
  ),
  of(
    "heartbeat",
    "this.#since = Math.max(this.#since, vigil.lastRead)",
    "undefined",
    beats,
    "a peer that talks is asked",
  ),
  of("matching", "if (this.#isUnsolicited?.(frame) ||", "if (", plain, "a notification is a reply"),
  of("matching", "this.#requests.has(key)) {", "false) {", keys, "two requests have one key"),
  of(
    "matching",
    "if (!this.#requests.has(key)) return key;",
    "return key;",
    keys,
    "a key is given out twice",
  ),
  of("matching", "key === last ? first : key + 1", "key + 1", keys, "keys go on behind the last"),
  of(
    "pending_request",
    'this.#signal.removeEventListener("abort", this);',
    "",
    plain,
    "a reply that came is aborted",
  ),
  of("requester", "this.#waiting.size < maxWaiting", "true", plain, "any number of requests wait"),
  of("requester", "wait >= this.#grain &&", "", plain, "a short time limit is looked at with a coarse tick"),
  of(
    "requester",
    "if (waited || !this.#settings.closesAfterTimeout) return;",
    "return;",
    plain,
    "afterTimeout close does nothing",
  ),
  of(
    "requester",
    "if (exchange.stalled && timeout < Infinity) {",
    "if (false) {",
    plain,
    "a window without places stays so",
  ),
  of(
    "requester",
    "const refusal = this.#exchange?.refusal;",
    "const refusal = undefined;",
    plain,
    "a request waits on a connection that is over",
  ),
  of(
    "unsolicited",
    "(this.#waiting?.length ?? 0) >= this.#most",
    "false",
    plain,
    "any number of frames wait for onUnsolicited",
  ),
  {
    file: "src/core/flow/ledger.ts",
    find: 'start < this.bytes + this.underWay ? "unknown" : "none"',
    put: '"unknown"',
    tests: plain,
    why: "nothing is known of a frame that never left",
  },
];
