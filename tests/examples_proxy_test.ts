// The proxy in examples/, between ends that do everything that ends can do: what one does is seen by the other.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { detectAdapter } from "../src/adapters/detect.ts";
import type { Listener, Transport } from "../src/core/transport.ts";
import { pattern } from "./contract/rig.ts";
import { within } from "./contract/within.ts";
import { it } from "./support/it.ts";
import { dial, Peer } from "./support/peer.ts";
import { Program } from "./support/program.ts";

const adapter = await detectAdapter();
const noReset = adapter.can.reset ? false : "this runtime's sockets cannot reset";
const tuning = { noDelay: true, keepAlive: "system", tls: undefined } as const;

describe("examples: the proxy", () => {
  let target: Listener;
  let program: Program;
  let port: number;
  let arrived: (transport: Transport) => void = () => {};
  const ends: Peer[] = [];
  const cleanups: (() => unknown)[] = [];

  before(async () => {
    const address = { transport: "tcp", host: "127.0.0.1", port: 0 } as const;
    const rest = { backlog: undefined, reusePort: false, ipv6Only: false, failed: () => {} };
    target = await adapter.listen({ address, ...tuning, ...rest }, (transport) => arrived(transport));
    assert.ok(target.address.transport === "tcp");
    program = new Program({ after: (cleanup) => void cleanups.push(cleanup) }, "examples/tcp_proxy.ts", [
      "0",
      String(target.address.port),
    ]);
    const [, said] = await program.said("out", /port: (\d+)/);
    port = Number(said);
  });
  after(async () => {
    for (const end of ends) end.abort();
    for (const cleanup of cleanups) cleanup();
    await target.stop();
  });

  /** Both ends of a connection through the proxy. */
  async function pair(): Promise<{ client: Peer; server: Peer }> {
    const accepted = within(
      new Promise<Transport>((resolve) => arrived = resolve),
      () => "the proxy to connect",
    );
    const client = await dial(adapter, { transport: "tcp", host: "127.0.0.1", port });
    const server = new Peer(await accepted).start();
    ends.push(client, server);
    return { client, server };
  }

  const sides = ["client", "server"] as const;
  for (const first of sides) {
    const second = first === "client" ? "server" : "client";

    it(`S-45: what the ${second} sends after the ${first}'s FIN arrives, then its own FIN (F-47)`, async () => {
      const { [first]: one, [second]: other } = await pair();
      one.write("before").end();
      await other.whenEnded();
      assert.equal(other.text, "before");
      other.write("after");
      await one.got("after");
      const much = pattern(4 << 20);
      other.write(much).end();
      await one.whenEnded();
      assert.equal(one.bytes, 5 + much.length);
      assert.ok(one.all.subarray(5).every((byte, at) => byte === much[at]));
      await Promise.all([one.whenClosed(), other.whenClosed()]);
      assert.deepEqual([one.error, other.error], [undefined, undefined]);
    });

    it(`S-45: a FIN of the ${first} before any byte is passed on, and bytes still come back`, async () => {
      const { [first]: one, [second]: other } = await pair();
      one.end();
      await other.whenEnded();
      assert.equal(other.bytes, 0);
      other.write("still here").end();
      await one.whenEnded();
      assert.equal(one.text, "still here");
    });

    for (const when of ["at once", "after bytes", "after the other's FIN"] as const) {
      it(
        `S-45: a reset of the ${first}, ${when}, is a reset for the ${second}`,
        { skip: noReset },
        async () => {
          const { [first]: one, [second]: other } = await pair();
          if (when !== "at once") {
            one.write("hello");
            await other.got("hello");
          }
          if (when === "after the other's FIN") {
            other.end();
            await one.whenEnded();
          }
          one.abort();
          await other.whenClosed();
          assert.equal(other.error?.reason, "reset");
        },
      );
    }

    it(`S-45: the ${first} sends no faster than the ${second} reads`, async () => {
      const { [first]: one, [second]: other } = await pair();
      other.onData = () => false;
      const much = pattern(48 << 20);
      one.write(much).end();
      await other.until(() => other.bytes > 0, "the first bytes");
      assert.equal(one.taken, false);
      other.onData = () => true;
      other.transport.resume();
      await other.whenEnded();
      assert.equal(other.bytes, much.length);
      other.end();
      await one.whenClosed();
    });
  }

  it("S-45: at SIGTERM what is on its way still arrives, each way, and the proxy ends", async () => {
    const { client, server } = await pair();
    client.write("question");
    await server.got("question");
    program.signal("SIGTERM");
    await server.whenEnded();
    server.write("answer").end();
    await client.whenEnded();
    assert.equal(client.text, "answer");
    client.end();
    const { code, err } = await program.end();
    assert.equal(code, 0, err);
  });
});
