/** Several processes on one port. */
const ofGroup = ["tests/gateway/cli/processes_test.ts"];
const ofGateway = ["tests/gateway/cli/processes_gateway_test.ts"];
const ofOptions = ["tests/gateway/cli/processes_options_test.ts"];
const ofMerged = ["tests/gateway/merged_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: "src/gateway/processes/slot.ts",
    find: 'this.drain(before, "SIGTERM");\n    return member;',
    put: "return member;",
    tests: ofGroup,
    why: "a process that was replaced goes on",
  },
  {
    file: "src/gateway/processes/slot.ts",
    find: 'await served(member.child, member.ended, () => this.drain(member, "SIGTERM"));\n',
    put: "",
    tests: ofGroup,
    why: "a process drains before the next one serves",
  },
  {
    file: "src/gateway/processes/slot.ts",
    find: "    this.#again();\n  }\n\n  /** Starts another",
    put: "  }\n\n  /** Starts another",
    tests: ofGroup,
    why: "a process that dies is not started again",
  },
  {
    file: "src/gateway/processes/slot.ts",
    find: "if (systemClock.now() - since! >= stableMs) this.#retries!.succeeded();",
    put: "this.#retries!.succeeded();",
    tests: ofGroup,
    why: "it is never given up",
  },
  {
    file: "src/gateway/processes/slot.ts",
    find: "const wanted = priority[(this.number - 1) % priority.length];",
    put: "const wanted = priority[0];",
    tests: ofOptions,
    why: "all have the priority of the first",
  },
  {
    file: "src/gateway/processes/slot.ts",
    find: "if (list !== undefined) await setCpus(child.pid, list);",
    put: "",
    tests: ofOptions,
    why: "processors are not set",
  },
  {
    file: "src/gateway/processes/group.ts",
    find: "for (const slot of this.#slots.splice(plan.count)) this.#leave(slot);",
    put: "",
    tests: ofGateway,
    why: "fewer processes are asked for, and all go on",
  },
  {
    file: "src/gateway/processes/group.ts",
    find: "? exitCodes.unfinished\n      : exitCodes.failed;",
    put: "? exitCodes.failed\n      : exitCodes.failed;",
    tests: ofOptions,
    why: "destroyed connections are a failure",
  },
  {
    file: "src/gateway/processes/merged_metrics.ts",
    find: 'if (type !== "gauge" || member === current || additive.test(name)) add(sums, sample);',
    put: 'if (type !== "gauge" || member === current) add(sums, sample);',
    tests: ofMerged,
    why: "connections of processes that drain are not counted",
  },
  {
    file: "src/gateway/processes/merged_metrics.ts",
    find: 'for (const sample of last) if (sample.type !== "gauge") add(this.#retired, sample);',
    put: "",
    tests: ofMerged,
    why: "a counter falls when a process ends",
  },
  {
    file: "src/gateway/processes/merged_output.ts",
    find: "    await output.write(text);",
    put: "    void output.write(text);",
    tests: ofMerged,
    why: "a slow reader is not waited for",
  },
  {
    file: "src/gateway/processes/merged_output.ts",
    find: "rest.length > longestLine ? rest.length : ",
    put: "",
    tests: ofMerged,
    why: "a line without an end has no bound",
  },
  {
    file: "src/core/text/cpu_list.ts",
    find: "if (last < first || last > highest) return undefined;",
    put: "if (last < first) return undefined;",
    tests: ofMerged,
    why: "a list of processors has no bound",
  },
  {
    file: "src/gateway/config/processes.ts",
    find: "integer(1, mostProcesses)(value)",
    put: "integer(1)(value)",
    tests: ofOptions,
    why: "the number of processes has no limit",
  },
  {
    file: "src/gateway/config/config.ts",
    find: 'number === undefined ? "" : `-${number}`',
    put: 'number === undefined ? "" : ""',
    tests: ["tests/gateway/cli/processes_nats_test.ts"],
    why: "all processes are one node on a server, and each refuses messages for connections of the others",
  },
];
