import { equal } from "node:assert/strict";
import { test } from "node:test";
import { Pipeline } from "../../src/core/flow/pipeline.ts";
import { type Gate, GateReason, type PipelineOwner } from "../../src/core/flow/pipeline_owner.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { sharedWheel } from "../../src/core/time/timer_wheel.ts";
import { turnOf } from "../../src/core/time/turn.ts";
import type { Transport } from "../../src/core/transport.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

/** A pipeline whose transport only counts how often it is to read on. */
function gate(resumed: (gate: Gate) => void = () => {}) {
  const clock = new FakeClock();
  const time = { clock, wheel: sharedWheel(clock), turn: turnOf(clock) };
  const settings = { framing: raw(), rateLimit: undefined, looksAtHeads: false, reframable: false };
  let opened = 0;
  const transport = {
    resume: () => {
      opened++;
      resumed(it);
    },
  } as unknown as Transport;
  const owner = {} as PipelineOwner<Uint8Array>;
  const it = new Pipeline(transport, settings, { noteRead: () => {}, noteResumed: () => {} }, time, owner);
  return { it, opened: () => opened };
}

test("reading goes on when the last reason to stop is gone, and only then (F-41)", () => {
  const { it, opened } = gate();
  it.closeGate(GateReason.inbox);
  it.closeGate(GateReason.outbox);
  equal(it.gateReasons, GateReason.inbox | GateReason.outbox);
  it.openGate(GateReason.inbox);
  equal(opened(), 0);
  equal(it.gateReasons, GateReason.outbox);
  it.openGate(GateReason.outbox);
  equal(opened(), 1);
  equal(it.gateReasons, 0);
});

test("a reason counts once, however often it is given, and taking none away is nothing", () => {
  const { it, opened } = gate();
  it.openGate(GateReason.rate);
  equal(opened(), 0);
  it.closeGate(GateReason.rate);
  it.closeGate(GateReason.rate);
  it.openGate(GateReason.rate);
  it.openGate(GateReason.rate);
  equal(opened(), 1);
});

test("all reasons have a bit of their own", () => {
  const bits = Object.values(GateReason);
  equal(new Set(bits).size, bits.length);
  equal(bits.reduce((all, bit) => all | bit, 0), bits.reduce((all, bit) => all + bit, 0));
});

test("what comes is read on when it is only discarded, whatever the reasons were", () => {
  const { it, opened } = gate();
  it.closeGate(GateReason.inbox | GateReason.upgrade);
  it.discard();
  equal(opened(), 1);
  equal(it.gateReasons, 0);
  const open = gate();
  open.it.discard();
  equal(open.opened(), 0);
});

test("what is called may close it again", () => {
  let left = 2;
  const { it, opened } = gate((gate) => {
    if (left-- > 0) gate.closeGate(GateReason.inbox);
  });
  it.closeGate(GateReason.inbox);
  for (let i = 0; i < 5; i++) it.openGate(GateReason.inbox);
  equal(opened(), 3);
  equal(it.gateReasons, 0);
});
