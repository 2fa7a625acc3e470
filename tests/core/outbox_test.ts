// What waits to be sent, over a transport that takes what the test lets it take.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { LimitError } from "../../src/core/errors.ts";
import { delimited } from "../../src/core/framing/delimited.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
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

/** An outbox over a kernel that takes everything at once, of whose writes the lengths are noted. */
function counting<Sent>(framing: Framing<unknown, Sent>, offers: boolean) {
  const writes: number[] = [];
  const note = (chunk: Uint8Array): void => {
    writes.push(chunk.length);
    transport.taken += chunk.length;
  };
  const transport = {
    taken: 0,
    prompt: true,
    write(chunk: Uint8Array) {
      note(chunk);
      return true;
    },
    ...(offers && {
      offer(chunk: Uint8Array) {
        note(chunk);
        return chunk.length;
      },
    }),
  };
  const outbox = new Outbox<Sent>(
    transport as unknown as Transport,
    framing,
    1024 * 1024,
    "wait",
    new TimerWheel(new FakeClock()),
    { congested() {}, wrote() {}, emptied() {}, overflowed() {} },
  );
  return { outbox, writes };
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

describe("how frames leave", () => {
  const sizes = [1, 4080, 4095, 4096, 8192, 65_535, 65_536, 69_000, 131_072, 200_000];
  const framings = [
    ["lines", lines()],
    ["lines that end with two bytes", lines({ newline: "\r\n" })],
    ["frames between delimiters that come first", delimited({ delimiter: "--next--", position: "prefix" })],
    ["frames behind a length", lengthField({ lengthBytes: 4, strip: 4 })],
  ] as const;

  for (const offers of [false, true]) {
    const where = offers ? "where the kernel can be offered memory" : "where it cannot";
    for (const [what, framing] of framings) {
      it(`each frame leaves in one write, with all that stands around it: ${what}, ${where}`, () => {
        for (const size of sizes) {
          const { outbox, writes } = counting(framing, offers);
          for (let at = 0; at < 5; at++) {
            void outbox.send(frame(size));
            outbox.flush();
          }
          assert.equal(writes.length, 5, `${size} bytes: ${writes}`);
          assert.equal(outbox.framesSent, 5);
        }
      });
    }
  }

  it("each line of text leaves in one write with its end", () => {
    for (const size of [1, 2000, 8192, 65_536, 100_000, 200_000]) {
      const { outbox, writes } = counting(lines({ encoding: "utf-8" }), false);
      for (const text of ["x".repeat(size), "é".repeat(size)]) {
        void outbox.send(text);
        outbox.flush();
      }
      assert.deepEqual(writes, [size + 1, 2 * size + 1]);
    }
  });

  it("frames of one turn leave together, be they small or large", () => {
    for (const [size, count] of [[63, 60], [8192, 4], [65_536, 3]] as const) {
      const { outbox, writes } = counting(lines(), true);
      for (let at = 0; at < count; at++) void outbox.send(frame(size));
      outbox.flush();
      assert.deepEqual(writes, [(size + 1) * count]);
    }
  });

  it("every byte comes out in its place, whatever the sizes, and also behind a frame that was taken back", () => {
    const framing: Framing<unknown, Uint8Array> = {
      name: "tried",
      decoder: () => assert.fail(),
      encode(bytes, out) {
        for (const byte of bytes.subarray(0, 3)) out.byte(byte);
        out.bytes(bytes.subarray(3));
        if (bytes[0] === 255) throw new Error("refused");
      },
    };
    const got: Uint8Array[] = [];
    const sent: Uint8Array[] = [];
    const transport = {
      taken: 0,
      prompt: true,
      write(chunk: Uint8Array) {
        got.push(chunk.slice());
        transport.taken += chunk.length;
        return true;
      },
    };
    const outbox = new Outbox<Uint8Array>(
      transport as unknown as Transport,
      framing,
      8 * 1024 * 1024,
      "wait",
      new TimerWheel(new FakeClock()),
      { congested() {}, wrote() {}, emptied() {}, overflowed() {} },
    );
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let at = 0; at < 200; at++) {
      const size = 4 + random([20, 5000, 70_000, 300_000][random(4)]!);
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + at) % 251);
      const kind = random(4);
      if (kind === 0) {
        bytes[0] = 255;
        assert.throws(() => outbox.send(bytes), /refused/);
      } else if (kind === 1) {
        sent.push(bytes);
        outbox.sendEncoded(bytes);
      } else {
        sent.push(bytes.slice());
        void outbox.send(bytes);
        // The memory is the sender's again.
        bytes.fill(0);
      }
      if (random(5) === 0) outbox.flush();
    }
    outbox.flush();
    assert.ok(Buffer.concat(got).equals(Buffer.concat(sent)));
  });
});
