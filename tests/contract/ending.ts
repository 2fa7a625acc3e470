// The contract, ending: FIN, RST, an ordinary close, and exactly one notice of it.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { ascii, firstDifference, pattern, Rig, type Subject } from "./rig.ts";
import { it } from "../support/it.ts";

const megabyte = 1 << 20;

export function ending(subject: Subject): void {
  const { can } = subject.adapter;
  const noReset = can.reset ? false : "this adapter's abort reaches the peer as FIN";
  const hasReset = can.reset
    ? "this adapter's abort reaches the peer as RST"
    : subject.secured
    ? "under TLS an abort is a connection cut off"
    : false;

  describe("ending", () => {
    it("S-11: goes on reading after end, and closes by itself when both FINs are through", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      const reply = pattern(2 * megabyte);
      client.transport.write(ascii("question"));
      client.transport.end();
      client.transport.end();
      await server.ended();
      assert.equal(server.text, "question");
      await rig.fence();
      assert.equal(server.closes + client.closes, 0, "closed although only one FIN went through");
      server.transport.write(reply);
      server.transport.end();
      await Promise.all([client.closed(), server.closed()]);
      assert.equal(firstDifference(client.content, reply), -1);
      assert.equal(client.ends, 1);
      client.assertClosed();
      server.assertClosed();
    });

    it("closes once and without an error when both ends end at once", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      client.transport.write(ascii("a"));
      server.transport.write(ascii("b"));
      client.transport.end();
      server.transport.end();
      await Promise.all([client.closed(), server.closed()]);
      await rig.fence();
      for (const probe of [client, server]) {
        probe.assertClosed();
        assert.equal(probe.ends, 1);
        assert.equal(probe.bytes, 1);
      }
    });

    it("closes when each ends inside of the other's end", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      server.onEnd = () => server.transport.end();
      server.start();
      client.start().transport.end();
      await Promise.all([client.closed(), server.closed()]);
      assert.equal(client.ends, 1);
      assert.equal(server.ends, 1);
      client.assertClosed();
      server.assertClosed();
    });

    it("flushes what is held before the FIN of end", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      const sent = pattern(16 * megabyte);
      assert.equal(client.transport.write(sent), false);
      client.transport.end();
      await server.ended();
      assert.equal(firstDifference(server.content, sent), -1);
      await client.drained();
      assert.equal(client.drains, 1);
      server.transport.end();
      await client.closed();
      client.assertClosed();
    });

    it("ends before start", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      client.transport.write(ascii("and gone"));
      client.transport.end();
      server.start();
      await server.ended();
      assert.equal(server.text, "and gone");
      server.transport.write(ascii("so long"));
      server.transport.end();
      client.start();
      await Promise.all([client.closed(), server.closed()]);
      assert.equal(client.text, "so long");
      assert.equal(client.ends, 1);
      client.assertClosed();
    });

    it("closes once, without an error and with nothing more, after abort", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      server.transport.write(pattern(megabyte));
      await client.received(1);
      client.transport.abort();
      const { bytes } = client;
      client.transport.abort();
      assert.equal(client.transport.write(ascii("dropped")), false);
      client.transport.end();
      client.transport.resume();
      await client.closed();
      await rig.fence();
      client.assertClosed();
      assert.equal(client.bytes, bytes, "data came after abort");
      assert.equal(client.ends, 0, "end came after abort");
      await server.until("its end or close", () => server.ends + server.closes > 0);
    });

    it(
      "S-10: tells the peer of an abort as a reset, once, and not as an end",
      { skip: noReset },
      async (t) => {
        const rig = new Rig(subject, t);
        const { client, server } = await rig.started();
        client.transport.write(ascii("half a fra"));
        await server.received(10);
        client.transport.abort();
        await server.closed();
        await rig.fence();
        server.assertClosed("reset");
        assert.equal(server.ends, 0, "a torn connection looked complete");
        assert.equal(server.transport.write(ascii("x")), false);
      },
    );

    it("S-10: tells a reset as such although it comes right behind bytes", { skip: noReset }, async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      client.transport.write(ascii("half a fra"));
      client.transport.abort();
      await server.until("its end or close", () => server.ends + server.closes > 0);
      assert.equal(server.ends, 0, "a torn connection looked complete");
      server.assertClosed("reset");
    });

    it("tells the peer of an abort as an end where it can't reset", { skip: hasReset }, async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      client.transport.write(ascii("half a fra"));
      await server.received(10);
      client.transport.abort();
      await server.ended();
      server.transport.end();
      await server.closed();
      server.assertClosed();
    });

    it(
      "S-10: breaks with a reset, and tells no drain, while bytes are held",
      { skip: noReset },
      async (t) => {
        const rig = new Rig(subject, t);
        const { client, server } = await rig.pair();
        server.onData = () => false;
        server.start();
        client.start();
        assert.equal(client.transport.write(pattern(32 * megabyte)), false);
        await server.received(1);
        await rig.fence();
        server.transport.abort();
        await client.closed();
        await rig.fence();
        client.assertClosed("reset");
        assert.equal(client.drains, 0);
        assert.equal(client.ends, 0);
        server.assertClosed();
      },
    );

    it("drops what is held when it aborts", { skip: noReset }, async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      server.onData = () => false;
      server.start();
      client.start();
      const total = 32 * megabyte;
      assert.equal(client.transport.write(pattern(total)), false);
      await server.received(1);
      client.transport.abort();
      await client.closed();
      client.assertClosed();
      assert.equal(client.drains, 0);
      server.onData = () => true;
      server.transport.resume();
      await server.closed();
      server.assertClosed("reset");
      assert.equal(server.ends, 0);
      assert.ok(server.bytes < total);
    });

    it("can be aborted before start, which then tells close and nothing else", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      client.start().transport.write(ascii("ignored"));
      await rig.fence();
      server.transport.abort();
      server.start();
      await server.closed();
      await rig.fence();
      assert.equal(server.summary, "0 bytes, 0 drain, 0 end, 1 close");
      await client.until("its end or close", () => client.ends + client.closes > 0);
    });

    it("can be aborted long before start", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      client.start();
      server.transport.abort();
      await rig.fence();
      server.start();
      await server.closed();
      assert.equal(server.summary, "0 bytes, 0 drain, 0 end, 1 close");
    });

    it("tells a reset that came before start, once it is started", { skip: noReset }, async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      client.transport.abort();
      await rig.fence();
      server.start();
      await server.closed();
      server.assertClosed("reset");
      assert.equal(server.ends, 0);
    });

    it("aborts after its own end", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      client.transport.end();
      client.transport.abort();
      await client.closed();
      client.assertClosed();
      await server.until("its end or close", () => server.ends + server.closes > 0);
    });

    it("resets although the peer's end has come, or its own has gone", { skip: noReset }, async (t) => {
      const rig = new Rig(subject, t);
      const one = await rig.started();
      one.client.transport.end();
      await one.server.ended();
      one.server.transport.abort();
      await one.client.closed();
      one.client.assertClosed("reset");
      assert.equal(one.client.ends, 0);

      const two = await rig.started();
      two.client.transport.end();
      await two.server.ended();
      two.client.transport.abort();
      await two.client.closed();
      // The FIN has been seen; a reset behind it shows at the next write.
      two.server.transport.write(ascii("anyone there?"));
      await two.server.closed();
      two.server.assertClosed("reset");
    });

    it("breaks when it writes to a peer that is gone", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      client.transport.abort();
      await server.until("its end or close", () => server.ends + server.closes > 0);
      const deadline = 200;
      for (let i = 0; i < deadline && server.closes === 0; i++) {
        server.transport.write(ascii("anyone there?"));
        await rig.fence();
      }
      await server.closed();
      server.assertClosed("reset");
    });

    it("S-43: after release, what the kernel has is still delivered, and FIN behind it", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      client.onData = () => false;
      client.start();
      server.start();
      const sent = pattern(60_000);
      if (!server.transport.write(sent)) await server.drained();
      server.transport.end();
      await client.received(1);
      await rig.fence();
      server.transport.release();
      server.transport.release();
      assert.equal(server.transport.write(ascii("dropped")), false);
      server.transport.end();
      server.transport.resume();
      await server.closed();
      server.assertClosed();
      assert.equal(server.ends, 0);
      client.onData = () => true;
      client.transport.resume();
      await client.ended();
      assert.equal(firstDifference(client.content, sent), -1);
      client.transport.end();
      await client.until("close", () => client.closes > 0);
    });

    it("S-43: release right after end lets nothing get lost", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      const sent = pattern(60_000);
      if (!server.transport.write(sent)) await server.drained();
      server.transport.end();
      server.transport.release();
      await server.closed();
      server.assertClosed();
      await client.ended();
      assert.equal(firstDifference(client.content, sent), -1);
    });

    it("S-43: can be released before start, and long after the close", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      client.start();
      server.transport.release();
      server.start();
      await server.closed();
      server.transport.release();
      server.transport.abort();
      await rig.fence();
      assert.equal(server.summary, "0 bytes, 0 drain, 0 end, 1 close");
      await client.until("its end or close", () => client.ends + client.closes > 0);
    });

    const places = ["data", "drain", "end", "close"] as const;
    for (const place of places) {
      it(`S-28: can be aborted, ended and resumed from inside of ${place}`, async (t) => {
        const rig = new Rig(subject, t);
        const { client, server } = await rig.pair();
        const leave = (): boolean => {
          server.transport.abort();
          server.transport.resume();
          server.transport.end();
          assert.equal(server.transport.write(ascii("x")), false);
          server.transport.abort();
          return false;
        };
        if (place === "data") server.onData = leave;
        if (place === "drain") server.onDrain = leave;
        if (place === "end") server.onEnd = leave;
        if (place === "close") server.onClose = leave;
        server.start();
        client.start();
        if (place === "drain") server.transport.write(pattern(16 * megabyte));
        client.transport.write(ascii("hello"));
        client.transport.end();
        if (place === "close") server.transport.end();
        await server.closed();
        await rig.fence();
        server.assertClosed();
        await client.until("its end or close", () => client.ends + client.closes > 0);
      });
    }
  });
}
