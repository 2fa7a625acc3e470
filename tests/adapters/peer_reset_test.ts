// A peer that resets, made with `node:net`, which can do so on every runtime; the contract's own peers can't on all.
import assert from "node:assert/strict";
import { createServer, Socket } from "node:net";
import { describe, type TestContext } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { onLoopback } from "../contract/native.ts";
import type { Probe } from "../contract/probe.ts";
import { ascii, Rig } from "../contract/rig.ts";
import { within } from "../contract/within.ts";
import { it } from "../support/it.ts";

const adapter = await detectAdapter();
const subject = onLoopback(adapter);

/** The transport under test, not started, and the peer that dialled it. */
async function dialled(t: TestContext): Promise<{ probe: Probe; peer: Socket; rig: Rig }> {
  const rig = new Rig(subject, t);
  const listening = await rig.listen();
  const peer = new Socket({ allowHalfOpen: true });
  peer.on("error", () => {});
  t.after(() => peer.destroy());
  const connected = new Promise<void>((resolve) => peer.once("connect", resolve));
  peer.connect(listening.port, subject.host);
  const probe = await listening.next();
  await within(connected, () => "the peer's connect");
  return { probe, peer, rig };
}

function sent(peer: Socket, bytes: Uint8Array): Promise<void> {
  return within(new Promise((resolve) => peer.write(bytes, () => resolve())), () => "the peer's write");
}

describe(`a peer that resets, on the ${adapter.name} adapter`, () => {
  it("S-10: is a reset and no end while nothing goes on", async (t) => {
    const { probe, peer } = await dialled(t);
    probe.start();
    peer.resetAndDestroy();
    await probe.closed();
    probe.assertClosed("reset");
    assert.equal(probe.ends, 0);
  });

  it("S-10: is a reset and no end right behind bytes", async (t) => {
    const { probe, peer } = await dialled(t);
    probe.start();
    await sent(peer, ascii("half a fra"));
    await probe.received(10);
    peer.resetAndDestroy();
    await probe.closed();
    probe.assertClosed("reset");
    assert.equal(probe.ends, 0);
  });

  it("S-10: is a reset, with no drain, while bytes are held for it", async (t) => {
    const { probe, peer } = await dialled(t);
    peer.pause();
    probe.start();
    assert.equal(probe.transport.write(new Uint8Array(32 << 20)), false);
    peer.resetAndDestroy();
    await probe.closed();
    probe.assertClosed("reset");
    assert.equal(probe.drains, 0);
    assert.equal(probe.ends, 0);
  });

  it("S-10: is a reset after our own end", async (t) => {
    const { probe, peer } = await dialled(t);
    const ended = new Promise((resolve) => peer.once("end", resolve));
    peer.resume();
    probe.start();
    probe.transport.end();
    await within(ended, () => "our FIN at the peer");
    peer.resetAndDestroy();
    await probe.closed();
    probe.assertClosed("reset");
    assert.equal(probe.ends, 0);
  });

  it("S-10: is told after start when it came before", async (t) => {
    const { probe, peer, rig } = await dialled(t);
    peer.resetAndDestroy();
    await rig.fence();
    probe.start();
    await probe.closed();
    probe.assertClosed("reset");
  });

  it("S-10: is found by the next write when its FIN came first", async (t) => {
    const { probe, peer, rig } = await dialled(t);
    probe.start();
    await within(new Promise<void>((resolve) => peer.end(resolve)), () => "the peer's end");
    await probe.ended();
    peer.resetAndDestroy();
    await rig.fence();
    probe.transport.write(ascii("to nobody"));
    await probe.closed();
    probe.assertClosed("reset");
  });

  it("S-10: is a reset on the dialling end too", async (t) => {
    const accepted: Socket[] = [];
    const server = createServer((socket) => {
      accepted.push(socket.on("error", () => {}));
      socket.on("data", () => socket.resetAndDestroy());
    });
    t.after(() => server.close());
    await within(new Promise<void>((resolve) => server.listen(0, subject.host, resolve)), () => "listening");
    const { port } = server.address() as { port: number };
    const probe = await new Rig(subject, t).connect({ transport: "tcp", host: subject.host, port });
    probe.start();
    probe.transport.write(ascii("x"));
    await probe.closed();
    probe.assertClosed("reset");
    assert.equal(probe.ends, 0);
    assert.equal(accepted.length, 1);
  });
});

describe(`abort, on the ${adapter.name} adapter`, () => {
  it("lets go of the connection although the peer takes none of the bytes that are held", async (t) => {
    const { probe, peer } = await dialled(t);
    peer.pause();
    probe.start();
    assert.equal(probe.transport.write(new Uint8Array(32 << 20)), false);
    const over = new Promise<void>((resolve) => {
      peer.once("end", resolve);
      peer.once("close", () => resolve());
    });
    probe.transport.abort();
    await probe.closed();
    probe.assertClosed();
    peer.resume();
    await within(over, () => "the end of the connection at the peer");
    assert.ok(peer.bytesRead < 32 << 20, `${peer.bytesRead} bytes came`);
  });
});
