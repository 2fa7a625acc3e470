// The contract, listening: ports, accepting, stopping.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { SocketError } from "../../src/core/errors.ts";
import { Probe } from "./probe.ts";
import { ascii, Rig, type Subject } from "./rig.ts";
import { it } from "../support/it.ts";

/** A check for `assert.rejects`. */
export function socketError(reason: SocketError["reason"], mention?: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof SocketError, `not a SocketError: ${error}`);
    assert.equal(error.reason, reason, error.message);
    if (mention !== undefined) assert.ok(error.message.includes(mention), error.message);
    return true;
  };
}

export function listening(subject: Subject): void {
  const { can } = subject.adapter;
  const { host } = subject;
  const noIpv6 = subject.ipv6 === true ? false : subject.ipv6;
  const noIpv6Only = noIpv6 || (can.ipv6Only ? false : "this adapter can't keep IPv4 off ::");

  describe("listening", () => {
    it("replaces port 0 by the port that was chosen (F-16)", async (t) => {
      const rig = new Rig(subject, t);
      const [one, two] = [await rig.listen(), await rig.listen()];
      assert.ok(one.port > 0);
      assert.ok(two.port > 0);
      assert.notEqual(one.port, two.port);
      assert.equal(one.address.transport === "tcp" && one.address.host, subject.ip);
    });

    it("S-18: refuses a port in use, and says so", async (t) => {
      const rig = new Rig(subject, t);
      const { address, port } = await rig.listen();
      await assert.rejects(rig.listen({ address }), socketError("address_in_use", `:${port}`));
    });

    it("S-18: refuses an address that is not ours", async (t) => {
      const rig = new Rig(subject, t);
      await assert.rejects(
        rig.listen({ address: { transport: "tcp", host: "192.0.2.1", port: 0 } }),
        socketError("address_not_available", "192.0.2.1"),
      );
    });

    it("S-18: refuses a host name that means nothing", async (t) => {
      const rig = new Rig(subject, t);
      await assert.rejects(
        rig.listen({ address: { transport: "tcp", host: "no-such-host.invalid", port: 0 } }),
        socketError("host_not_found", "no-such-host.invalid"),
      );
    });

    it("frees the port with stop, at once and idempotently, and leaves connections alone", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server, listening: old } = await rig.started();
      await old.listener.stop();
      await old.listener.stop();
      await assert.rejects(rig.connect(old.address), socketError("refused", String(old.port)));
      const next = await rig.listen({ address: old.address });
      assert.equal(next.port, old.port);
      client.transport.write(ascii("still there?"));
      await server.received(12);
      server.transport.write(ascii("yes"));
      await client.received(3);
      client.transport.end();
      server.transport.end();
      await Promise.all([client.closed(), server.closed()]);
      client.assertClosed();
      server.assertClosed();
      assert.deepEqual(old.failures, []);
    });

    it("S-39: can start and stop on one port over and over, with connections made in between", async (t) => {
      const rig = new Rig(subject, t);
      let { address, listener } = (await rig.started()).listening;
      for (let round = 0; round < 30; round++) {
        await listener.stop();
        const again = await rig.listen({ address });
        ({ address, listener } = again);
        const [client, server] = await Promise.all([rig.connect(address), again.next()]);
        server.start().transport.abort();
        client.start().transport.abort();
      }
    });

    // Handshakes of both ends at once take a busy machine long.
    const many = subject.secured ? 50 : 200;
    it(`accepts ${many} connections at once, each with its own bytes`, async (t) => {
      const rig = new Rig(subject, t);
      const seen = new Set<number>();
      const { address } = await rig.listen({}, (transport) => {
        seen.add(transport.peer.port);
        const server = new Probe(transport);
        server.onData = (chunk) => (transport.write(chunk), true);
        server.onEnd = () => transport.end();
        server.start();
      });
      const clients = await Promise.all(Array.from({ length: many }, () => rig.connect(address)));
      clients.forEach((client, i) => {
        client.start().transport.write(ascii(`I am ${i}`));
        client.transport.end();
      });
      await Promise.all(clients.map((client) => client.closed()));
      clients.forEach((client, i) => {
        client.assertClosed();
        assert.equal(client.text, `I am ${i}`);
      });
      assert.equal(seen.size, many);
    });

    it("S-16: lets accept turn a connection away at once", async (t) => {
      const rig = new Rig(subject, t);
      const { address } = await rig.listen({}, (transport) => transport.abort());
      for (let i = 0; i < 10; i++) {
        const client = await rig.connect(address).catch(socketError("reset"));
        if (client === true) continue;
        client.start();
        await client.until("its end or close", () => client.ends + client.closes > 0);
      }
    });

    it("S-20: shrugs off clients that leave before they are served", async (t) => {
      const rig = new Rig(subject, t);
      const listening = await rig.listen();
      const { address, failures } = listening;
      for (let i = 0; i < 20; i++) {
        const controller = new AbortController();
        const attempt = rig.connect(address, { signal: controller.signal });
        if (i % 2 === 0) controller.abort();
        await attempt.then((client) => client.start().transport.abort(), socketError("aborted"));
      }
      await rig.fence();
      assert.deepEqual(failures, []);
      const last = await rig.connect(address);
      last.start().transport.write(ascii("the last"));
      last.transport.end();
      for (let text = ""; text !== "the last";) {
        const server = (await listening.next()).start();
        await server.until("its end or close", () => server.ends + server.closes > 0);
        ({ text } = server);
      }
    });

    it("shows both ends who is at the other", async (t) => {
      const rig = new Rig(subject, t);
      const { client, server, listening } = await rig.pair();
      const { port } = listening;
      assert.equal(client.transport.peer.ip, subject.ip);
      assert.equal(client.transport.peer.port, port);
      assert.deepEqual(server.transport.peer.local, { transport: "tcp", host: subject.ip, port });
      assert.deepEqual(client.transport.peer.local, {
        transport: "tcp",
        host: server.transport.peer.ip,
        port: server.transport.peer.port,
      });
    });

    it("shows the real address behind a wildcard", async (t) => {
      const rig = new Rig(subject, t);
      const any = await rig.listen({ address: { transport: "tcp", host: "0.0.0.0", port: 0 } });
      const [client, server] = await Promise.all([
        rig.connect({ transport: "tcp", host, port: any.port }),
        any.next(),
      ]);
      assert.deepEqual(any.address, { transport: "tcp", host: "0.0.0.0", port: any.port });
      assert.deepEqual(server.transport.peer.local, { transport: "tcp", host: subject.ip, port: any.port });
      assert.equal(server.transport.peer.port, (client.transport.peer.local as { port: number }).port);
    });

    it("speaks IPv6 (F-16)", { skip: noIpv6 }, async (t) => {
      const rig = new Rig(subject, t);
      const on6 = await rig.listen({ address: { transport: "tcp", host: "::1", port: 0 } });
      assert.deepEqual(on6.address, { transport: "tcp", host: "::1", port: on6.port });
      const client = new Probe(
        await subject.adapter.connect({
          address: on6.address,
          noDelay: true,
          keepAlive: "system",
          signal: undefined,
          tls: undefined,
        }),
      );
      const server = await on6.next();
      assert.equal(server.transport.peer.ip, "::1");
      assert.equal(client.transport.peer.ip, "::1");
      server.start();
      client.start().transport.write(ascii("six"));
      await server.received(3);
      client.transport.abort();
    });

    it("shows an IPv4 peer of a dual-stack listener as IPv4 (F-16)", { skip: noIpv6 }, async (t) => {
      const rig = new Rig(subject, t);
      const any = await rig.listen({ address: { transport: "tcp", host: "::", port: 0 } });
      const [, server] = await Promise.all([
        rig.connect({ transport: "tcp", host, port: any.port }),
        any.next(),
      ]);
      assert.match(server.transport.peer.ip, /^\d+\.\d+\.\d+\.\d+$/);
      assert.deepEqual(server.transport.peer.local, { transport: "tcp", host: subject.ip, port: any.port });
    });

    it("keeps IPv4 off :: when told to (F-16)", { skip: noIpv6Only }, async (t) => {
      const rig = new Rig(subject, t);
      const only6 = await rig.listen({ address: { transport: "tcp", host: "::", port: 0 }, ipv6Only: true });
      await assert.rejects(rig.connect({ transport: "tcp", host, port: only6.port }), socketError("refused"));
    });

    it("lets two listen on one port when told to (F-16)", {
      skip: can.reusePort ? false : "this adapter can't share a port",
    }, async (t) => {
      const rig = new Rig(subject, t);
      const one = await rig.listen({ reusePort: true });
      const two = await rig.listen({ address: one.address, reusePort: true });
      assert.equal(two.port, one.port);
    });

    const settings = [
      { name: "noDelay", able: can.noDelay, options: { noDelay: false } },
      { name: "keepAlive off", able: can.keepAlive, options: { keepAlive: false as const } },
      { name: "keepAlive with a delay", able: can.keepAliveDelay, options: { keepAlive: 30_000 } },
      { name: "backlog", able: can.backlog, options: { backlog: 5 } },
    ];
    for (const { name, able, options } of settings) {
      it(
        `takes ${name} (F-16, F-26)`,
        { skip: able ? false : `this adapter can't set ${name}` },
        async (t) => {
          const rig = new Rig(subject, t);
          const tuned = await rig.listen(options);
          const [client, server] = await Promise.all([rig.connect(tuned.address, options), tuned.next()]);
          client.start().transport.write(ascii("tuned"));
          await server.start().received(5);
        },
      );
    }
  });
}
