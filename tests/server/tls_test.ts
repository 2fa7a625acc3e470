// TLS of a server: who is let in, what becomes of everybody else, and what all of it costs the others.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { connect } from "../../src/client/connect.ts";
import type { TlsClientOptions } from "../../src/connection/tls/options.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { TlsError, type TlsErrorReason } from "../../src/core/tls/tls_error.ts";
import { certificates } from "../../src/certificates/certificates.ts";
import type { Server } from "../../src/server/server.ts";
import type { UncheckedServeOptions } from "../../src/server/server_options.ts";
import type { HandshakePeer } from "../../src/server/server_tls.ts";
import type { TlsServerOptions } from "../../src/connection/tls/options.ts";
import { clientPair, makeAuthority, serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import type { Peer } from "../support/peer.ts";
import { Real } from "../support/server.ts";
import { within } from "../contract/within.ts";

const text = lines({ encoding: "utf-8" });
const adapter = await detectAdapter();

/** What a server under test has told about handshakes that failed. */
class Failures {
  readonly reasons: TlsErrorReason[] = [];
  readonly peers: HandshakePeer[] = [];
  readonly errors: TlsError[] = [];
  #told: () => void = () => {};

  readonly note = (error: TlsError, peer: HandshakePeer): void => {
    this.errors.push(error);
    this.reasons.push(error.reason);
    this.peers.push(peer);
    this.#told();
  };

  next(count: number): Promise<void> {
    const come = new Promise<void>((resolve) => {
      this.#told = () => void (this.reasons.length >= count && resolve());
      this.#told();
    });
    return within(come, () => `${count} failures; had come: ${this.reasons}`);
  }
}

type More = Partial<UncheckedServeOptions<string>> & { readonly secure?: Partial<TlsServerOptions> };

/** An echo over TLS with a certificate of the test CA. */
async function echo(t: TestContext, { secure, ...more }: More = {}) {
  const place = await Real.at(t);
  const failures = new Failures();
  const server = await place.serve<string>(
    {
      framing: text,
      tls: { ...await serverPair(), ...secure },
      onFrame: (line, connection) => connection.send(line),
      onTlsError: failures.note,
      ...more,
    } as Parameters<typeof place.serve<string>>[0],
  );
  const { cert: ca } = await testAuthority();
  const dial = (tls: TlsClientOptions = {}) =>
    place.connect<string>(server, { framing: text, tls: { ca, ...tls } });
  return { place, server, failures, ca, dial };
}

async function answer(connection: AsyncIterable<string> & { send(line: string): unknown }, line: string) {
  await connection.send(line);
  for await (const got of connection) return got;
  return undefined;
}

async function refusal(promise: Promise<unknown>): Promise<TlsErrorReason> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof TlsError) return error.reason;
    throw error;
  }
  throw new Error("it was let in");
}

function sees(server: Server<string>): readonly number[] {
  const { handshakesActive, handshakesCompleted, handshakesFailed, connectionsActive } = server.stats();
  return [handshakesActive, handshakesCompleted, handshakesFailed, connectionsActive];
}

it("secures a connection, and both ends tell what was agreed on (F-29, F-32, F-33)", async (t) => {
  const { server, dial } = await echo(t, { secure: { alpn: ["lines/1", "lines/0"] } });
  const connection = await dial({ serverName: "localhost", alpn: ["lines/0", "lines/1"] });
  assert.equal(await answer(connection, "hello"), "hello");
  const mine = connection.peer.tls!;
  assert.equal(mine.protocol, "TLSv1.3");
  assert.match(mine.cipher!, /^TLS_/);
  assert.equal(mine.authorized, true);
  assert.equal(mine.certificate?.subject, "CN=localhost");
  assert.ok(mine.certificate.subjectAltNames.includes("IP Address:127.0.0.1"));
  const [seen] = [...server.connections.values()];
  assert.equal(seen!.peer.tls!.serverName, "localhost");
  assert.equal(seen!.peer.tls!.alpn, mine.alpn);
  assert.ok(mine.alpn?.startsWith("lines/"), mine.alpn);
  assert.equal(seen!.peer.tls!.certificate, undefined);
  const { tls } = server.inspect();
  assert.equal(tls?.engine, adapter.can.ownTls ? adapter.name : "node:tls");
  assert.deepEqual([mine.engine, seen!.peer.tls!.engine], [tls!.engine, tls!.engine]);
  assert.deepEqual(tls!.certificates?.map(({ subject }) => subject), ["CN=localhost"]);
  assert.deepEqual(sees(server), [0, 1, 0, 1]);
});

