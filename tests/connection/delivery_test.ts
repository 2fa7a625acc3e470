// How much is cut and kept for user code that has not asked for it, frame by frame.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Delivery, type DeliveryOwner } from "../../src/connection/delivery.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { framesAtOnce, Pipeline } from "../../src/core/flow/pipeline.ts";
import type { PipelineOwner } from "../../src/core/flow/pipeline_owner.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { Turn } from "../../src/core/time/turn.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { bytes } from "../support/frames.ts";

/** A pipeline as far as it is asked: what is behind, and whether it reads. */
const source = () => ({
  behind: false,
  isOpen: true,
  goOn() {},
  cutOff() {},
  closeGate() {
    this.isOpen = false;
  },
  openGate() {
    this.isOpen = true;
  },
});

function delivering(limit: number, deliver?: () => Promise<void> | void) {
  const owner: DeliveryOwner<string> = {
    deliver: deliver ?? (() => {}),
    userFailed: (error) => assert.fail(String(error)),
    released: () => {},
  };
  const from = source();
  return { delivery: new Delivery<string>(owner, from, deliver !== undefined, limit, false), from };
}

/** What a loop does. */
function asked(delivery: Delivery<string>) {
  delivery.asked();
  return delivery.inbox.next();
}

test("S-44: of chunks that wait there are never more than a thousand and some, however small they are", () => {
  const { delivery, from } = delivering(Infinity);
  let chunks = 0;
  while (from.isOpen && chunks < 5_000) {
    delivery.frame("");
    delivery.chunkDone(1);
    chunks++;
  }
  assert.equal(chunks, 1025);
});

test("ingressLimit is about what waits: what was taken counts no more (F-41)", async () => {
  const { delivery, from } = delivering(100);
  for (let round = 0; round < 5; round++) {
    delivery.frame("one");
    delivery.chunkDone(60);
    assert.equal(from.isOpen, true, `in round ${round}`);
    assert.equal((await asked(delivery)).value, "one");
    const next = asked(delivery);
    delivery.frame("two");
    assert.equal((await next).value, "two");
  }
  for (let chunk = 0; chunk < 2; chunk++) {
    delivery.frame("one");
    delivery.chunkDone(60);
  }
  assert.equal(from.isOpen, false);
});

test("S-57: a loop that is cut off before the rest of its frames hears of it, though the peer's FIN had come", async () => {
  const { delivery, from } = delivering(Infinity);
  from.behind = true;
  delivery.frame("one");
  delivery.chunkDone(100);
  delivery.end();
  const cause = new Error("dropped");
  delivery.refuse(cause);
  assert.equal((await asked(delivery)).value, "one");
  await assert.rejects(asked(delivery), cause);
});

test("S-44: a thousand and some frames are cut ahead of a loop, and none while onFrame holds back", () => {
  const loop = delivering(Infinity).delivery;
  let ahead = 1;
  while (loop.frame("") && ahead < 5_000) ahead++;
  assert.equal(ahead, 1024);
  const direct = delivering(Infinity, () => new Promise<void>(() => {})).delivery;
  assert.equal(direct.hungry, true);
  assert.equal(direct.frame(""), false);
  assert.equal(direct.hungry, false);
});

test("S-44: of one chunk no more frames are cut in one turn than are one connection's share", () => {
  const clock = new FakeClock();
  const time = { clock, wheel: new TimerWheel(clock), turn: new Turn(clock) };
  const owner: PipelineOwner<Uint8Array> = {
    delivery: { frame: () => true, hungry: true },
    firstFrame() {},
    chunkDone() {},
    skipped() {},
    otherProtocol() {},
    faulted: (error) => assert.fail(error.message),
    inputEnding() {},
    inputEnded() {},
    transportDrained() {},
    transportClosed() {},
  };
  const transport = { resume() {} } as ConstructorParameters<typeof Pipeline>[0];
  const settings = { framing: lines(), rateLimit: undefined, looksAtHeads: false, reframable: false };
  const pipeline = new Pipeline<Uint8Array>(
    transport,
    settings,
    { noteRead() {}, noteResumed() {} },
    time,
    owner,
  );
  const total = 3 * framesAtOnce;
  pipeline.data(bytes("\n".repeat(total)));
  assert.equal(pipeline.framesReceived, framesAtOnce);
  clock.advance(0);
  assert.equal(pipeline.framesReceived, total);
});
