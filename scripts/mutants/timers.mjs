/** Waits: idle times, frames that have begun, keepalives, closing, the wheel behind all of them. */
const vigil = "src/connection/vigil.ts";
const idleWatchdog = "src/core/streams/idle_watchdog.ts";
const keepaliveWriter = "src/core/streams/keepalive_writer.ts";
const departure = "src/connection/departure.ts";
const wheel = "src/core/time/timer_wheel.ts";
const ofVigil = ["tests/connection/vigil_test.ts", "tests/server/time_test.ts"];
const ofDeparture = [
  "tests/connection/departure_test.ts",
  "tests/server/slow_reader_test.ts",
  "tests/server/half_close_test.ts",
  "tests/server/time_test.ts",
];
const ofWheel = ["tests/core/timer_wheel_test.ts", "tests/connection/vigil_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: vigil,
    find: "    this.lastRead = this.#wheel.now;\n  }",
    put: "  }",
    tests: ofVigil,
    why: "bytes that come do not put off the idle time",
  },
  {
    file: vigil,
    find: "    this.#lastWrite = this.#wheel.now;\n  }",
    put: "  }",
    tests: ofVigil,
    why: "bytes that go do not put off the idle time",
  },
  {
    file: idleWatchdog,
    find: "Math.max(lastRead, lastWrite)",
    put: "Math.min(lastRead, lastWrite)",
    tests: ofVigil,
    why: "one direction alone counts as idle",
  },
  {
    file: vigil,
    find: "  firstFrameCame(): void {\n    this.#firstFrameOwed = false;",
    put: "  firstFrameCame(): void {",
    tests: ofVigil,
    why: "the first frame does not end the wait for it",
  },
  {
    file: vigil,
    find: "if (!partial) {\n      this.#partialAfter = noFrame;\n      return;",
    put: "if (!partial) {\n      return;",
    tests: ofVigil,
    why: "a frame that is complete is still timed",
  },
  {
    file: vigil,
    find: "if (this.#partialAfter === framesReceived || !this.#watching",
    put: "if (!this.#watching",
    tests: ofVigil,
    why: "each byte of a frame begins its time anew",
  },
  {
    file: vigil,
    find: "if (this.#owner.busy) this.#excuse(now);",
    put: "",
    tests: ofVigil,
    why: "a slow handler counts as the peer's silence",
  },
  {
    file: vigil,
    find: "if (this.#owner.busy) this.#excuse(now);",
    put: "this.#excuse(now);",
    tests: ofVigil,
    why: "silence is always excused",
  },
  {
    file: vigil,
    find: "if (this.#firstFrameOwed) this.#started = now;",
    put: "",
    tests: ofVigil,
    why: "the first frame's time runs while we do not read",
  },
  {
    file: vigil,
    find: "    this.#frameBegun = now;\n    if",
    put: "    if",
    tests: ofVigil,
    why: "a frame's time runs while we do not read",
  },
  {
    file: vigil,
    find: "if (owing && taken !== this.#taken) this.#lastWrite = now;",
    put: "",
    tests: [...ofVigil, "tests/server/slow_reader_test.ts"],
    why: "a peer that takes bytes of one long write counts as silent",
  },
  {
    file: vigil,
    find: "now, !this.#inputOver);",
    put: "now);",
    tests: ofVigil,
    why: "a peer that has ended is asked for bytes",
  },
  {
    file: keepaliveWriter,
    find: ", lastKeepalive + interval - now",
    put: "",
    tests: ofVigil,
    why: "keepalives are sent in every look when nothing is written",
  },
  {
    file: keepaliveWriter,
    find: "wheel.left(lastWrite, interval, now), ",
    put: "",
    tests: ofVigil,
    why: "keepalives are sent on a connection that writes",
  },
  {
    file: vigil,
    find: "      this.#inputOver ? Infinity : readIdle,\n      writeIdle,",
    put: "      writeIdle,",
    tests: [...ofVigil, "tests/server/half_close_test.ts"],
    why: "the tick of the wheel does not know the shortest wait",
  },
  {
    file: "src/connection/session.ts",
    find: "if (this.#life?.leaving || this.outbox.pending > 0) return;",
    put: "if (this.#life?.leaving) return;",
    tests: [...ofVigil, "tests/server/rates_held_test.ts"],
    why: "keepalives pile up behind a slow peer",
  },
  {
    file: "src/connection/session.ts",
    find: 'if (this.state === "closing" && error.reason !== "idle") return;',
    put: "",
    tests: [...ofVigil, "tests/server/rates_held_test.ts"],
    why: "a connection that closes is ended for the silence of one side",
  },
  {
    file: departure,
    find: "if (taken !== this.#taken || handled !== this.#handled) {",
    put: "if (handled !== this.#handled) {",
    tests: ofDeparture,
    why: "bytes that the kernel takes are no progress",
  },
  {
    file: departure,
    find: "if (taken !== this.#taken || handled !== this.#handled) {",
    put: "if (taken !== this.#taken) {",
    tests: ofDeparture,
    why: "frames that the handler takes are no progress",
  },
  {
    file: departure,
    find: "return now - this.#lingeringSince < allowed;",
    put: "return true;",
    tests: ofDeparture,
    why: "a trickle holds a connection for ever",
  },
  {
    file: departure,
    find: "if (!this.#lingering || !this.#patient) return false;",
    put: "if (!this.#lingering) return false;",
    tests: ofDeparture,
    why: "a peer that let its time pass is waited for again",
  },
  {
    file: departure,
    find: "if (this.finSent && this.#lingering) this.#departing.transport.release();\n    else this.#late();",
    put: "this.#late();",
    tests: ofDeparture,
    why: "lingering ends in a reset",
  },
  {
    file: departure,
    find: "if (this.#lingering) this.#wait(this.#departing.profile.linger);",
    put: "",
    tests: ofDeparture,
    why: "nothing limits the wait for the peer's FIN",
  },
  {
    file: departure,
    find: "this.#wait(this.#departing.profile.close);",
    put: "",
    tests: ofDeparture,
    why: "closeTimeout does nothing",
  },
  {
    file: wheel,
    find: "return 2 * this.#rings[this.#ringFor(ms)]!.tick;",
    put: "return 0;",
    tests: ofWheel,
    why: "waits end before they have fully passed",
  },
  {
    file: wheel,
    find: "      time = this.now + tick;\n",
    put: "",
    tests: [...ofWheel, "tests/server/time_test.ts"],
    why: "a stall of the process counts as time that has passed",
  },
  {
    file: wheel,
    find: "if (entry.wheelSlot < (tick + 1) * ringNumbers) {",
    put: "{",
    tests: ofWheel,
    why: "what comes round later is due in the first round",
  },
];
