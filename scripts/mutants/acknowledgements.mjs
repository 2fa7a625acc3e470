/** Link acknowledgements: what is answered, in which order, how often, and what follows. */
const answers = "src/gateway/acknowledge/connection_acknowledger.ts";
const protocols = "src/gateway/acknowledge/link_protocols.ts";
const received = ["tests/gateway/acknowledge_test.ts"];
const stored = ["tests/gateway/acknowledge_stored_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: answers,
    find: "if (entry.verdict === undefined) break;",
    put: "if (entry.verdict === undefined) { this.#head++; continue; }",
    tests: stored,
    why: "answers overtake those of frames that are not stored yet",
  },
  {
    file: answers,
    find: "next.behind <= this.#taken;",
    put: "true;",
    tests: received,
    why: "a NAK overtakes the answers to frames in front of it",
  },
  {
    file: answers,
    find: "if (this.#naksInRow < maxNaks) return",
    put: "if (this.#naksInRow <= maxNaks) return",
    tests: received,
    why: "one NAK more than the maximum",
  },
  {
    file: answers,
    find: "this.#naksInRow = 0;",
    put: "",
    tests: received,
    why: "NAKs are counted that are not in a row",
  },
  {
    file: answers,
    find: "this.slow = wait.then(goOn, goOn);",
    put: "void wait.then(goOn, goOn);",
    tests: received,
    why: "reading goes on while the peer takes no answers",
  },
  {
    file: answers,
    find: 'verdict === "not stored" && onFailure === "close"',
    put: 'verdict === "not stored"',
    tests: stored,
    why: "a frame that is not stored ends its connection although it should go on",
  },
  {
    file: protocols,
    find: "is(frame, yes) || is(frame, no) ? undefined : ",
    put: "",
    tests: received,
    why: "an acknowledgement is acknowledged, without end where both sides do so",
  },
  {
    file: "src/gateway/traffic/ingress.ts",
    find: "await acks.answered();",
    put: "",
    tests: stored,
    why: "a connection closes before its last frames are answered",
  },
];
