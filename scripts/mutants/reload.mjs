/** Reloads of the gateway: what is compared, in which order it is done, and what is taken back. */
const ofReload = ["tests/gateway/reload_test.ts"];
const ofProgram = ["tests/gateway/cli/reload_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: "src/gateway/endpoint_group.ts",
    find: "    listener.hold();\n",
    put: "",
    tests: ofReload,
    why: "the listening socket of a replaced endpoint closes",
  },
  {
    file: "src/gateway/kept_listener.ts",
    find: "    for (const transport of waiting) this.#take(transport);\n",
    put: "",
    tests: ofReload,
    why: "who connects while an endpoint is replaced is forgotten",
  },
  {
    file: "src/gateway/reload/change_endpoints.ts",
    find: "Effect.forEach(undo.toReversed(), (step) => step)",
    put: "Effect.void",
    tests: ofReload,
    why: "a reload that failed half-way is not taken back",
  },
  {
    file: "src/gateway/reload/difference.ts",
    find: "else if (keys.length === 0) unchanged.push(name);",
    put: "",
    tests: ofReload,
    why: "endpoints that are the same are touched",
  },
  {
    file: "src/gateway/reload/difference.ts",
    find: 'const changeable: readonly string[] = ["endpoints", "shutdown", "log"];',
    put: 'const changeable: readonly string[] = ["endpoints", "shutdown", "log", "node"];',
    tests: ofReload,
    why: "a change of the node is accepted and ignored",
  },
  {
    file: "src/server/live.ts",
    find: "unset || value !== undefined",
    put: "value !== undefined",
    tests: ofReload,
    why: "a limit that is left out of the file stays in force",
  },
  {
    file: "src/gateway/reload/reloads.ts",
    find: "const reload = this.settled.then(() => this.#reload(read));",
    put: "const reload = this.#reload(read);",
    tests: ofReload,
    why: "two reloads go on at one time",
  },
  {
    file: "src/gateway/main.ts",
    find: '  if (name === "SIGHUP" && stop.onHangup !== undefined) return stop.onHangup();\n',
    put: "",
    tests: ofProgram,
    why: "SIGHUP drains",
  },
];
