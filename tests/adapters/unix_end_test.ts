// How a peer at a Unix socket ends, made with `node:net`, which can close without half-closing first.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createServer, Socket } from "node:net";
import { describe, type TestContext } from "node:test";
import { connect as secure, type TLSSocket } from "node:tls";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { onLoopback } from "../contract/native.ts";
import type { Probe } from "../contract/probe.ts";
import { ascii, Rig } from "../contract/rig.ts";
import { within } from "../contract/within.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { Real } from "../support/server.ts";

const adapter = await detectAdapter();
const subject = onLoopback(adapter);
const { cert: ca } = await testAuthority();

type Way = "listening" | "dialling";

/** The transport under test, started, and its peer. */
async function joined(t: TestContext, way: Way): Promise<{ probe: Probe; peer: Socket }> {
  const rig = new Rig(subject, t);
  const path = subject.unixPath();
  if (way === "listening") {
    const listening = await rig.listen({ address: { transport: "unix", path } });
    const peer = new Socket().on("error", () => {});
    t.after(() => peer.destroy());
    peer.connect({ path });
    return { probe: (await listening.next()).start(), peer };
  }
  let taken!: (socket: Socket) => void;
  const accepted = new Promise<Socket>((resolve) => taken = resolve);
  const server = createServer({ pauseOnConnect: true }, (socket) => taken(socket.on("error", () => {})));
  t.after(() => {
    server.close();
    rmSync(path, { force: true });
  });
  await within(new Promise<void>((resolve) => server.listen({ path }, resolve)), () => "listening");
  const probe = (await rig.connect({ transport: "unix", path })).start();
  const peer = await within(accepted, () => "the connection");
  t.after(() => peer.destroy());
  return { probe, peer };
}

function sent(peer: Socket, text: string): Promise<void> {
  return within(new Promise((resolve) => peer.write(text, () => resolve())), () => "the peer's write");
}

for (const way of ["listening", "dialling"] as const) {
  describe(`a peer at a Unix socket, ${way} end on the ${adapter.name} adapter`, () => {
    it("S-46: that simply closes ends cleanly", async (t) => {
      const { probe, peer } = await joined(t, way);
      peer.destroy();
      await probe.ended();
      probe.transport.end();
      await probe.closed();
      probe.assertClosed();
      assert.equal(probe.ends, 1);
    });

    it("S-46: that closes right behind its bytes ends cleanly after them", async (t) => {
      const { probe, peer } = await joined(t, way);
      await sent(peer, "all there is");
      peer.destroy();
      await probe.ended();
      assert.equal(probe.text, "all there is");
      probe.transport.end();
      await probe.closed();
      probe.assertClosed();
    });

    it("S-46: that closes with our bytes unread is a reset", async (t) => {
      const { probe, peer } = await joined(t, way);
      peer.pause();
      assert.ok(await written(probe, "never read"));
      peer.destroy();
      await probe.closed();
      probe.assertClosed("reset");
      assert.equal(probe.ends, 0);
    });

    it("S-46: that closes with our bytes unread right behind its own is a reset", async (t) => {
      const { probe, peer } = await joined(t, way);
      peer.pause();
      assert.ok(await written(probe, "never read"));
      peer.write("half a fra");
      peer.destroy();
      await probe.closed();
      probe.assertClosed("reset");
      assert.equal(probe.ends, 0);
    });

    it("S-46: that has closed is a reset to what is written after", async (t) => {
      const { probe, peer } = await joined(t, way);
      peer.destroy();
      await probe.ended();
      probe.transport.write(ascii("to nobody"));
      await probe.closed();
      probe.assertClosed("reset");
      assert.equal(probe.ends, 1);
    });
  });
}

/** Resolves once the kernel has them. */
async function written(probe: Probe, text: string): Promise<boolean> {
  if (!probe.transport.write(ascii(text))) await probe.until("its drain", () => probe.drains > 0);
  return true;
}

describe("a connection at a Unix socket", () => {
  const handler = {
    framing: lines(),
    onFrame: (line: Uint8Array, connection: { send(line: Uint8Array): unknown }) =>
      void connection.send(line),
  };

  for (const kind of ["plain", "TLS", "TLS and client certificates"]) {
    it(`S-46: is peer_closed when its peer has its answer and closes: ${kind}`, async (t) => {
      const place = await Real.at(t);
      const path = subject.unixPath();
      const pair = await serverPair();
      const asked = kind.endsWith("certificates");
      const server = await place.serve({
        ...handler,
        port: undefined,
        path,
        ...(kind !== "plain" && { tls: { ...pair, ...(asked && { clientCertificates: "request", ca }) } }),
      } as never);
      assert.equal(server.address.transport, "unix");
      const plain = new Socket().on("error", () => {});
      t.after(() => plain.destroy());
      plain.connect({ path });
      const peer: Socket | TLSSocket = kind === "plain"
        ? plain
        : secure({ socket: plain, ca, servername: "localhost" }).on("error", () => {});
      const answered = new Promise<void>((resolve) => peer.once("data", () => resolve()));
      peer.write("hello\n");
      await within(answered, () => "the answer");
      if (kind === "plain") peer.destroy();
      else peer.end();
      await place.gone(1);
      const [{ reason, endedBy, endedWith }] = place.records as never as [Record<string, string>];
      assert.deepEqual([reason, endedBy, endedWith], ["peer_closed", "peer", "fin"]);
    });
  }

  it("S-46: that was dialled is peer_closed when the server stops", async (t) => {
    const place = await Real.at(t);
    const server = await place.serve({ ...handler, port: undefined, path: subject.unixPath() } as never);
    const client = await place.connect(server, { framing: lines() });
    await client.send(ascii("hello"));
    let answers = 0;
    for await (const _ of client) {
      answers++;
      void server.close();
    }
    await client.close();
    const { reason } = await place.drive(client.closed);
    await place.gone(1);
    assert.deepEqual([answers, reason, place.records[0]!.reason], [1, "peer_closed", "drained"]);
  });
});
