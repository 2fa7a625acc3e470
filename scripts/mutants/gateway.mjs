/** The gateway's checks and counts, and the paths of Unix sockets. */
const traffic = "src/gateway/traffic.ts";
const control = "src/gateway/control.ts";
const unix = "src/adapters/unix_path.ts";
const ofGateway = ["tests/gateway/gateway_test.ts", "tests/gateway/control_test.ts"];
const ofUnix = ["tests/adapters/unix_path_test.ts", "tests/adapters/unix_path_races_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: traffic,
    find: "    this.#messagesUndelivered++;\n",
    put: "",
    tests: ofGateway,
    why: "messages that reach nobody are not counted",
  },
  {
    file: traffic,
    find: "        this.#framesPublished++;\n",
    put: "",
    tests: ofGateway,
    why: "published frames are not counted",
  },
  {
    file: traffic,
    find: '() => connection.kill({ reason, code: "egress_timeout" }),',
    put: "() => {},",
    tests: ofGateway,
    why: "egressTimeout does nothing",
  },
  {
    file: traffic,
    find: "      await this.#replies(connection);\n",
    put: "",
    tests: ofGateway,
    why: "replies are not waited for",
  },
  {
    file: traffic,
    find: "      await this.#bus.flush();\n",
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
    find: 'if (kind === "other") throw',
    put: "if (false) throw",
    tests: ofUnix,
    why: "a file that is no socket is removed",
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
];
