/** Programs with Effect: their clock, their loggers and metrics, and what interruption means. */
const clock = "src/connection/effect/effect_clock.ts";
const metrics = "src/server/effect_metrics.ts";
const lifetime = "src/connection/effect/lifetime.ts";
const ofScopes = ["tests/server/effect_test.ts"];
const ofClock = ["tests/server/effect_clock_test.ts"];
const ofLog = ["tests/server/effect_log_test.ts"];
const ofVerbs = ["tests/server/effect_verbs_test.ts"];

const acceptor = "src/server/effect/acceptor.ts";
const effectSocket = "src/connection/effect/effect_socket.ts";
const pulling = "src/connection/effect/pulling.ts";
const channels = "src/connection/effect/framing_channels.ts";
const ofSockets = ["tests/server/effect_socket_server_test.ts"];
const ofChannels = ["tests/server/effect_channels_test.ts"];

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
  {
    file: acceptor,
    find: "else this.#waiting.add(accepted);",
    put: 'else accepted.over("done");',
    tests: ofSockets,
    why: "a connection that comes before run does not wait",
  },
  {
    file: acceptor,
    find: 'for (const { over } of this.#waiting) over("interrupted");',
    put: "",
    tests: ofSockets,
    why: "closing waits for connections that no run has taken",
  },
  {
    file: acceptor,
    find: 'if (this.#waiting.delete(accepted)) accepted.over("done");',
    put: "",
    tests: ofSockets,
    why: "a peer that left while it waited is served",
  },
  {
    file: acceptor,
    find: "return Fiber.interruptAll([...fibers]);",
    put: "return Effect.void;",
    tests: ofSockets,
    why: "handlers outlive their run",
  },
  {
    file: acceptor,
    find: 'return stopping ? "done" : "interrupted";',
    put: 'return "interrupted";',
    tests: ofSockets,
    why: "what handlers have written is lost when run is interrupted",
  },
  {
    file: acceptor,
    find: "this.#runs.splice(this.#runs.indexOf(runner), 1);",
    put: "",
    tests: ofSockets,
    why: "connections go to a run that is over",
  },
  {
    file: acceptor,
    find: 'if (reason._tag === "SocketCloseError") return "done";',
    put: "",
    tests: ofSockets,
    why: "a handler that lets a clean end pass through has failed",
  },
  {
    file: effectSocket,
    find: "if (begun || pulling.over) return",
    put: "if (pulling.over) return",
    tests: ofSockets,
    why: "a second upgrade is tried",
  },
  {
    file: effectSocket,
    find: "if (code > 1000) connection.destroy",
    put: "if (code > 1_000_000) connection.destroy",
    tests: ofSockets,
    why: "a CloseEvent that is not clean ends the connection with a FIN",
  },
  {
    file: effectSocket,
    find: "        pulling.close();\n        // One that",
    put: "        // One that",
    tests: ofSockets,
    why: "a pull waits for ever when the scope of its reader is closed",
  },
  {
    file: effectSocket,
    find: "        latch.closeUnsafe();\n        current = undefined;",
    put: "",
    tests: ofSockets,
    why: "a write between two connections goes to the one that is gone",
  },
  {
    file: pulling,
    find: "resume(this.pull);",
    put: "resume(this.#poll()!);",
    tests: ofSockets,
    why: "what comes behind an interrupted pull is taken for it, and lost",
  },
  {
    file: "src/client/effect/dialed_socket.ts",
    find: 'cause instanceof TimeoutError ? "Timeout"',
    put: 'cause instanceof TypeError ? "Timeout"',
    tests: ofSockets,
    why: "a connect that has run out of time is an unknown failure",
  },
  {
    file: channels,
    find: "const next = (frame: Received): boolean => frames.push(frame) < mostTogether;",
    put: "const next = (frame: Received): boolean => frames.push(frame) > 0;",
    tests: ofChannels,
    why: "all frames of a chunk are cut at once, however many they are",
  },
  {
    file: channels,
    find: "if (this.#decoder.flush !== undefined) return this.#decoder.flush(next);",
    put: "",
    tests: ofChannels,
    why: "an input that ends inside a frame ends well",
  },
  {
    file: "src/connection/effect/connection_channel.ts",
    find: "Exit.hasInterrupts(exit) && connection.destroy()",
    put: "Exit.hasInterrupts(exit) && connection.end()",
    tests: ofChannels,
    why: "a channel that is interrupted ends as if all was sent",
  },
  {
    file: channels,
    find: "    this.#flushed = true;\n",
    put: "",
    tests: ofChannels,
    why: "what a framing has at the end of the input comes again and again",
  },
];
