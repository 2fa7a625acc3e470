// STARTTLS: from the clear to TLS on one connection, and nothing that is said in the clear slips in.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { TlsError, type TlsErrorReason } from "../../src/core/tls/tls_error.ts";
import { clientPair, makeAuthority, serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { Real } from "../support/server.ts";

const text = lines({ encoding: "utf-8" });
type Text = Connection<string>;

/** Answers in the clear, secures at STARTTLS, and then says what it hears with the protocol before it. */
async function starttls(t: TestContext, given: object = {}) {
  const place = await Real.at(t);
  const pair = await serverPair();
  const failures: TlsErrorReason[] = [];
  const heard: string[] = [];
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    handler: async (connection: Text) => {
      for await (const line of connection) {
        heard.push(line);
        if (line !== "STARTTLS") {
          await connection.send(`${connection.peer.tls?.protocol ?? "clear"} ${line}`);
          continue;
        }
        await connection.send("go ahead");
        await connection.upgrade({ ...pair, ...given }).catch((error) => {
          failures.push((error as TlsError).reason);
          throw error;
        });
      }
    },
  });
  const { cert: ca } = await testAuthority();
  const dial = () => place.connect<string>(server, { framing: text, upgradable: true });
  return { place, server, dial, ca, failures, heard };
}

async function next<Frame>(connection: AsyncIterable<Frame>): Promise<Frame | undefined> {
  for await (const frame of connection) return frame;
  return undefined;
}

async function ask(connection: Text, line: string): Promise<string | undefined> {
  await connection.send(line);
  return await next(connection);
}

it("both ends go over to TLS on the same connection, and frames go on (F-34)", async (t) => {
  const { dial, ca, server, place } = await starttls(t);
  const connection = await dial();
  assert.equal(await ask(connection, "one"), "clear one");
  assert.equal(await ask(connection, "STARTTLS"), "go ahead");
  const same = await place.drive(connection.upgrade({ ca, serverName: "localhost" }));
  assert.equal(same, connection);
  assert.equal(await ask(connection, "two"), "TLSv1.3 two");
  const long = "x".repeat(50_000);
  assert.equal(await ask(connection, long), `TLSv1.3 ${long}`);
  assert.equal(connection.peer.tls?.authorized, true);
  assert.equal([...server.connections.values()][0]!.peer.tls?.serverName, "localhost");
  connection.end();
  const record = await place.drive(connection.closed);
  assert.equal(record.reason, "peer_closed");
});

it("asks for client certificates, and the framing changes with it (F-34, F-30)", async (t) => {
  const place = await Real.at(t);
  const pair = await serverPair();
  const { cert: ca } = await testAuthority();
  const binary = lengthField({ lengthBytes: 2, strip: 2 });
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    handler: async (connection: Text) => {
      await next(connection);
      await connection.send("go ahead");
      const tls = { ...pair, clientCertificates: "require", ca } as const;
      const secured = await connection.upgrade<Uint8Array>({ ...tls, framing: binary });
      for await (const frame of secured) await secured.send(frame);
    },
  });
  const connection = await place.connect<string>(server, { framing: text, upgradable: true });
  // Without an answer the handshake could come in one segment with the command, and would be refused.
  assert.equal(await ask(connection, "STARTTLS"), "go ahead");
  const own = await clientPair("device-7");
  const secured = await place.drive(connection.upgrade<Uint8Array>({ ca, ...own, framing: binary }));
  const frame = new Uint8Array([0, 10, 255, 13, 10]);
  await secured.send(frame);
  assert.deepEqual([...(await next(secured))!], [...frame]);
  const [seen] = [...server.connections.values()];
  assert.equal(seen!.peer.tls?.certificate?.subject, "CN=device-7");
});

