/** Recordings of connections, and what plays them again. */
const recorder = "src/recording/recorder.ts";
const player = "src/recording/player.ts";
const comparison = "src/recording/comparison.ts";
const ofReplay = ["tests/recording/replay_test.ts"];
const ofRecordings = ["tests/recording/recording_test.ts"];
const ofCommands = ["tests/gateway/cli/record_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: recorder,
    find: "<= this.#maxBytes - lastLineBytes",
    put: "<= this.#maxBytes",
    tests: ofRecordings,
    why: "the line that says that a recording is full is over its maximum size",
  },
  {
    file: recorder,
    find: "if (this.#full) return;",
    put: "",
    tests: ofRecordings,
    why: "a full recording goes on growing",
  },
  {
    file: recorder,
    find: "if (!this.#closed) return this.#note(fields);",
    put: "return this.#note(fields);",
    tests: ofRecordings,
    why: "a connection that is closed is recorded further",
  },
  {
    file: "src/recording/recording_text.ts",
    find: 'const torn = last !== "" && objectIn(last) === undefined;',
    put: "const torn = false;",
    tests: ofRecordings,
    why: "what was recorded by one that was killed cannot be read",
  },
  {
    file: player,
    find: "if (answered && !await this.#answered(expected, end)) return;",
    put: "",
    tests: ofReplay,
    why: "a chunk is sent before the answer that it followed",
  },
  {
    file: player,
    find: "playedAt = Math.max(playedAt, this.#lastReceived);",
    put: "",
    tests: ofReplay,
    why: "a pause counts from the question and not from the answer",
  },
  {
    file: player,
    find: "if (!woken && this.#moved === before) break;",
    put: "if (!woken) break;",
    tests: ofReplay,
    why: "what only moves slowly counts as silence",
  },
  {
    file: comparison,
    find: "if (!this.#open) this.differsAt = this.receivedBytes + from;",
    put: "",
    tests: ofReplay,
    why: "more bytes than were recorded count as the same",
  },
  {
    file: "src/host/private_file.ts",
    find: "if (replace) await handle.chmod(0o600);",
    put: "",
    tests: ofCommands,
    why: "a file that is replaced stays readable by others",
  },
  {
    file: "src/host/private_file.ts",
    find: "if (this.#waiting.length > mostWaiting)",
    put: "if (this.#waiting.length > Infinity)",
    tests: ofCommands,
    why: "what waits for a slow disk grows without end",
  },
  {
    file: "src/gateway/recording_proxy.ts",
    find: 'if (reason === "peer_reset") record.reset(side);',
    put: "",
    tests: ofCommands,
    why: "a reset is not recorded",
  },
];
