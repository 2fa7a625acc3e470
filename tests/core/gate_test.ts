import { equal } from "node:assert/strict";
import { test } from "node:test";
import { Gate, GateReason } from "../../src/core/flow/gate.ts";

function gate(): { gate: Gate; opened: () => number } {
  let opened = 0;
  return { gate: new Gate({ resume: () => void opened++ }), opened: () => opened };
}

test("reading goes on when the last holder lets go, and only then (F-41)", () => {
  const { gate: it, opened } = gate();
  it.close(GateReason.inbox);
  it.close(GateReason.outbox);
  equal(it.isOpen, false);
  equal(it.reasons, GateReason.inbox | GateReason.outbox);
  it.open(GateReason.inbox);
  equal(opened(), 0);
  equal(it.isOpen, false);
  it.open(GateReason.outbox);
  equal(opened(), 1);
  equal(it.isOpen, true);
});

test("a holder holds once, however often it closes, and letting go of nothing is nothing", () => {
  const { gate: it, opened } = gate();
  it.open(GateReason.rate);
  equal(opened(), 0);
  it.close(GateReason.rate);
  it.close(GateReason.rate);
  it.open(GateReason.rate);
  it.open(GateReason.rate);
  equal(opened(), 1);
});

test("all holders have a bit of their own", () => {
  const bits = Object.values(GateReason);
  equal(new Set(bits).size, bits.length);
  equal(bits.reduce((all, bit) => all | bit, 0), bits.reduce((all, bit) => all + bit, 0));
});

test("opening all is opening once, and none when it is open", () => {
  const { gate: it, opened } = gate();
  it.openAll();
  equal(opened(), 0);
  it.close(GateReason.inbox | GateReason.suspended);
  it.openAll();
  equal(opened(), 1);
  equal(it.reasons, 0);
});

test("what is called may close it again", () => {
  let opened = 0;
  const it: Gate = new Gate({
    resume() {
      if (++opened < 3) it.close(GateReason.inbox);
    },
  });
  it.close(GateReason.inbox);
  for (let i = 0; i < 5; i++) it.open(GateReason.inbox);
  equal(opened, 3);
  equal(it.isOpen, true);
});
