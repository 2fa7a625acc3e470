// The contract, reading: data, false, resume, start.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { ascii, firstDifference, pattern, Rig, type Subject } from "./rig.ts";
import { it } from "../support/it.ts";

const megabyte = 1 << 20;

export function reading(subject: Subject): void {
  const { adapter } = subject;
  const noPause = adapter.can.pause ? false : "this adapter can't stop reading";

  describe("reading", () => {
    it("delivers bytes in order, in chunks that stay the receiver's", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started();
      const sent = pattern(3 * megabyte);
      const copies: Uint8Array[] = [];
      server.onData = (chunk) => copies.push(chunk.slice()) > 0;
      client.transport.write(sent);
      await server.received(sent.length);
      assert.equal(firstDifference(server.content, sent), -1);
      server.chunks.forEach((chunk, i) => assert.equal(firstDifference(chunk, copies[i]!), -1, `chunk ${i}`));
    });

    it("brings not one chunk more after data returned false, until resume", { skip: noPause }, async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      const sent = pattern(megabyte);
      server.onData = () => false;
      server.start();
      client.start();
      client.transport.write(sent);
      client.transport.end();
      for (let chunks = 1; server.bytes < sent.length; chunks++) {
        await server.until(`chunk ${chunks}`, () => server.chunks.length >= chunks);
        if (chunks <= 3) await rig.fence();
        assert.equal(server.chunks.length, chunks);
        assert.equal(server.ends, 0, "end came while reading was stopped");
        server.transport.resume();
      }
      await server.ended();
      assert.equal(firstDifference(server.content, sent), -1);
    });

    it("S-13: holds the sender up when nobody reads, and lets it go on", { skip: noPause }, async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      server.onData = () => false;
      server.start();
      client.start();
      const chunk = pattern(megabyte);
      const total = 32;
      for (let i = 0; i < total; i++) client.transport.write(chunk);
      await server.until("a chunk", () => server.chunks.length > 0);
      await rig.fence();
      assert.equal(client.drains, 0, "drain came although nobody reads");
      assert.equal(server.chunks.length, 1);
      server.onData = () => true;
      server.transport.resume();
      await client.drained();
      await server.received(total * megabyte);
      assert.equal(client.drains, 1);
      const { content } = server;
      for (let i = 0; i < total; i += total - 1) {
        assert.equal(
          firstDifference(content.subarray(i * megabyte, (i + 1) * megabyte), chunk),
          -1,
          `part ${i}`,
        );
      }
    });

    it("takes resume for nothing while it reads, also inside of data", { skip: noPause }, async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      server.onData = () => {
        server.transport.resume();
        return false;
      };
      server.start().transport.resume();
      client.start().transport.resume();
      client.transport.write(pattern(2 * megabyte));
      await server.until("a chunk", () => server.chunks.length > 0);
      await rig.fence();
      assert.equal(server.chunks.length, 1);
    });

    it("lets resume and false alternate for every chunk of a long stream", { skip: noPause }, async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      const sent = pattern(4 * megabyte);
      server.onData = () => {
        queueMicrotask(() => server.transport.resume());
        return false;
      };
      server.start();
      client.start().transport.write(sent);
      client.transport.end();
      await server.ended();
      assert.equal(firstDifference(server.content, sent), -1);
    });

    it("keeps what came before start, FIN included", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      client.start().transport.write(ascii("early"));
      client.transport.end();
      await rig.fence();
      assert.equal(server.summary, "0 bytes, 0 drain, 0 end, 0 close");
      server.start();
      await server.ended();
      assert.equal(server.text, "early");
      server.transport.end();
      await Promise.all([server.closed(), client.closed()]);
      server.assertClosed();
      client.assertClosed();
    });

    it("keeps what came before start on the dialling end too", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      server.start().transport.write(ascii("220 welcome"));
      await rig.fence();
      assert.equal(client.bytes, 0);
      client.start();
      await client.received(11);
      assert.equal(client.text, "220 welcome");
    });

    it(
      "tells end only after the last byte, however long reading was stopped",
      { skip: noPause },
      async (t) => {
        const rig = new Rig(subject, t);
        const { client, server } = await rig.pair();
        server.onData = () => false;
        server.start();
        client.start().transport.write(ascii("last words"));
        client.transport.end();
        await server.received(1);
        await rig.fence();
        server.onData = () => true;
        server.transport.resume();
        await server.ended();
        assert.equal(server.text, "last words");
        assert.equal(server.closes, 0, "closed although we have not ended");
      },
    );

    it("can be written to from inside of data, to and fro", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.pair();
      const rounds = 500;
      server.onData = (chunk) => (server.transport.write(chunk), true);
      client.onData = (chunk) => (client.bytes < rounds && client.transport.write(chunk), true);
      server.start();
      client.start().transport.write(new Uint8Array([1]));
      await client.received(rounds);
    });
  });
}
