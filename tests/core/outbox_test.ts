// What waits to be sent, over a transport that takes what the test lets it take.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LimitError } from "../../src/core/errors.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { Outbox } from "../../src/core/flow/outbox.ts";
import type { EgressPolicy } from "../../src/core/flow/outcome.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import type { Transport } from "../../src/core/transport.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

/** An outbox over a kernel that is full; `take` empties the transport once. */
function full(policy: EgressPolicy, limit: number) {
  const held: number[] = [];
  const transport = {
    taken: 0,
    prompt: true,
    write(chunk: Uint8Array) {
      held.push(chunk.length);
      return false;
    },
  };
  const congested: boolean[] = [];
  const outbox = new Outbox<Uint8Array>(
    transport as unknown as Transport,
    raw(),
    limit,
    policy,
    new TimerWheel(new FakeClock()),
    { congested: (on) => void congested.push(on), wrote() {}, emptied() {}, overflowed() {} },
  );
  const take = (): void => {
    transport.taken += held.splice(0).reduce((sum, length) => sum + length, 0);
    outbox.drained();
  };
  return { outbox, congested, take };
}

const frame = (length: number): Uint8Array => new Uint8Array(length);

describe("what waits to be sent", () => {
  it("S-13: reading goes on once half of the limit is free, and not only when all has gone (F-42)", async () => {
    const { outbox, congested, take } = full("wait", 300_000);
    void outbox.send(frame(200_000));
    outbox.flush();
    const room = outbox.send(frame(120_000));
    assert.ok(room instanceof Promise);
    assert.deepEqual(congested, [true]);
    take();
    await room;
    assert.equal(outbox.pending, 120_000);
    assert.deepEqual(congested, [true, false]);
  });

  it("S-13: frames that were dropped are counted while others still wait (F-42, F-67)", () => {
    const { outbox, take } = full("drop-oldest", 1_000);
    void outbox.send(frame(500));
    outbox.flush();
    for (let at = 0; at < 5; at++) void outbox.send(frame(250));
    assert.equal(outbox.framesDropped, 3);
    assert.equal(outbox.framesPending, 3);
    take();
    take();
    assert.equal(outbox.framesSent, 3);
    assert.equal(outbox.framesDropped, 3);
  });

  it("S-53: frames that had waited apart are still told as pending when it has closed", () => {
    const { outbox } = full("drop-oldest", 1_000);
    void outbox.send(frame(500));
    outbox.flush();
    for (let at = 0; at < 5; at++) void outbox.send(frame(250));
    outbox.close(() => new LimitError("egress", 0, "over"));
    assert.deepEqual([outbox.framesPending, outbox.framesDropped], [3, 3]);
    assert.equal(outbox.pending, 1_000);
  });
});