for (const behind of ["secret\n", "sec", "secret\nmore\n"]) {
  it(`${JSON.stringify(behind)} behind the command, in one chunk with it, is never delivered`, async (t) => {
    const { place, server, failures, heard } = await starttls(t);
    const peer = await place.dial(server);
    peer.write(`STARTTLS\n${behind}`);
    await peer.until(() => peer.ended || peer.closed, "the server to let go");
    peer.abort();
    await place.gone(1);
    assert.deepEqual(failures, ["injected"]);
    assert.deepEqual(heard, ["STARTTLS"]);
    const [record] = place.records;
    assert.equal(record!.reason, "tls_error");
    assert.ok(record!.error instanceof TlsError);
  });
}

it("plaintext that comes while the handshake is awaited is not taken for TLS, and never delivered", async (t) => {
  const { place, server, failures, heard } = await starttls(t);
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await peer.got("go ahead\n");
  peer.write("secret\n");
  await peer.until(() => peer.ended || peer.closed, "the server to let go");
  peer.abort();
  await place.gone(1);
  assert.deepEqual(failures, ["plaintext"]);
  assert.deepEqual(heard, ["STARTTLS"]);
});

it("a server that says more in the clear after its go-ahead is not believed", async (t) => {
  const place = await Real.at(t);
  const { cert: ca } = await testAuthority();
  const server = await place.serve<string>({
    framing: text,
    onFrame: (_, connection) => connection.send("go ahead\nand take this"),
  });
  const connection = await place.connect<string>(server, { framing: text, upgradable: true });
  assert.equal(await ask(connection, "STARTTLS"), "go ahead");
  await assert.rejects(place.drive(connection.upgrade({ ca })), { _tag: "TlsError", reason: "injected" });
  assert.equal((await place.drive(connection.closed)).reason, "tls_error");
});

it("a handshake that is not over in time, or fails, ends the connection", async (t) => {
  const { place, server, failures } = await starttls(t, { handshakeTimeout: 150 });
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await peer.until(() => peer.ended || peer.closed, "the server to let go");
  peer.abort();
  await place.gone(1);
  assert.deepEqual(failures, ["timeout"]);
  const careful = await place.connect<string>(server, { framing: text, upgradable: true });
  assert.equal(await ask(careful, "STARTTLS"), "go ahead");
  const { cert: ca } = await makeAuthority("Nobody");
  const attempt = careful.upgrade({ ca });
  await assert.rejects(place.drive(attempt), { _tag: "TlsError", reason: "certificate_untrusted" });
});

it("in onFrame, nothing is delivered until the upgrade is over", async (t) => {
  const place = await Real.at(t);
  const pair = await serverPair();
  const { cert: ca } = await testAuthority();
  const heard: string[] = [];
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onFrame: (line, connection) => {
      heard.push(line);
      if (line !== "STARTTLS") return connection.send(`${connection.peer.tls?.protocol ?? "clear"} ${line}`);
      connection.send("go ahead");
      // Not awaited, so that nothing but the upgrade itself holds frames back.
      connection.upgrade(pair).catch(() => {});
    },
  });
  const connection = await place.connect<string>(server, { framing: text, upgradable: true });
  assert.equal(await ask(connection, "STARTTLS"), "go ahead");
  await place.drive(connection.upgrade({ ca }));
  assert.equal(await ask(connection, "two"), "TLSv1.3 two");
  const sly = await place.dial(server);
  sly.write("STARTTLS\nsecret\n");
  await sly.until(() => sly.ended || sly.closed, "the server to let go");
  sly.abort();
  assert.deepEqual(heard, ["STARTTLS", "two", "STARTTLS"]);
});

it("is refused where it was not asked for at the start, and beside tls", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve<string>({ framing: text, onFrame: () => {} });
  const connection = await place.connect<string>(server, { framing: text });
  await assert.rejects(connection.upgrade({}), (error) => error instanceof OptionsError);
  const both = place.serve<string>({
    framing: text,
    upgradable: true,
    tls: await serverPair() as never,
    onFrame: () => {},
  });
  await assert.rejects(both, /upgradable/);
});
