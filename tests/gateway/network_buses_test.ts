/** The gateway on each bus with a server: services answer devices, messages find their sockets, commands are requests. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { it } from "../support/it.ts";
import type { Cleaner } from "../support/program.ts";
import { type PeerKind, peerKinds, type PeerMessage } from "./bus_peers.ts";
import { lineClient, read, soon, startEcho } from "./support.ts";

/** A server, a gateway on it, and a program beside them. */
async function plant(t: Cleaner, kind: PeerKind, endpoint: object = {}, bus: object = {}) {
  const peer = await kind.start(t);
  const { gateway, port } = await startEcho(endpoint, { bus: { ...peer.config, ...bus }, node: "n1" });
  t.after(() => gateway.destroy());
  const frames = async (subject: string): Promise<{ next(): Promise<PeerMessage> }> => {
    const seen: PeerMessage[] = [];
    let wake = (): void => {};
    await peer.frames(subject, (message) => {
      seen.push(message);
      wake();
    });
    return {
      async next() {
        while (seen.length === 0) await soon(new Promise<void>((resolve) => wake = resolve), "a frame");
        return seen.shift()!;
      },
    };
  };
  return { peer, gateway, port, frames, endpoint: gateway.endpoints.get("echo")! };
}

for (const kind of peerKinds) {
  const options = { skip: kind.skip, timeout: 120_000 };
  const ingress = `millrace.echo.${kind.ingress("*")}`;

  describe(`a gateway on ${kind.name}`, () => {
    it("lets any service answer a device (F-56, F-57)", options, async (t) => {
      const { peer, port } = await plant(t, kind);
      await peer.frames(ingress, (frame) => frame.respond(`got ${frame.text}`));
      const device = await lineClient(port);
      for (const line of ["one", "two"]) await device.send(line);
      assert.deepEqual(await read(device, 2), ["got one", "got two"]);
    });

    it("says with each frame who sent it, which one it is, and when it came (F-55)", options, async (t) => {
      const { port, gateway, frames } = await plant(t, kind);
      const seen = await frames(ingress);
      const device = await lineClient(port);
      const before = Date.now();
      await device.send("hello");
      const { text, header } = await seen.next();
      assert.equal(text, "hello");
      const [id] = gateway.endpoints.get("echo")!.connections.keys();
      assert.deepEqual(
        ["conn.id", "peer.ip", "endpoint", "node", "seq"].map(header),
        [id, "127.0.0.1", "echo", "n1", "1"],
      );
      assert.equal(Number(header("peer.port")), device.peer.local.port);
      const received = Date.parse(header("received")!);
      assert.ok(received >= before - 1_000 && received <= Date.now() + 1_000);
    });

    it(
      "writes a message to the socket that its subject or its header names, or to all (F-56)",
      options,
      async (t) => {
        const { peer, port, frames, endpoint } = await plant(t, kind);
        const seen = await frames(ingress);
        const devices = [await lineClient(port), await lineClient(port)];
        for (const device of devices) await device.send("here");
        for (const _ of devices) await seen.next();
        const [one, two] = [...endpoint.connections.keys()];
        peer.publish(`millrace.echo.out.n1.${one}`, "by subject");
        peer.publish("millrace.echo.out", "by header", { "conn.id": two! });
        peer.publish("millrace.echo.out", "for all", { "conn.id": "*" });
        const got = await Promise.all(devices.map((device) => read(device, 2)));
        assert.deepEqual(got.map((lines) => lines.toSorted().join()).sort(), [
          "by header,for all",
          "by subject,for all",
        ]);
      },
    );

    it(
      "puts what no socket takes under the dead-letter subject, with the reason (F-56)",
      options,
      async (t) => {
        const { peer, endpoint } = await plant(t, kind);
        const { message } = await peer.next("millrace.echo.dead");
        peer.publish("millrace.echo.out.n1.nobody", "lost");
        const { text, header } = await soon(message, "a dead letter");
        assert.deepEqual(
          [text, header("reason"), header("subject")],
          ["lost", "unknown_connection", "millrace.echo.out.n1.nobody"],
        );
        assert.equal(endpoint.traffic().messagesUndelivered, 1);
        // A message for a connection of another gateway is not this one's to refuse.
        peer.publish("millrace.echo.out", "not ours", { "conn.id": "nobody", node: "n2" });
        const answer = await peer.request("millrace.echo.ctrl", JSON.stringify({ command: "stats" }));
        assert.equal(JSON.parse(answer).result.messagesUndelivered, 1);
      },
    );

    it("takes commands as requests (F-59)", options, async (t) => {
      const { peer, port } = await plant(t, kind);
      const device = await lineClient(port);
      const ask = async (command: object) =>
        JSON.parse(await soon(peer.request("millrace.echo.ctrl", JSON.stringify(command)), "an answer"));
      let listed: { id: string }[] = [];
      while (listed.length === 0) listed = (await ask({ command: "conn.list" })).result;
      const closed = await ask({
        command: "conn.close",
        payload: { conn_id: listed[0]!.id, reason: "done" },
      });
      assert.equal(closed.ok, true);
      assert.deepEqual(await read(device, 0), []);
      assert.match((await ask({ command: "fly" })).error.message, /expected one of conn\.list/);
    });

    it("echoes where it is asked to, over the server (F-57)", options, async (t) => {
      const { port } = await plant(t, kind, { echo: true });
      const device = await lineClient(port);
      for (const line of ["one", "two"]) await device.send(line);
      assert.deepEqual(await read(device, 2), ["one", "two"]);
    });
  });
}
