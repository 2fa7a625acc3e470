/** The window of messages on their way into a store: order, bounds, failures of every kind (F-58, F-76). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import fc from "fast-check";
import type { BusMessage } from "../../../src/gateway/buses/bus.ts";
import { PublishWindow, type Sending, type WindowOwner } from "../../../src/gateway/buses/publish_window.ts";
import { BusError } from "../../../src/gateway/errors.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { it } from "../../support/it.ts";

const gone = new BusError("disconnected", "gone");
const message = (text: string, bytes = 1): BusMessage => ({
  subject: text,
  payload: new Uint8Array(bytes),
  metadata: {},
});

/** A window, and a store that takes what the test lets through. */
class Rig implements WindowOwner {
  readonly clock = new FakeClock();
  readonly window: PublishWindow;
  /** What was sent and has no answer. */
  sent: Sending[] = [];
  /** What the store has, in its order, each once. */
  readonly store: string[] = [];
  readonly known: Set<string> = new Set();
  readonly events: string[] = [];
  /** What the window is told of ids that the store has. */
  asked: ReadonlySet<number> = new Set();
  refuses: string | undefined = undefined;

  constructor(messages = 4, bytes = 1_000) {
    this.window = new PublishWindow(this, { messages, bytes });
  }

  send(sending: Sending): void {
    if (sending.id === this.refuses) throw new BusError("rejected", "never");
    this.sent.push(sending);
  }

  stored(unconfirmed: readonly Sending[]): Promise<ReadonlySet<number>> {
    this.events.push(`asked ${unconfirmed.map(({ id }) => id).join()}`);
    return Promise.resolve(this.asked);
  }

  stopped(): void {
    this.events.push("stopped");
  }

  resumed(): void {
    this.events.push("resumed");
  }

  unanswered(): BusError {
    return new BusError("timeout", "late");
  }

  push(...ids: string[]): (void | Promise<void>)[] {
    return ids.map((id) =>
      this.window.push(message(id), id, {
        stored: () => void this.events.push(`stored ${id}`),
        failed: (_, { message }) => void this.events.push(`failed ${id} ${message}`),
      })
    );
  }

  /** The store takes the next one that was sent, and answers unless its answer is lost. */
  take(answer = true): void {
    const { id, number } = this.sent.shift()!;
    const duplicate = this.known.has(id);
    if (!duplicate) this.store.push(id);
    this.known.add(id);
    if (answer) this.window.confirm(number, duplicate);
  }

  fail(): void {
    this.window.fail(this.sent.shift()!.number, gone, false);
  }

  get ids(): string {
    return this.sent.map(({ id }) => id).join("");
  }
}

const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};

