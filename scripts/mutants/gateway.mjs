/** The gateway's checks and counts, and the paths of Unix sockets. */
const ingress = "src/gateway/traffic/ingress.ts";
const egress = "src/gateway/traffic/egress.ts";
const undelivered = "src/gateway/traffic/undelivered.ts";
const control = "src/gateway/control.ts";
const unix = "src/adapters/unix/path.ts";
const httpServer = "src/host/http_server.ts";
const httpPeer = "src/host/http_peer.ts";
const ofHttp = ["tests/host/http_server_test.ts", "tests/gateway/admin_http_test.ts"];
const ofGateway = ["tests/gateway/gateway_test.ts", "tests/gateway/control_test.ts"];
const ofUnix = ["tests/adapters/unix_path_test.ts", "tests/adapters/unix_path_races_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: undelivered,
    find: "    this.#count++;\n",
    put: "",
    tests: ofGateway,
    why: "messages that reach nobody are not counted",
  },
  {
    file: ingress,
    find: "if (storing === undefined) this.#published++;",
    put: "",
    tests: ofGateway,
    why: "published frames are not counted",
  },
  {
    file: egress,
    find: '() => connection.destroy({ reason, code: "egress_timeout" }),',
    put: "() => {},",
    tests: ofGateway,
    why: "egressTimeout does nothing",
  },
  {
    file: ingress,
    find: "      await owed.paid(connection, acks);\n",
    put: "",
    tests: ofGateway,
    why: "replies are not waited for",
  },
  {
    file: ingress,
    find: "await (storing === undefined ? outlet.flush() : storing.done());",
    put: "",
    tests: [...ofGateway, "tests/gateway/process_test.ts"],
    why: "a connection is over before the bus has its frames",
  },
  {
    file: control,
    find: 'if (state !== "draining" && state !== "stopped") return;',
    put: "return;",
    tests: ofGateway,
    why: "commands to an endpoint that stops are answered as done",
  },
  {
    file: control,
    find: "Object.hasOwn(commands, command) ? commands[command] : undefined",
    put: "commands[command]",
    tests: [...ofGateway, "tests/gateway/outside_names_test.ts"],
    why: "a command named like a part of every object is looked up",
  },
  {
    file: control,
    find: "      this.#refused++;\n",
    put: "",
    tests: ofGateway,
    why: "refused commands are not counted",
  },
  {
    file: unix,
    find: 'if (kind === "other") {',
    put: "if (false) {",
    tests: ofUnix,
    why: "a file that is not a socket is removed",
  },
  {
    file: unix,
    find:
      '    return !(error instanceof SocketError &&\n      (error.reason === "refused" || error.reason === "path_not_found"));',
    put: "    return false;",
    tests: ofUnix,
    why: "a socket that cannot be asked is taken for dead",
  },
  {
    file: unix,
    find: "  file.removeFrom(name);\n",
    put: "",
    tests: ofUnix,
    why: "a server that stops leaves its file",
  },
  {
    file: httpServer,
    find: "    headersTimeout: requestTimeout,\n    requestTimeout,\n",
    put: "",
    tests: ofHttp,
    why: "a request to the admin endpoint may take any time",
  },
  {
    file: httpServer,
    find: "  server.maxConnections = options.maxConnections;\n",
    put: "",
    tests: ofHttp,
    why: "the admin endpoint has any number of connections",
  },
  {
    file: httpPeer,
    find: "if (++this.#ahead > mostAhead) {",
    put: "if (false) {",
    tests: ofHttp,
    why: "any number of requests waits for the answer to one",
  },
  {
    file: httpPeer,
    find: "clock.setTimer(() => this.#socket.destroy(), silence)",
    put: "undefined",
    tests: ofHttp,
    why: "an answer that nobody takes is held for ever",
  },
  {
    file: httpPeer,
    find: "this.#turn = this.#turn.then(() => this.#last(this.#options.refuse(status)));",
    put: "this.#last(this.#options.refuse(status));",
    tests: ofHttp,
    why: "what is wrong with a request is said before the answers to earlier ones",
  },
];
