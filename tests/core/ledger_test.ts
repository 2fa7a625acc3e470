// Frames on their way: which are whole in the kernel, and whose outcome is due.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SocketError } from "../../src/core/errors.ts";
import { Ledger } from "../../src/core/flow/ledger.ts";
import { pattern } from "../contract/rig.ts";

test("S-54: for every length of a frame and every place where the kernel stops, the frames that it has whole are counted", () => {
  const lengths = [0, 1, 127, 128, 0, 129, 16_383, 16_384, 2_097_152, 3, 5_000_000_000, 0];
  const ends = lengths.map((_, at) => lengths.slice(0, at + 1).reduce((sum, length) => sum + length, 0));
  const stops = new Set([0, ...ends.flatMap((end) => [end - 1, end, end + 1])].filter((stop) => stop >= 0));
  for (const stop of [...stops].filter((stop) => stop <= ends.at(-1)!)) {
    const ledger = new Ledger();
    ledger.begin(1_000);
    lengths.forEach((length) => ledger.add(length, undefined));
    const whole = ends.filter((end) => end <= stop).length;
    assert.equal(ledger.takenTo(1_000 + stop), whole, `stopped at ${stop}`);
    assert.equal(ledger.frames, lengths.length - whole);
  }
});

test("S-54: through a queue that never empties, frames and outcomes are counted alike, and memory does not grow with what has passed", () => {
  const random = pattern(300_000);
  const ledger = new Ledger();
  ledger.begin(0);
  let [end, position, counted, told] = [0, 0, 0, 0];
  for (let at = 0; at < random.length; at++) {
    const length = at % 1_000 === 0 ? 100_000 : random[at]! * 3;
    ledger.add(length, () => told++);
    end += length;
    position = Math.max(position, end - 50_000);
    counted += ledger.takenTo(position);
    ledger.settle(position);
    assert.equal(told, counted);
  }
  assert.ok(ledger.frames > 0);
  assert.equal(counted + ledger.frames, random.length);
  assert.equal(ledger.takenTo(end), random.length - counted);
});

test("S-54: who waits when it is over hears whether its frame can have reached the kernel", () => {
  const ledger = new Ledger();
  ledger.begin(0);
  const outcomes: string[] = [];
  for (const name of ["whole", "part", "none"]) {
    ledger.add(10, (outcome) => {
      outcomes.push(`${name} ${outcome.status} ${outcome.status === "failed" ? outcome.kernel : ""}`);
    });
  }
  ledger.takenTo(12);
  ledger.settle(12);
  ledger.fail(20, () => new SocketError("closed", "gone"));
  ledger.fail(20, () => new SocketError("closed", "gone"));
  assert.deepEqual(outcomes, ["whole sent ", "part failed unknown", "none failed none"]);
});
