// The contract, Unix sockets.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { socketError } from "./listening.ts";
import { ascii, firstDifference, pattern, Rig, type Subject } from "./rig.ts";
import { it } from "../support/it.ts";

export function unixSockets(subject: Subject): void {
  const skip = subject.adapter.can.unix ? false : "this adapter has no Unix sockets";
  const fresh = () => ({ transport: "unix", path: subject.unixPath() } as const);

  describe("Unix sockets", () => {
    it("carry bytes both ways, end and close like TCP", { skip }, async (t) => {
      const rig = new Rig(subject, t);
      const address = fresh();
      const { client, server, listening } = await rig.started(address);
      assert.deepEqual(listening.address, address);
      const sent = pattern(4 << 20);
      client.transport.write(sent);
      client.transport.end();
      await server.ended();
      assert.equal(firstDifference(server.content, sent), -1);
      server.transport.write(ascii("thanks"));
      server.transport.end();
      await Promise.all([client.closed(), server.closed()]);
      assert.equal(client.text, "thanks");
      client.assertClosed();
      server.assertClosed();
    });

    it("show an empty ip, port 0, and the path at the listening end", { skip }, async (t) => {
      const rig = new Rig(subject, t);
      const address = fresh();
      const { client, server } = await rig.pair(address);
      const ends = [server, client].map(({ transport: { peer: { ip, port, local } } }) => ({
        ip,
        port,
        local,
      }));
      const nameless = { transport: "unix", path: "" };
      assert.deepEqual(ends, [{ ip: "", port: 0, local: address }, { ip: "", port: 0, local: nameless }]);
    });

    it("can be aborted", { skip }, async (t) => {
      const rig = new Rig(subject, t);
      const { client, server } = await rig.started(fresh());
      client.transport.abort();
      await client.closed();
      client.assertClosed();
      await server.until("its end or close", () => server.ends + server.closes > 0);
    });

    it("say so when the path is not there", { skip }, async (t) => {
      const rig = new Rig(subject, t);
      const address = fresh();
      await assert.rejects(rig.connect(address), socketError("path_not_found", address.path));
    });

    it("say so when the path is in use", { skip }, async (t) => {
      const rig = new Rig(subject, t);
      const { address } = await rig.listen({ address: fresh() });
      await assert.rejects(rig.listen({ address }), socketError("address_in_use"));
    });

    it("free the path with stop, and leave connections alone", { skip }, async (t) => {
      const rig = new Rig(subject, t);
      const { client, server, listening } = await rig.started(fresh());
      await listening.listener.stop();
      await assert.rejects(rig.connect(listening.address), socketError("path_not_found"));
      await rig.listen({ address: listening.address });
      client.transport.write(ascii("still here"));
      await server.received(10);
    });
  });
}
