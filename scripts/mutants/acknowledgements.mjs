/** Link acknowledgements: what is answered, in which order, how often, and what follows. */
const answers = "src/gateway/acknowledge/connection_acknowledger.ts";
const protocols = "src/gateway/acknowledge/link_protocols.ts";
const received = ["tests/gateway/acknowledge_test.ts"];
const egress = ["tests/gateway/acknowledge_egress_test.ts"];
const sending = "src/gateway/acknowledge/confirmed_sending.ts";
const exchange = "src/gateway/acknowledge/exchange.ts";
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
    find: "is(frame, ack) || is(frame, nak) ? undefined : ",
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
  {
    file: sending,
    find: "repeats >= egress.repeats",
    put: "repeats > egress.repeats",
    tests: egress,
    why: "a message is sent once more than its maximum",
  },
  {
    file: sending,
    find: '() => exchange.forget("silent"), ms)',
    put: '() => exchange.forget("silent"), ms + 1)',
    tests: egress,
    why: "the wait for an acknowledgement is longer than it was set",
  },
  {
    file: sending,
    find: 'protocol.answer(frame, "taken") === undefined',
    put: "false",
    tests: egress,
    why: "an acknowledgement waits for one itself",
  },
  {
    file: exchange,
    find: "await before;",
    put: "",
    tests: egress,
    why: "two messages wait for the same answer",
  },
  {
    file: "src/gateway/traffic/ingress.ts",
    find: "acks?.exchange?.end();",
    put: "",
    tests: egress,
    why: "a message waits for the answer of a device that has said its last",
  },
];
