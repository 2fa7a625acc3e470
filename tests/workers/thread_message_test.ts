// Messages between threads, and the transport that is made of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageWriter, Op, readMessage } from "../../src/workers/thread_message.ts";
import { WorkerTransport } from "../../src/workers/worker_transport.ts";

type Taken = readonly [op: number, id: number, value: number, what: unknown];

/** What the other thread gets, as structured cloning hands it over. */
function sent(writer: MessageWriter): readonly Taken[] {
  const taken: Taken[] = [];
  writer.flush((message, transfer) =>
    readMessage(structuredClone(message, { transfer }), (...record) => void taken.push(record))
  );
  return taken;
}

test("records of a message arrive in order: numbers, bytes of any size and objects (F-48)", () => {
  const writer = new MessageWriter();
  const sizes = [0, 1, 100, 5_000, 16_383, 16_384, 100_000];
  for (const [at, size] of sizes.entries()) {
    writer.bytes(Op.data, at, new Uint8Array(size).fill(at + 1), true);
    writer.record(Op.taken, at, 4_000_000_000);
    writer.object(Op.open, at, { id: `connection ${at}` });
  }
  assert.ok(writer.length > 100_000);
  assert.deepEqual(
    sent(writer).map(([op, id, value, what]) => op === Op.taken ? [op, id, value] : [op, id, what]),
    sizes.flatMap((size, at) => [
      [Op.data, at, new Uint8Array(size).fill(at + 1)],
      [Op.taken, at, 4_000_000_000],
      [Op.open, at, { id: `connection ${at}` }],
    ]),
  );
  assert.deepEqual(sent(writer), [], "nothing is told twice");
});

test("memory is given away only where nothing else is in it, and it is ours (F-48)", () => {
  const [whole, lent, part] = [new Uint8Array(20_000), new Uint8Array(20_000), new Uint8Array(40_000)];
  const writer = new MessageWriter();
  writer.bytes(Op.data, 1, whole, true);
  writer.bytes(Op.data, 2, lent, false);
  writer.bytes(Op.data, 3, part.subarray(5, 20_005), true);
  const lengths = sent(writer).map(([, , , what]) => (what as Uint8Array).length);
  assert.deepEqual(lengths, [20_000, 20_000, 20_000]);
  assert.deepEqual([whole.length, lent.length, part.length], [0, 20_000, 40_000]);
});

test("what the user's code posts says nothing to the other side (F-48)", () => {
  for (const message of ["hello", undefined, { op: 1 }, [], ["x"], new Uint8Array(9)]) {
    readMessage(message, () => assert.fail("a record was found"));
  }
});

test("a worker's transport drains when the kernel has taken all that was written, and not before (F-48)", () => {
  let drained = 0;
  const peer = { ip: "192.0.2.1", port: 1, local: { transport: "tcp", host: "192.0.2.2", port: 2 } } as const;
  const owner = { writer: new MessageWriter(), join: () => {}, forget: () => {} };
  const transport = new WorkerTransport(1, peer, "id", owner);
  transport.start({ data: () => true, drain: () => void drained++, end: () => {}, close: () => {} });
  assert.equal(transport.write(new Uint8Array(100)), false);
  transport.takes(40);
  assert.deepEqual([transport.taken, drained], [40, 0]);
  transport.takes(60);
  assert.deepEqual([transport.taken, drained], [100, 1]);
});