it("S-21: text, HTTP and garbage on a TLS port are told apart at once, and nobody else is disturbed", async (t) => {
  const { place, server, failures, dial } = await echo(t);
  const good = await dial();
  const wrong: readonly (readonly [string | Uint8Array, TlsErrorReason, RegExp])[] = [
    ["GET / HTTP/1.1\r\n\r\n", "plaintext", /an HTTP request without TLS; turn TLS on/],
    ["hello there\n", "plaintext", /unencrypted/],
    [
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
      "not_tls",
      /a PROXY protocol header \(v1\); name the load balancer in the option proxyProtocol/,
    ],
    [
      "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
      "not_tls",
      /a PROXY protocol header \(v2\); name the load balancer/,
    ],
    [new Uint8Array([0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3]), "not_tls", /not TLS/],
  ];
  for (const [bytes, reason, message] of wrong) {
    const before = failures.reasons.length;
    const peer = await place.dial(server);
    peer.write(bytes);
    await left(peer);
    await failures.next(before + 1);
    assert.equal(failures.reasons.at(-1), reason);
    assert.match(failures.errors.at(-1)!.message, message);
    const local = peer.transport.peer.local;
    assert.equal(failures.peers.at(-1)!.port, local.transport === "tcp" ? local.port : 0);
  }
  const record = place.logs.find(({ message }) => message === "TLS handshake failed");
  assert.equal(record?.fields["peer.ip"], "127.0.0.1");
  assert.equal(await answer(good, "still here"), "still here");
  assert.deepEqual(server.stats().handshakesFailedByReason, { plaintext: 2, not_tls: 3 });
  assert.deepEqual(sees(server), [0, 1, 5, 1]);
});

it("S-22: half a ClientHello holds one slot for the handshake timeout, and is no connection (F-15)", async (t) => {
  const { place, server, failures } = await echo(t, { secure: { handshakeTimeout: 200 } });
  const peer = await place.dial(server);
  peer.write(new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]));
  const silent = await place.dial(server);
  await Promise.all([left(peer), left(silent)]);
  await failures.next(2);
  assert.deepEqual(failures.reasons, ["timeout", "timeout"]);
  assert.match(failures.errors[0]!.message, /not complete within 200 ms/);
  assert.deepEqual(sees(server), [0, 0, 2, 0]);
});

it("handshakes have slots of their own, and one too many is dropped (F-69)", async (t) => {
  const { place, server, dial } = await echo(t, { maxHandshakes: 2, maxConnections: 1 });
  const good = await dial();
  const waiting = [await place.dial(server), await place.dial(server)];
  // It may be dropped before it knows that it was connected.
  await place.dial(server).then(left, (error) => assert.equal(error.reason, "reset"));
  assert.deepEqual(server.stats().handshakesFailedByReason, { too_many_handshakes: 1 });
  assert.equal(server.stats().handshakesActive, 2);
  assert.equal(await answer(good, "not disturbed"), "not disturbed");
  for (const peer of waiting) peer.abort();
  await place.drive(until(() => server.stats().handshakesActive === 0));
});

