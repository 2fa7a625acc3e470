/** Who may connect: numbers, rates, lists, bans, and what becomes of the rejected. */
const admission = "src/server/admission.ts";
const farewells = "src/server/farewells.ts";
const table = "src/server/address_table.ts";
const bans = "src/server/bans.ts";
const rules = ["tests/server/admission_rules_test.ts"];
const known = ["tests/server/address_table_test.ts"];
const many = ["tests/server/admission_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: admission,
    find: "open >= this.#settings.maxConnections",
    put: "open > this.#settings.maxConnections",
    tests: many,
    why: "one connection too many",
  },
  {
    file: farewells,
    find: "return this.#leaving < mostFarewells;",
    put: "return true;",
    tests: [...many, "tests/server/faults_test.ts"],
    why: "any number of rejected peers read their farewell",
  },
  {
    file: admission,
    find: "    this.rejected++;\n",
    put: "",
    tests: many,
    why: "rejected peers are not counted",
  },
  {
    file: farewells,
    find: "const timer = this.#clock.setTimer(leave, farewellMs);",
    put: "const timer = this.#clock.setTimer(leave, Infinity);",
    tests: many,
    why: "a rejected peer may stay",
  },
  {
    file: admission,
    find: "this.#table.open(key) >= maxPerAddress",
    put: "this.#table.open(key) > maxPerAddress",
    tests: rules,
    why: "one connection of an address too many",
  },
  {
    file: admission,
    find: 'if (!hasToken(this.#bucket, pace, now)) return "accept_rate";\n',
    put: "",
    tests: rules,
    why: "any number of connections in a second",
  },
  {
    file: admission,
    find: 'if (deny?.has(ip)) return "denied";\n',
    put: "",
    tests: rules,
    why: "who is denied gets in",
  },
  {
    file: admission,
    find: 'return this.#owner.unix() || !this.#addressed ? undefined : "gone";',
    put: "return undefined;",
    tests: rules,
    why: "a peer without an address passes the lists",
  },
  {
    file: "src/server/handshakes.ts",
    find: "this.#settings.refused(handshake) || ",
    put: "",
    tests: rules,
    why: "who is denied begins a handshake",
  },
  {
    file: "src/server/handshakes.ts",
    find: "this.#settings.entered(peer.ip);\n",
    put: "",
    tests: rules,
    why: "handshakes of an address are not counted",
  },
  {
    file: "src/server/handshakes.ts",
    find: 'if (silent && error.reason === "peer_closed")',
    put: "if (silent && false)",
    tests: ["tests/server/probe_test.ts"],
    why: "a check of a load balancer is a failed handshake",
  },
  {
    file: "src/connection/termination.ts",
    find: "outbox.framesSent + outbox.framesPending <= 1",
    put: "true",
    tests: ["tests/server/probe_test.ts"],
    why: "a subscriber that only listens is a probe",
  },
  {
    file: "src/connection/termination.ts",
    find: "return profile.accepted && ",
    put: "return ",
    tests: ["tests/server/probe_test.ts"],
    why: "a client takes its server for a probe",
  },
  {
    file: table,
    find: "if (this.#idle >= mostIdle) this.#drop(this.#oldest!);\n",
    put: "",
    tests: known,
    why: "addresses are remembered without bound",
  },
  {
    file: table,
    find: "now - this.#oldest.at >= after",
    put: "false",
    tests: known,
    why: "addresses are remembered for ever",
  },
  {
    file: table,
    find: "entry.tokens >= pace.burst",
    put: "true",
    tests: known,
    why: "who closes and connects again has a fresh burst",
  },
  {
    file: "src/server/refusal_log.ts",
    find: "if (silent) return;\n",
    put: "",
    tests: rules,
    why: "each rejected peer writes a record",
  },
  {
    file: bans,
    find: "if (ban.until > this.#clock.now()) return true;",
    put: "return true;",
    tests: known,
    why: "a ban never ends",
  },
  {
    file: bans,
    find: "if (this.#bans.size < mostBans) return undefined;\n    let",
    put: "return undefined;\n    let",
    tests: known,
    why: "any number of bans",
  },
  {
    file: "src/connection/expel.ts",
    find: "  delivery.stop(lostError(session.id, life.ending!));\n  pipeline.discard();\n",
    put: "",
    tests: ["tests/server/kill_test.ts"],
    why: "a killed connection reads on until its last words have left",
  },
  {
    file: "src/connection/expel.ts",
    find: 'life.wind("killed", "local", undefined, message, code);\n',
    put: "",
    tests: ["tests/server/kill_test.ts"],
    why: "a peer that takes nothing holds off a reset for ever",
  },
  {
    file: "src/server/orders.ts",
    find: "options.reset ?? words === undefined",
    put: "options.reset ?? true",
    tests: ["tests/server/kill_test.ts"],
    why: "last words are reset away",
  },
  {
    file: "src/server/orders.ts",
    find: "    this.#parts.audited(complete);\n",
    put: "",
    tests: ["tests/server/kill_test.ts"],
    why: "nobody hears of an order",
  },
  {
    file: "src/server/live.ts",
    find: "for (const { vigil } of registry.sessions) vigil.retime();",
    put: "",
    tests: ["tests/server/live_limits_test.ts"],
    why: "open connections keep the waits that they began with",
  },
  {
    file: "src/connection/vigil.ts",
    find:
      "      this.lastRead =\n      this.lastWrite =\n      this.#frameBegun =\n        this.#wheel.now;\n",
    put: "",
    tests: ["tests/server/live_limits_test.ts"],
    why: "a silence that was allowed ends a connection when the limit falls",
  },
  {
    file: "src/server/live.ts",
    find: "handshakes?.limit(settings.maxHandshakes);\n",
    put: "",
    tests: ["tests/server/live_limits_test.ts"],
    why: "maxHandshakes stays what it was",
  },
  {
    file: admission,
    find: "for (const ip of present) this.entered(ip);",
    put: "",
    tests: ["tests/server/live_limits_test.ts"],
    why: "a new limit per address does not count who is here",
  },
  {
    file: "src/server/live.ts",
    find: "if (liveKeys.some((name) => name === key)) continue;",
    put: "continue;",
    tests: ["tests/server/live_limits_test.ts"],
    why: "an option that cannot change is accepted and ignored",
  },
];
