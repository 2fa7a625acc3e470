/** Clients that connect again: when, how often, and what becomes of frames meanwhile. */
const folder = "src/client/reconnecting";
const tests = ["tests/client/reconnecting/schedule_test.ts"];
const ofFrames = ["tests/client/reconnecting/frames_test.ts"];
const ofSockets = ["tests/client/reconnecting/reconnect_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: `${folder}/reconnecting.ts`,
    find: "this.clock.now() - this.#readyAt >= this.settings.stableAfter",
    put: "true",
    tests,
    why: "every connection counts as stable",
  },
  {
    file: `${folder}/reconnect_settings.ts`,
    find: "if (failures === 1) retries.succeeded();",
    put: "",
    tests,
    why: "waits never begin anew",
  },
  {
    file: `${folder}/reconnecting.ts`,
    find: "return this.#reason === undefined || (!this.stopped && this.sending.queue.length > 0);",
    put: "return true;",
    tests: ofFrames,
    why: "a client that is closed waits for a further attempt",
  },
  {
    file: `${folder}/reconnecting.ts`,
    find: "    this.#deadline.set(reading.value);\n",
    put: "",
    tests,
    why: "close has no deadline",
  },
  {
    file: `${folder}/reconnecting.ts`,
    find: 'else signal?.addEventListener("abort", this.#abort);',
    put: "",
    tests,
    why: "the signal is ignored",
  },
  {
    file: `${folder}/reconnect_settings.ts`,
    find: "  jitter: 0.5,\n",
    put: "  jitter: 0,\n",
    tests,
    why: "clients come back together",
  },
  {
    file: `${folder}/dialling.ts`,
    find: "Effect.timeoutOption(called, logOnTimeout)",
    put: "Effect.timeoutOption(called, 1e9)",
    tests,
    why: "logging on has no time limit",
  },
  {
    file: `${folder}/dialling.ts`,
    find: "      yield* untilStopped(client, roomForFrames(client));\n",
    put: "",
    tests: ofFrames,
    why: "connections are made while a loop has not taken the frames of the ones before",
  },
  {
    file: `${folder}/dialling.ts`,
    find: "renewed === undefined && error instanceof OptionsError",
    put: "false",
    tests,
    why: "options that do not fit are tried for ever",
  },
  {
    file: `${folder}/send_queue.ts`,
    find: "this.length >= maxFrames || this.bytes + length > maxBytes",
    put: "this.bytes + length > maxBytes",
    tests: ofFrames,
    why: "the queue has no limit in frames",
  },
  {
    file: `${folder}/send_queue.ts`,
    find: "this.length >= maxFrames || this.bytes + length > maxBytes",
    put: "this.length >= maxFrames",
    tests: ofFrames,
    why: "the queue has no limit in bytes",
  },
  {
    file: `${folder}/send_queue.ts`,
    find: "this.length > 0 && (",
    put: "(",
    tests: ofFrames,
    why: "a large frame is never accepted",
  },
  {
    file: `${folder}/send_queue.ts`,
    find: 'if (policy === "keep" && !this.#roomy)',
    put: "if (false)",
    tests: ofFrames,
    why: "senders do not wait for room",
  },
  {
    file: `${folder}/sending.ts`,
    find: "this.queue.length === 0 ? this.#open : undefined",
    put: "this.#open",
    tests: ofFrames,
    why: "frames overtake those in the queue",
  },
  {
    file: `${folder}/sending.ts`,
    find: "if (session === undefined || this.#slow) return;",
    put: "if (session === undefined) return;",
    tests: ofFrames,
    why: "the whole queue is handed to a slow connection",
  },
  {
    file: `${folder}/frames_across.ts`,
    find: "this.#sources.length > 1 && this.#loops === 0",
    put: "this.#loops === -1",
    tests: ofFrames,
    why: "frames of ended connections that nobody takes are kept without a limit",
  },
  {
    file: `${folder}/reconnecting.ts`,
    find: "    session.delivery.lend(this.#loggedOn.promise);\n",
    put: "",
    tests: ofSockets,
    why: "answers to logging on go to onFrame",
  },
  {
    file: "src/connection/delivery.ts",
    find: "return this.#direct || this.unlooped || !this.inbox.taken",
    put: "return this.unlooped || !this.inbox.taken",
    tests: ofSockets,
    why: "a connection with onFrame whose hook has read does not end with its peer",
  },
  {
    file: "src/connection/delivery.ts",
    find: "return this.#direct || this.unlooped || !this.inbox.taken",
    put: "return this.#direct || !this.inbox.taken",
    tests: ofSockets,
    why: "a connection whose loop was left does not end with its peer",
  },
];
