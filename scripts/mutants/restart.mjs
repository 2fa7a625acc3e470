/** Listening that begins again: attempts to bind, listeners that fail. */
const backoff = "src/core/time/backoff.ts";
const listening = "src/server/listening.ts";
const ofBackoff = ["tests/core/backoff_test.ts"];
const ofInherited = ["tests/server/inherited_test.ts"];
const ofBinding = ["tests/server/bind_retry_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: backoff,
    find: "this.failures >= attempts || ",
    put: "",
    tests: [...ofBackoff, ...ofBinding],
    why: "the number of attempts has no limit",
  },
  {
    file: backoff,
    find: " || left <= 0",
    put: "",
    tests: ofBackoff,
    why: "the time of a series has no limit",
  },
  {
    file: backoff,
    find: "return Math.min(wait * (1 - jitter * this.#random()), left);",
    put: "return wait * (1 - jitter * this.#random());",
    tests: ofBackoff,
    why: "the last attempt comes after the time",
  },
  {
    file: backoff,
    find: "initial * factor ** this.failures++, max)",
    put: "initial * factor ** this.failures++, Infinity)",
    tests: [...ofBackoff, ...ofBinding],
    why: "waits grow without a limit",
  },
  {
    file: listening,
    find: "if (fatal && generation === this.#generation) this.#over(error);",
    put: "if (fatal) this.#over(error);",
    tests: ofBinding,
    why: "a listener that was stopped long ago ends its successor",
  },
  {
    file: listening,
    find: "(starting && !passing.includes(error.reason))",
    put: "false",
    tests: ofBinding,
    why: "what no wait will change is tried again",
  },
  {
    file: listening,
    find: "if (clock.now() - this.#boundAt > this.#longestWait) this.#retries.succeeded();",
    put: "this.#retries.succeeded();",
    tests: ofBinding,
    why: "a listener that fails again and again is bound again at full speed",
  },
  {
    file: listening,
    find: "    this.#clearWait();\n    return this.#listener?.stop()",
    put: "    return this.#listener?.stop()",
    tests: ofBinding,
    why: "a wait outlives its server",
  },
  {
    file: listening,
    find: "if (this.inherits) await this.#listener?.pause?.();\n      else ",
    put: "",
    tests: ofInherited,
    why: "suspending closes an inherited socket",
  },
  {
    file: "src/adapters/inherited.ts",
    find: '    throw bad(action, "another server',
    put: '    void bad(action, "another server',
    tests: ofInherited,
    why: "two servers of a process listen on one descriptor",
  },
  {
    file: "src/adapters/inherited.ts",
    find: "if (inode === undefined) {\n    throw",
    put: "if (inode === undefined) {\n    void",
    tests: ofInherited,
    why: "a file is taken for a socket",
  },
  {
    file: "src/host/listen_variables.ts",
    find: " || LISTEN_PID !== String(globalThis.process.pid)",
    put: "",
    tests: ["tests/server/systemd_sockets_test.ts"],
    why: "a child process takes the sockets of its parent for its own",
  },
  {
    file: "src/server/drain.ts",
    find: "if (succeeded) yield* firstBytes(clock, told);",
    put: "",
    tests: ofInherited,
    why: "a request on a connection that was just accepted is not answered at a restart",
  },
  {
    file: "src/server/shared_port.ts",
    find: "if (migrated === true) return;",
    put: "",
    tests: ["tests/server/shared_port_test.ts"],
    why: "a system that loses no connection is warned of",
  },
  {
    file: listening,
    find: "settings.listen.reusePort && this.#listener === undefined",
    put: "settings.listen.reusePort",
    tests: ["tests/server/shared_port_test.ts"],
    why: "a server that resumes warns of its shared port again",
  },
  {
    file: "src/gateway/cli/takeover.ts",
    find: 'this.#drain(before, "SIGTERM");',
    put: "",
    tests: ["tests/gateway/cli/takeover_test.ts"],
    why: "the process that was taken over from goes on",
  },
  {
    file: "src/gateway/cli/takeover.ts",
    find: '      await served(child, this.#children.get(child)!, () => this.#drain(child, "SIGTERM"));',
    put: "",
    tests: ["tests/gateway/cli/takeover_test.ts"],
    why: "a process that does not serve takes over",
  },
  {
    file: "src/gateway/cli/takeover.ts",
    find: "if (this.#draining.has(child)) return;",
    put: "",
    tests: ["tests/gateway/cli/takeover_test.ts"],
    why: "a process that drains is told to destroy its connections",
  },
  {
    file: "src/adapters/held.ts",
    find: "  const socket = inheritable(handle.fdForIpc!());",
    put: "  const socket = { descriptor: handle.fdForIpc!(), close() {} };",
    tests: ["tests/gateway/cli/takeover_test.ts"],
    runtime: "deno",
    why: "children on Deno have no socket",
  },
];
