// The contract, writing: true, false, drain, and whose memory it is.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Probe } from "./probe.ts";
import { ascii, firstDifference, pattern, Rig, type Subject } from "./rig.ts";
import { it } from "../support/it.ts";

const megabyte = 1 << 20;

/** Writes in pieces, as the drains allow, and ends. */
function pump(probe: Probe, bytes: Uint8Array, piece: number): void {
  let at = 0;
  const more = (): void => {
    while (at < bytes.length) {
      const chunk = bytes.subarray(at, at + piece);
      at += chunk.length;
      if (!probe.transport.write(chunk)) return;
    }
    probe.transport.end();
  };
  probe.onDrain = more;
  more();
}

export function writing(subject: Subject): void {
  describe("writing", () => {
    it("tells a drain for a write that returned false, and none for one that returned true", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      for (let i = 0; i < 50; i++) {
        const taken = client.transport.write(ascii("hello"));
        await server.received(5 * i + 5);
        await rig.fence();
        assert.equal(client.drains, taken ? 0 : 1);
        client.drains = 0;
      }
    });

    it("takes an empty chunk for nothing", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      assert.equal(client.transport.write(new Uint8Array(0)), true);
      await rig.fence();
      assert.equal(client.drains, 0);
      client.transport.write(ascii("x"));
      client.transport.write(new Uint8Array(0));
      client.transport.end();
      await server.ended();
      assert.equal(server.text, "x");
    });

    it("takes a big chunk whole, returns false, and tells drain once when the kernel has it", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      const sent = pattern(16 * megabyte);
      assert.equal(client.transport.write(sent), false);
      assert.equal(client.transport.write(ascii("and")), false, "true although bytes are held");
      assert.equal(client.transport.write(new Uint8Array(0)), false, "true although bytes are held");
      assert.equal(client.transport.write(ascii("more")), false, "true although bytes are held");
      assert.equal(client.drains, 0, "drain came from inside write");
      await client.drained();
      await server.received(sent.length + 7);
      await rig.fence();
      assert.equal(client.drains, 1);
      assert.equal(firstDifference(server.content.subarray(0, sent.length), sent), -1);
      assert.equal(server.text.slice(-7), "andmore");
      assert.equal(client.transport.write(new Uint8Array(0)), true, "false although the kernel has it all");
    });

    it("S-43: counts what the kernel has taken, also of a write that it has taken in part", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      let reading = false;
      server.onData = () => reading;
      client.start();
      server.start();
      assert.equal(client.transport.taken, 0);
      if (!client.transport.write(ascii("hello"))) await client.drained();
      assert.equal(client.transport.taken, 5);
      await server.received(1);
      const total = 5 + 16 * megabyte;
      client.drains = 0;
      assert.equal(client.transport.write(pattern(16 * megabyte)), false);
      const counts: number[] = [];
      server.onData = () => {
        const { taken } = client.transport;
        if (taken !== counts.at(-1)) counts.push(taken);
        return reading;
      };
      reading = true;
      server.transport.resume();
      await server.received(total);
      if (client.drains === 0) await client.drained();
      assert.equal(client.transport.taken, total);
      const within = counts.filter((taken) => taken > 5 && taken < total);
      assert.ok(within.length >= 1, `${within.length} readings show that it goes on: ${counts.join()}`);
      assert.deepEqual(counts, counts.toSorted((one, other) => one - other));
    });

    it("is done with a chunk's memory when write returned true, or at drain", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      const sent = pattern(8 * megabyte);
      const buffer = new Uint8Array(100_000);
      for (let at = 0; at < sent.length; at += buffer.length) {
        const part = sent.subarray(at, at + buffer.length);
        buffer.set(part);
        const drains = client.drains;
        if (!client.transport.write(buffer.subarray(0, part.length))) {
          await client.until("drain", () => client.drains > drains);
        }
        buffer.fill(0xee);
      }
      await server.received(sent.length);
      assert.equal(firstDifference(server.content, sent), -1);
    });

    it("says how many bytes the kernel has taken: some while it is full, all at drain, never more than were written", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      client.start();
      assert.equal(client.transport.taken, 0);
      const sent = pattern(16 * megabyte);
      let before = 0;
      for (let at = 0; at < sent.length; at += 2 * megabyte) {
        client.transport.write(sent.subarray(at, at + 2 * megabyte));
        const { taken } = client.transport;
        assert.ok(taken >= before && taken <= at + 2 * megabyte, `${taken} after ${before}`);
        before = taken;
      }
      await rig.fence();
      // Where TLS tells of whole writes only, the first of these may still be under way.
      const { taken } = client.transport;
      assert.ok(taken < sent.length && (taken > 0 || subject.secured), `${taken} of ${sent.length}`);
      server.start();
      await client.drained();
      assert.equal(client.transport.taken, sent.length);
      await server.received(sent.length);
      assert.equal(firstDifference(server.content, sent), -1);
    });

    it("keeps the count of what the kernel has taken when it is dropped", async (t) => {
      const rig = new Rig(subject, t);
      const { client } = await rig.started();
      client.transport.write(ascii("hello"));
      await rig.fence();
      assert.equal(client.transport.taken, 5);
      client.transport.abort();
      await client.closed();
      assert.equal(client.transport.taken, 5);
      client.transport.write(ascii("too late"));
      assert.equal(client.transport.taken, 5);
    });

    it("carries 8 MB both ways at once, whole and in order, past readers that stop and go", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      const [there, back] = [pattern(8 * megabyte, 7), pattern(8 * megabyte, 11)];
      for (const probe of [client, server]) {
        let chunks = 0;
        probe.onData = () => {
          if (++chunks % 3 !== 0) return true;
          queueMicrotask(() => probe.transport.resume());
          return !subject.adapter.can.pause;
        };
        probe.start();
      }
      pump(client, there, 300_000);
      pump(server, back, 70_001);
      await Promise.all([client.closed(), server.closed()]);
      client.assertClosed();
      server.assertClosed();
      assert.equal(firstDifference(server.content, there), -1);
      assert.equal(firstDifference(client.content, back), -1);
    });

    it("can be written to before start", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      client.transport.write(ascii("first"));
      server.start();
      await server.received(5);
      assert.equal(server.text, "first");
    });

    it("tells the drain of a write before start once it is started", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      const sent = pattern(16 * megabyte);
      assert.equal(client.transport.write(sent), false);
      server.start();
      await server.received(sent.length);
      await rig.fence();
      assert.equal(client.drains, 0);
      client.start();
      await client.drained();
      assert.equal(firstDifference(server.content, sent), -1);
    });

    it("drops what is written after end, after abort and after close, and says false", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      client.transport.write(ascii("in time"));
      await server.received(7);
      await rig.fence();
      const { drains } = client;
      client.transport.end();
      assert.equal(client.transport.write(ascii("too late")), false);
      await server.ended();
      assert.equal(server.text, "in time");
      server.transport.end();
      await Promise.all([client.closed(), server.closed()]);
      assert.equal(client.transport.write(ascii("too late")), false);
      assert.equal(server.transport.write(ascii("too late")), false);
      client.transport.resume();
      client.transport.end();
      client.transport.abort();
      await rig.fence();
      client.assertClosed();
      server.assertClosed();
      assert.equal(client.drains + server.drains, drains, "drain came for bytes that were dropped");
    });
  });
}
