// Very many connections at once: what is done to all of them is done in slices, between which others are served.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { lines } from "../../src/core/framing/lines.ts";
import { inSlices, sliceSize } from "../../src/core/time/slices.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { echo, rejection } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8" });
const many = 4 * sliceSize + 1;

/** Counts calls, and how many of them came in one turn: a timer of no time at all moves between any two slices. */
class Turns {
  readonly calls: number[] = [];
  #turn = 0;

  start(clock: FakeClock): void {
    const next = (): void => {
      this.#turn++;
      if (this.#turn < 1_000) clock.setTimer(next, 0);
    };
    clock.setTimer(next, 0);
  }

  readonly note = (): void => {
    this.calls[this.#turn] = (this.calls[this.#turn] ?? 0) + 1;
  };

  check(total: number): void {
    const counts = Object.values(this.calls);
    assert.equal(counts.reduce((sum, count) => sum + count, 0), total);
    assert.ok(Math.max(...counts) <= sliceSize, `${Math.max(...counts)} in one turn`);
  }
}

/** A crowded server, and another one whose peer is answered meanwhile. */
async function crowd(t: TestContext, hooks: { onDrain?: () => void; onDisconnect?: () => void }) {
  const place = new Virtual(t);
  const server = await place.serve({ framing: utf8, handler: echo, maxConnections: 2 * many, ...hooks });
  const other = await place.serve({ framing: utf8, handler: echo });
  const peers = await place.dialMany(server, many);
  const peer = await place.dial(other);
  await place.settle();
  assert.equal(server.connections.size, many);
  return { place, server, peers, peer };
}

test("S-65: work in slices does a slice in a turn, in order, and ends where one of them throws", () => {
  const clock = new FakeClock();
  const done: number[] = [];
  let over = false;
  inSlices(clock, [1, 2, 3, 4, 5], (item) => void done.push(item), () => over = true, 2);
  assert.deepEqual(done, [1, 2]);
  clock.advance(0);
  assert.deepEqual([done, over], [[1, 2, 3, 4, 5], true]);
  let ended = 0;
  inSlices(clock, [], () => assert.fail(), () => ended++);
  assert.equal(ended, 1);
  let failure: unknown;
  const throwing = (item: number): void => {
    if (item === 2) throw new Error("two");
  };
  inSlices(clock, [1, 2, 3], throwing, (error) => failure = error, 1);
  clock.advance(0);
  assert.match(String(failure), /two/);
  assert.equal(clock.pendingTimers, 0);
});

test("S-65: a drain tells a slice of the connections in a turn, and others are answered before all are told (F-18)", async (t) => {
  const turns = new Turns();
  let told = 0;
  const { place, server, peers, peer } = await crowd(t, {
    onDrain: () => {
      turns.note();
      if (++told === 1) peer.write("served?\n");
      if (told === many) answeredBefore = peer.text;
    },
  });
  let answeredBefore = "";
  turns.start(place.clock);
  const report = server.close();
  await place.settle();
  turns.check(many);
  assert.equal(answeredBefore, "served?\n");
  assert.equal(peers.filter(({ ended }) => ended).length, many);
  for (const one of peers) one.end();
  assert.equal((await place.drive(report)).drained, many);
});

test("S-65: close() destroys a slice of the connections in a turn, all of them in the end (F-19)", async (t) => {
  const turns = new Turns();
  const { place, server } = await crowd(t, { onDisconnect: () => turns.note() });
  turns.start(place.clock);
  const report = await place.drive(server.destroy());
  turns.check(many);
  assert.equal(report.destroyed.length, many);
  assert.equal(new Set(report.destroyed).size, many);
  assert.deepEqual(server.stats().closedByReason, { shutdown: many });
  assert.equal(await rejection(server.close()) instanceof Error, true);
});
