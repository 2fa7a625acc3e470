/** Programs with Effect: their clock, their loggers and metrics, and what interruption means. */
const clock = "src/connection/effect/effect_clock.ts";
const metrics = "src/server/effect_metrics.ts";
const lifetime = "src/connection/effect/lifetime.ts";
const ofScopes = ["tests/server/effect_test.ts"];
const ofClock = ["tests/server/effect_clock_test.ts"];
const ofLog = ["tests/server/effect_log_test.ts"];
const ofVerbs = ["tests/server/effect_verbs_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: lifetime,
    find: "if (this.closing) return waiting;",
    put: "if (this.closing) return Effect.void;",
    tests: ofScopes,
    why: "a scope that ends does not wait for whoever closes the server already",
  },
  {
    file: lifetime,
    find: "return Effect.provideContext(Scope.provide(acquiring, this.#scope), this.#clock);",
    put: "return Scope.provide(acquiring, this.#scope);",
    tests: ["tests/server/effect_clock_test.ts", "tests/server/drain_test.ts"],
    why: "the deadline of shutting down is not on the server's clock",
  },
  {
    file: "src/gateway/running_gateway.ts",
    find: "      yield* Effect.addFinalizer(() => this.#drain());\n",
    put: "",
    tests: ["tests/gateway/gateway_test.ts"],
    why: "a gateway does not let its endpoints finish",
  },
  {
    file: "src/gateway/client_endpoint.ts",
    find: "      this.#client.retire();\n",
    put: "",
    tests: ["tests/gateway/gateway_test.ts"],
    why: "a stop does not end a wait between two attempts to connect",
  },
  {
    file: clock,
    find: "if (ms <= 0) return systemClock.setTimer(callback, 0);",
    put: "",
    tests: ofClock,
    why: "waits of no time wait for the program's clock",
  },
  {
    file: clock,
    find: "this.endOfTurn = turnsOf(services);",
    put: "this.endOfTurn = systemClock.endOfTurn;",
    tests: ofClock,
    why: "TestClock does not wait for what a timer has begun",
  },
  {
    file: clock,
    find: "if (setting) this.endOfTurn(fire);",
    put: "if (setting) fire();",
    tests: ofClock,
    why: "a clock that does not sleep calls before setTimer has returned",
  },
  {
    file: "src/client/client.ts",
    find: "options.clock ?? program?.clock ?? systemClock",
    put: "options.clock ?? systemClock",
    tests: ofClock,
    why: "connectTimeout is not on the program's clock",
  },
  {
    file: metrics,
    find: "if (this.#running.delete(server)) this.#stopped.add(server.stats(), true);",
    put: "this.#running.delete(server);",
    tests: ofLog,
    why: "what stopped servers have counted is forgotten",
  },
  {
    file: metrics,
    find: "if (this.#sums !== undefined) return this.#sums;",
    put: "",
    tests: ofLog,
    why: "statistics are summed once for each metric",
  },
  {
    file: metrics,
    find: "if (notAdded.includes(name)) ",
    put: "if (name === undefined) ",
    tests: ofLog,
    why: "stalls of the process are added up over servers",
  },
  {
    file: "src/core/flow/inbox.ts",
    find: "if (resolve === undefined || this.#promise !== promise) return;",
    put: "return;",
    tests: ofVerbs,
    why: "the frame after an interrupted read is lost",
  },
  {
    file: "src/connection/session.ts",
    find: 'else if (end === "interrupted") this.life.destroy("aborted");',
    put: 'else if (end === "interrupted") this.life.finish("handler_done", "local");',
    tests: ofVerbs,
    why: "half an answer ends in a FIN",
  },
  {
    file: "src/core/flow/inbox.ts",
    find: "resolve(looks ? { value: [], done: false } : this.#takeMany());",
    put: "resolve(this.#takeMany());",
    tests: ofVerbs,
    why: "waiting takes the frames that come",
  },
  {
    file: "src/core/flow/inbox.ts",
    find: "if (resolve === undefined || looks) {",
    put: "if (resolve === undefined) {",
    tests: ofVerbs,
    why: "the error is lost with a reader that was interrupted",
  },
];