it("S-24: a client without a certificate, with a stranger's or an expired one is refused before a handler hears of it (F-30)", async (t) => {
  const { cert: ca, sign } = await testAuthority();
  let heard = 0;
  const { server, failures, dial } = await echo(t, {
    secure: { clientCertificates: "require", ca },
    onConnect: () => void heard++,
  });
  const day = 86_400_000;
  const expired = await sign({
    subject: "late",
    use: "client",
    from: Date.now() - 9 * day,
    to: Date.now() - day,
  });
  const stranger = await (await makeAuthority("Strangers")).sign({ subject: "device-9", use: "client" });
  const tried: readonly (readonly [TlsClientOptions, TlsErrorReason])[] = [
    [{}, "certificate_missing"],
    [stranger, "certificate_untrusted"],
    [expired, "certificate_expired"],
  ];
  for (const [own, reason] of tried) {
    const before = failures.reasons.length;
    // With TLS 1.3 the client's side may be done before the server has looked.
    const connection = await dial(own).catch((error) => assert.ok(error instanceof TlsError, String(error)));
    await failures.next(before + 1);
    assert.equal(failures.reasons.at(-1), reason, failures.errors.at(-1)!.message);
    await connection?.closed;
  }
  assert.equal(heard, 0);
  const device = await dial(await clientPair("device-7"));
  assert.equal(await answer(device, "hello"), "hello");
  const seen = [...server.connections.values()][0]!.peer.tls!;
  assert.equal(seen.certificate?.subject, "CN=device-7");
  assert.match(seen.certificate.fingerprint256, /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.equal(seen.authorized, true);
  assert.equal(heard, 1);
});

it("authorize has the last word on a certificate, at once or later, and throwing is a no (F-30)", async (t) => {
  const { cert: ca } = await testAuthority();
  const { failures, dial } = await echo(t, {
    secure: {
      clientCertificates: "request",
      ca,
      authorize: (certificate) => {
        if (certificate === undefined) return false;
        if (certificate.subject === "CN=thrower") throw new Error("no idea");
        if (certificate.subject === "CN=guest") return Promise.resolve(undefined as unknown as boolean);
        return Promise.resolve(certificate.subject === "CN=device-7");
      },
    },
  });
  for (const own of [{}, await clientPair("guest"), await clientPair("thrower")]) {
    const connection = await dial(own).catch(() => undefined);
    await connection?.closed;
  }
  await failures.next(3);
  assert.deepEqual(failures.reasons, ["unauthorized", "unauthorized", "unauthorized"]);
  assert.match(failures.errors[2]!.message, /CN=thrower: rejected by authorize, which threw Error: no idea/);
  assert.equal(await answer(await dial(await clientPair("device-7")), "hello"), "hello");
});

it("a client refuses an unknown CA, a wrong name and too old a server, each with its reason (F-33)", async (t) => {
  const { dial, place, server } = await echo(t, { secure: { maxVersion: "TLSv1.2" } });
  const { cert: other } = await makeAuthority("Nobody");
  assert.equal(await refusal(dial({ ca: other })), "certificate_untrusted");
  assert.equal(await refusal(dial({ serverName: "else.example" })), "certificate_name");
  assert.equal(await refusal(dial({ minVersion: "TLSv1.3" })), "version");
  const plain = await place.serve<string>({
    framing: text,
    onFrame: () => {},
    onConnect: (c) => c.send("220 hello"),
  });
  assert.equal(await refusal(place.connect<string>(plain, { framing: text, tls: true })), "not_tls");
  const careless = await place.connect<string>(server, { framing: text, tls: { insecureSkipVerify: true } });
  assert.equal(careless.peer.tls?.authorized, false);
  assert.equal(careless.peer.tls?.protocol, "TLSv1.2");
});

it("a certificate is chosen by server name, and clients see another one after a rotation (F-31)", async (t) => {
  const set = certificates({ main: await serverPair(), shop: await serverPair("*.shop.example") });
  const place = await Real.at(t);
  const server = await place.serve<string>({ framing: text, tls: set, onFrame: (l, c) => c.send(l) });
  const { cert: ca } = await testAuthority();
  const dial = (serverName: string) =>
    place.connect<string>(server, { framing: text, tls: { ca, serverName } });
  const shop = await dial("a.shop.example");
  assert.deepEqual(shop.peer.tls!.certificate!.subjectAltNames, ["DNS:*.shop.example"]);
  const before = (await dial("localhost")).peer.tls!.certificate!.fingerprint256;
  for (let round = 0; round < 2; round++) {
    set.rotate("main", await serverPair());
    const now = (await dial("localhost")).peer.tls!.certificate!.fingerprint256;
    assert.notEqual(now, before);
    assert.equal(set.inspect()[0]!.fingerprint256, now);
  }
  assert.equal(await answer(shop, "as ever"), "as ever");
});

it("S-27: close and destroy end handshakes that are on their way", async (t) => {
  for (const how of ["close", "destroy"] as const) {
    const { place, server } = await echo(t);
    const peers = [await place.dial(server), await place.dial(server)];
    peers[0]!.write(new Uint8Array([0x16, 3, 1, 2, 0, 1]));
    await place.drive(until(() => server.stats().handshakesActive === 2));
    await place.drive(server[how]());
    await Promise.all(peers.map(left));
    assert.equal(server.stats().handshakesActive, 0);
    assert.equal(server.state, "stopped");
  }
});

it("options that this runtime cannot meet, or that make no sense, are refused before listening, without the key", async () => {
  const pair = await serverPair();
  const given = (tls: object) => adapterless({ ...pair, ...tls });
  for (
    const [tls, path] of [
      [{ minVersion: "TLSv1.1" }, "tls.minVersion"],
      [{ minVersion: "TLSv1.3", maxVersion: "TLSv1.2" }, "tls.maxVersion"],
      [{ clientCertificates: "require" }, "tls.ca"],
      [{ authorize: () => true }, "tls.authorize"],
      [{ alpn: [""] }, "tls.alpn"],
      [{ alpn: ["\u00e9"] }, "tls.alpn"],
      [{ key: undefined }, "tls.key"],
      [{ keyy: pair.key }, "tls.keyy"],
      ...adapter.can.tlsCiphers ? [] : [[{ ciphers: "ECDHE-RSA-AES128-GCM-SHA256" }, "tls.ciphers"]] as const,
      ...adapter.can.tlsCipherSuites ? [] : [[{ ciphers: "TLS_AES_128_GCM_SHA256" }, "tls.ciphers"]] as const,
    ] as const
  ) {
    await assert.rejects(given(tls), (error: Error) => {
      assert.ok(error instanceof OptionsError, String(error));
      assert.ok(error.issues.some((issue) => issue.path === path), error.message);
      assert.doesNotMatch(JSON.stringify(error.issues) + error.message, /PRIVATE/);
      return true;
    });
  }
  const other = await serverPair();
  await assert.rejects(given({ key: other.key }), (error: Error) => {
    assert.ok(error instanceof TlsError, String(error));
    assert.equal(error.reason, "material");
    return true;
  });
});

async function adapterless(tls: object): Promise<void> {
  const { serve } = await import("../../src/server/serve.ts");
  const server = await serve({ port: 0, framing: text, tls: tls as TlsServerOptions, onFrame: () => {} });
  await server.destroy();
}

it("a dial to a peer that never answers the handshake is over after connectTimeout", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve<string>({ framing: text, onFrame: () => {} });
  const { address } = server;
  assert.ok(address.transport === "tcp");
  const attempt = connect({ port: address.port, framing: text, tls: true, connectTimeout: 200 });
  await assert.rejects(place.drive(attempt), { _tag: "TimeoutError", reason: "connect" });
});

/** Resolves when the server has let go of a peer, be it with FIN or RST. */
async function left(peer: Peer): Promise<void> {
  await peer.until(() => peer.ended || peer.closed, "the server to let go");
  peer.abort();
}

/** Resolves once the condition holds, looked at in every turn. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setTimeout(resolve, 1));
}