describe("the window of a stream", () => {
  it("sends up to its limit, asks publishers to wait there, and lets them go on at half (F-58)", async () => {
    const rig = new Rig(4);
    const waits = rig.push("a", "b", "c", "d", "e");
    assert.deepEqual(waits.map((wait) => wait !== undefined), [false, false, false, true, true]);
    assert.equal(rig.ids, "abcd");
    let released = false;
    void waits[3]!.then(() => released = true);
    rig.take();
    rig.take();
    await turns();
    assert.deepEqual([rig.ids, released], ["cde", false]);
    rig.take();
    await turns();
    assert.equal(released, true);
  });

  it("counts bytes as well (F-58)", () => {
    const rig = new Rig(100, 10);
    assert.equal(rig.window.push(message("a", 9), "a", undefined), undefined);
    assert.ok(rig.window.push(message("b", 1), "b", undefined) instanceof Promise);
  });

  it("stops on a failure, waits for what was sent, probes with one, and goes on in order (F-76)", async () => {
    const rig = new Rig();
    rig.push("a", "b", "c");
    rig.fail();
    rig.push("d");
    rig.fail();
    assert.equal(rig.ids, "c");
    rig.fail();
    assert.equal(rig.ids, "");
    rig.clock.advance(99);
    await turns();
    assert.equal(rig.ids, "");
    rig.clock.advance(1);
    await turns();
    assert.equal(rig.ids, "a");
    rig.take();
    assert.equal(rig.ids, "bcd");
    for (let n = 0; n < 3; n++) rig.take();
    assert.deepEqual(rig.store, ["a", "b", "c", "d"]);
    assert.deepEqual(rig.events.slice(0, 3), ["stopped", "asked a,b,c", "stored a"]);
    assert.equal(rig.window.size, 0);
    assert.equal(rig.clock.pendingTimers, 0);
  });

  it("doubles its pause while the probe fails, up to five seconds (F-58)", async () => {
    const rig = new Rig();
    rig.push("a");
    rig.fail();
    const pauses: number[] = [];
    for (let probe = 0; probe < 9; probe++) {
      let ms = 0;
      for (; rig.sent.length === 0; ms += 100) {
        rig.clock.advance(100);
        await turns();
      }
      pauses.push(ms);
      rig.fail();
    }
    assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  });

  it("stops at once when the way is gone, and sends nothing before it is back (F-58)", async () => {
    const rig = new Rig();
    rig.push("a", "b");
    rig.take(false);
    rig.window.down(gone);
    rig.sent = [];
    rig.push("c");
    rig.clock.advance(60_000);
    await turns();
    assert.equal(rig.ids, "");
    rig.window.up();
    await turns();
    assert.equal(rig.ids, "a");
    rig.take();
    while (rig.sent.length > 0) rig.take();
    assert.deepEqual([rig.store, rig.window.duplicates], [["a", "b", "c"], 1]);
  });

  it("sends nothing again that the store says it has (F-76)", async () => {
    const rig = new Rig();
    rig.push("a", "b", "c");
    const [first, second] = rig.sent;
    rig.window.down(gone);
    rig.sent = [];
    rig.asked = new Set([first!.number, second!.number]);
    rig.window.up();
    await turns();
    assert.equal(rig.ids, "c");
    assert.deepEqual(rig.events.slice(-2), ["stored a", "stored b"]);
  });

  it("takes silence for a failure after five seconds without an answer, and answers put that off (F-58)", async () => {
    const rig = new Rig();
    rig.push("a", "b");
    rig.clock.advance(4_000);
    rig.take();
    rig.clock.advance(4_999);
    assert.deepEqual(rig.events, ["stored a"]);
    rig.clock.advance(1);
    assert.deepEqual(rig.events, ["stored a", "stopped"]);
    // An answer that comes late counts all the same.
    rig.take();
    assert.deepEqual(rig.events.at(-1), "stored b");
    rig.clock.advance(100);
    await turns();
    rig.push("c");
    assert.equal(rig.ids, "c");
  });

  it("leaves out what can never be stored, says so, and goes on (F-58)", () => {
    const rig = new Rig();
    rig.refuses = "b";
    rig.push("a", "b", "c");
    assert.equal(rig.ids, "ac");
    rig.window.fail(rig.sent.shift()!.number, new BusError("rejected", "too large"), true);
    assert.deepEqual(rig.events, ["failed b never", "failed a too large"]);
    rig.take();
    assert.deepEqual(rig.store, ["c"]);
  });

  it("fails what is left when it is closed, each once, and nothing later (F-58)", async () => {
    const rig = new Rig();
    rig.push("a", "b");
    rig.take();
    rig.window.close(new BusError("closed", "closed"));
    rig.window.close(new BusError("closed", "closed"));
    rig.take();
    await rig.window.idle();
    assert.deepEqual(rig.events, ["stored a", "failed b closed"]);
    assert.equal(rig.clock.pendingTimers, 0);
  });

  it("whatever fails, the store has each message once and in order (F-58, F-76)", async () => {
    const step = fc.constantFrom("push", "push", "take", "take", "lose", "fail", "down", "up", "time");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const rig = new Rig(5);
        let pushed = 0, up = true;
        for (const what of [...steps, "up"]) {
          if (what === "push") rig.push(String(pushed++));
          // What a server has not taken when it goes, it will never take.
          else if (what === "take" && up && rig.sent.length > 0) rig.take();
          else if (what === "lose" && up && rig.sent.length > 0) {
            rig.take(false);
            rig.window.down(gone);
            rig.sent = [];
            up = false;
          } else if (what === "fail" && up && rig.sent.length > 0) {
            // A stream that has no leader takes none of those that are on their way.
            while (rig.sent.length > 0) rig.fail();
          } else if (what === "down" && up) {
            rig.window.down(gone);
            rig.sent = [];
            up = false;
          } else if (what === "up" && !up) {
            rig.window.up();
            up = true;
          } else if (what === "time") rig.clock.advance(200);
          await turns();
        }
        for (let n = 0; n < 1_000 && rig.window.size > 0; n++) {
          if (rig.sent.length > 0) rig.take();
          else rig.clock.advance(1_000);
          await turns();
        }
        assert.deepEqual(rig.store, Array.from({ length: pushed }, (_, n) => String(n)));
        assert.equal(rig.window.size, 0);
        assert.equal(rig.window.stored, pushed);
      }),
      { numRuns: 300 },
    );
  });
});
