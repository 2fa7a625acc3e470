// Whose TLS secures a connection: that of the runtime's own sockets where it does all that is asked for, else `node:tls`.
import assert from "node:assert/strict";
import { describe, type TestContext } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import type {
  Handshake,
  HandshakeObserver,
  TlsClientSettings,
  TlsServerSettings,
} from "../../src/core/tls/tls.ts";
import type { TlsError } from "../../src/core/tls/tls_error.ts";
import { onLoopback } from "../contract/native.ts";
import { Probe } from "../contract/probe.ts";
import { Rig } from "../contract/rig.ts";
import { within } from "../contract/within.ts";
import { clientPair, serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { clientTls, serverTls } from "../support/tls.ts";

const adapter = await detectAdapter();
const subject = onLoopback(adapter);
const own = adapter.can.ownTls ? adapter.name : "node:tls";
const { cert: ca } = await testAuthority();
const pair = await serverPair();
const another = await serverPair("another.test");
const material = await clientPair("engine");

interface Case {
  readonly name: string;
  readonly server?: Partial<TlsServerSettings>;
  readonly client?: Partial<TlsClientSettings>;
  readonly engines: readonly [server: string, client: string];
}
const cases: readonly Case[] = [
  { name: "one certificate, and a CA of the client's own", engines: [own, own] },
  {
    name: "application protocols (F-32)",
    server: { alpn: ["lines/1"] },
    client: { alpn: ["lines/2", "lines/1"] },
    engines: [own, own],
  },
  { name: "certificates by server name (F-29)", server: { select: () => pair }, engines: ["node:tls", own] },
  {
    name: "client certificates (F-31)",
    server: { clientCertificates: "require", ca },
    client: { material },
    engines: ["node:tls", "node:tls"],
  },
  {
    name: "a lowest version",
    server: { minVersion: "TLSv1.3" },
    client: { minVersion: "TLSv1.3" },
    engines: ["node:tls", "node:tls"],
  },
  {
    name: "a highest version",
    server: { maxVersion: "TLSv1.2" },
    client: { maxVersion: "TLSv1.2" },
    engines: ["node:tls", "node:tls"],
  },
  { name: "an address for a server name", client: { serverName: "127.0.0.1" }, engines: [own, "node:tls"] },
  { name: "any certificate taken", client: { insecureSkipVerify: true }, engines: [own, "node:tls"] },
];

/** A plain connection on the way of a secured one. */
interface Relay {
  /** What becomes of a chunk of the client's. */
  change(chunk: Uint8Array): Uint8Array;
  /** FIN to the server, as if it were the client's. */
  cut(): void;
}

/** A connection that has carried one byte, by way of a relay. */
async function relayed(t: TestContext): Promise<{ client: Probe; server: Probe; relay: Relay }> {
  const rig = new Rig(subject, t);
  const listening = await rig.listen({ tls: serverTls(pair) });
  let relay!: Relay;
  const { address } = await rig.listen({}, async (transport) => {
    const near = new Probe(transport);
    const far = await rig.connect(listening.address);
    relay = { change: (chunk) => chunk, cut: () => far.transport.end() };
    near.onData = (chunk) => {
      far.transport.write(relay.change(chunk));
      return true;
    };
    far.onData = (chunk) => {
      near.transport.write(chunk);
      return true;
    };
    far.onEnd = far.onClose = () => near.transport.end();
    near.start();
    far.start();
  });
  const client = (await rig.connect(address, { tls: clientTls({ ca }) })).start();
  const server = (await listening.next()).start();
  client.transport.write(new Uint8Array([1]));
  await server.received(1);
  return { client, server, relay };
}

describe(`TLS on ${adapter.name}`, () => {
  for (const { name, server, client, engines } of cases) {
    it(`is ${engines.join(" and ")} with ${name}`, async (t) => {
      const rig = new Rig(subject, t);
      const listening = await rig.listen({ tls: serverTls(pair, server) });
      const [ours, theirs] = await Promise.all([
        rig.connect(listening.address, { tls: clientTls({ ca, ...client }) }),
        listening.next(),
      ]);
      const [dialled, accepted] = [ours.transport.peer.tls!, theirs.transport.peer.tls!];
      assert.deepEqual([listening.listener.tls, accepted.engine, dialled.engine], [engines[0], ...engines]);
      assert.deepEqual(
        [dialled.protocol, dialled.cipher, dialled.alpn],
        [accepted.protocol, accepted.cipher, accepted.alpn],
      );
      assert.equal(dialled.alpn, server?.alpn?.at(0));
      ours.start().transport.write(new Uint8Array([1, 2, 3]));
      await theirs.start().received(3);
    });
  }

  it("shows the certificate that is in service when a handshake begins (F-30)", async (t) => {
    const rig = new Rig(subject, t);
    let inService = pair;
    const tls: TlsServerSettings = {
      ...serverTls(pair),
      get material() {
        return inService;
      },
    };
    const listening = await rig.listen({ tls });
    const shown = async (serverName: string) => {
      const dialled = await rig.connect(listening.address, { tls: clientTls({ ca, serverName }) });
      await listening.next();
      return dialled.transport.peer.tls!.certificate!.subject;
    };
    assert.equal(await shown("localhost"), "CN=localhost");
    inService = another;
    assert.equal(await shown("another.test"), "CN=another.test");
    assert.equal(listening.listener.tls, own);
  });

  it("tells a client that is refused after its handshake so, as an error (S-24)", async (t) => {
    const rig = new Rig(subject, t);
    const { address } = await rig.listen({ tls: serverTls(pair, { clientCertificates: "require", ca }) });
    const refused = await rig.connect(address, { tls: clientTls({ ca }) });
    await refused.start().until("the close", () => refused.closes === 1);
    assert.equal(refused.error?.reason, "tls", refused.error?.message);
  });

  it("tells that a peer has left while its handshake waited for its turn (F-69)", async (t) => {
    const rig = new Rig(subject, t);
    let waiting: (handshake: Handshake) => void = () => {};
    let over: (error: TlsError | undefined) => void = () => {};
    const waits = new Promise<Handshake>((resolve) => waiting = resolve);
    const ended = new Promise<TlsError | undefined>((resolve) => over = resolve);
    const handshakes: HandshakeObserver = {
      began: () => true,
      ready: waiting,
      ended: (_, error) => over(error),
    };
    const { address } = await rig.listen({ tls: serverTls(pair), handshakes });
    const peer = (await rig.connect(address)).start();
    peer.transport.write(new Uint8Array([22, 3, 1, 0, 200, 1]));
    const handshake = await within(waits, () => "the first bytes");
    peer.transport.end();
    await rig.fence();
    handshake.proceed();
    assert.equal((await within(ended, () => "the end of the handshake"))?.reason, "peer_closed");
  });

  it("ends a connection whose ciphertext is damaged on the way, and tells both ends", async (t) => {
    const { client, server, relay } = await relayed(t);
    relay.change = (chunk) => chunk.with(chunk.length - 1, chunk.at(-1)! ^ 1);
    client.transport.write(new Uint8Array([2]));
    await server.until("the close", () => server.closes === 1);
    assert.equal(server.bytes, 1);
    assert.equal(server.error?.reason, "tls", server.error?.message);
    await client.until("the close", () => client.closes === 1);
    assert.equal(client.error?.reason, "tls", client.error?.message);
  });

  it("takes a FIN without close_notify for a reset, or at least for an end", async (t) => {
    const { server, relay } = await relayed(t);
    relay.cut();
    await server.until("the end", () => server.ends + server.closes > 0);
    server.transport.end();
    await server.until("the close", () => server.closes === 1);
    if (server.ends === 0) assert.equal(server.error?.reason, "reset", server.error?.message);
  });
});
