/** Devices by name: limits of what a name is, who keeps it, and what is told of it. */
const folder = "src/gateway/identity/";
const tests = ["tests/gateway/identity_test.ts"];
const ofSenders = ["tests/gateway/sender_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: `${folder}identity_rule.ts`,
    find: "trimmed.length > maxLength",
    put: "false",
    tests,
    why: "a name may be as long as a frame",
  },
  {
    file: `${folder}identity_rule.ts`,
    find: "return /\\p{Cc}/u.test(trimmed) ? undefined : trimmed;",
    put: "return trimmed;",
    tests,
    why: "a name may have control characters",
  },
  {
    file: `${folder}identities.ts`,
    find: "        this.#byConnection.delete(other.id);\n",
    put: "",
    tests,
    why: "a device that was replaced is told to be gone while it is connected",
  },
  {
    file: `${folder}identities.ts`,
    find: "    this.#missing++;\n",
    put: "",
    tests,
    why: "connections without a name are not counted",
  },
  {
    file: `${folder}identifying.ts`,
    find: "this.#timer = clock.setTimer(() => this.#refuse(reason), timeout);",
    put: "void reason;",
    tests,
    why: "a connection that never says who it is stays",
  },
  {
    file: "src/gateway/traffic/ingress.ts",
    find: "if (device.refused) break;",
    put: "",
    tests,
    why: "frames of a connection that was refused are published",
  },
  {
    file: "src/gateway/peer_metrics.ts",
    find: "this.#groups.size >= maxValues",
    put: "false",
    tests,
    why: "peers make the page of metrics grow",
  },
  {
    file: "src/gateway/traffic/peer_metadata.ts",
    find: "authorized ? certificate : undefined",
    put: "certificate",
    tests: ofSenders,
    why: "names of certificates that nobody has vouched for are passed on",
  },
  {
    file: "src/core/tls/x509.ts",
    find: "(?:, |\\+|$)/gsy",
    put: "/gs",
    tests: ofSenders,
    why: "a name within another attribute is taken for the common name",
  },
];
