// Peers that read slowly, on real sockets: what was promised to them arrives, plain and under TLS.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import type { Adapter, AdapterConnectOptions } from "../../src/core/transport.ts";
import { raw } from "../../src/core/framing/raw.ts";
import type { SendOutcome } from "../../src/core/flow/outcome.ts";
import { pattern } from "../contract/rig.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { Gate } from "../support/frames.ts";
import { it } from "../support/it.ts";
import { dial, type Peer } from "../support/peer.ts";
import { Real } from "../support/server.ts";
import { clientTls } from "../support/tls.ts";

const native = await detectAdapter();
const authority = await testAuthority();
const sent = pattern(1 << 20);

/** The bare sockets, and the same with TLS: what the runtime has of its own, and `node:tls`. */
const kinds = [
  { name: "plain", secure: undefined },
  { name: "TLS", secure: {} },
  { name: "TLS 1.2 of node:tls", secure: { maxVersion: "TLSv1.2" } },
] as const;

function securing(secure: object | undefined): Adapter {
  if (secure === undefined) return native;
  const tls = clientTls({ ca: authority.cert });
  return { ...native, connect: (options: AdapterConnectOptions) => native.connect({ ...options, tls }) };
}

/** A server that hands over a mebibyte to a peer that does not read, and then does what `then` says. */
async function delivered(t: TestContext, secure: object | undefined, lingerTimeout: number) {
  const place = await Real.at(t);
  const outcome = new Gate<SendOutcome>();
  const server = await place.serve<Uint8Array>({
    framing: raw(),
    lingerTimeout,
    ...(secure !== undefined && { tls: { ...await serverPair(), ...secure } }),
    handler: async (connection) => {
      outcome.open(await connection.deliver(sent));
    },
  });
  const peer = await place.drive(dial(securing(secure), server.address, "stalled"));
  place.atEnd(() => peer.abort());
  assert.equal((await place.drive(outcome.promise)).status, "sent");
  return { place, server, peer };
}

function check(peer: Peer): void {
  assert.equal(peer.bytes, sent.length);
  assert.ok(peer.all.every((byte, at) => byte === sent[at]));
  assert.equal(peer.error, undefined);
}

for (const { name, secure } of kinds) {
  it(`S-43: a peer that begins to read after lingerTimeout gets all that was delivered, and FIN (${name})`, async (t) => {
    const { place, peer } = await delivered(t, secure, 50);
    await place.gone(1);
    const [record] = place.records;
    assert.deepEqual([record!.reason, record!.endedWith, record!.bytesUnsent], ["handler_done", "fin", 0]);
    assert.equal(record!.bytesSent, sent.length);
    peer.onData = () => true;
    peer.transport.resume();
    await peer.whenEnded();
    check(peer);
  });

  it(`S-43: a peer that still sends after our FIN is read from until it reads what it was sent (${name})`, async (t) => {
    const { place, server, peer } = await delivered(t, secure, 300);
    // Far more than lies between two sockets: it is taken only because the server still reads.
    peer.write(new Uint8Array(32 << 20));
    await peer.until(() => peer.taken, "the server to have read what came after its FIN");
    assert.equal(server.connections.size, 1);
    peer.onData = () => true;
    peer.transport.resume();
    await peer.whenEnded();
    check(peer);
    peer.end();
    await place.gone(1);
    assert.deepEqual([place.records[0]!.reason, place.records[0]!.endedWith], ["handler_done", "fin"]);
  });
}
