// STARTTLS with peers that are not of this package: node:tls over a plain socket, on either side.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect as dial, createServer, type Socket } from "node:net";
import { type TestContext } from "node:test";
import { connect as secure, createSecureContext, TLSSocket } from "node:tls";
import type { Connection } from "../../src/connection/connection.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { TlsError } from "../../src/core/tls/tls_error.ts";
import { within } from "../contract/within.ts";
import { makeAuthority, serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { Real } from "../support/server.ts";

const text = lines({ encoding: "utf-8" });
type Text = Connection<string>;

/** Reads a stream until it has ended with this text. */
function got(socket: Socket, wanted: string): Promise<string> {
  let all = "";
  const read = new Promise<string>((resolve, reject) => {
    const look = (chunk: Uint8Array): void => {
      all += new TextDecoder().decode(chunk);
      if (!all.endsWith(wanted)) return;
      socket.off("data", look);
      resolve(all);
    };
    socket.on("data", look);
    socket.on("close", () => reject(new Error(`closed after ${JSON.stringify(all)}`)));
  });
  return within(read, () => `${JSON.stringify(wanted)}; there is ${JSON.stringify(all)}`);
}

/** A server of the raw kind, which says go ahead and then this; `secured` has its side once the handshake is over. */
async function rawServer(t: TestContext, behind: (socket: Socket) => void | Promise<void>) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    t.after(() => socket.destroy());
    got(socket, "STARTTLS\n").then(() => behind(socket)).catch(() => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { address: { transport: "tcp", host: "127.0.0.1", port } } as const;
}

it("a client of node:tls goes over to TLS with our server (F-34)", async (t) => {
  const place = await Real.at(t);
  const pair = await serverPair();
  const { cert: ca } = await testAuthority();
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onFrame: async (line, connection) => {
      if (line !== "STARTTLS") return connection.send(`${connection.peer.tls?.protocol ?? "clear"} ${line}`);
      await connection.send("go ahead");
      await connection.upgrade(pair);
    },
  });
  const { port } = server.address as { readonly port: number };
  const socket = dial({ port, host: "127.0.0.1" });
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  socket.write("one\n");
  assert.equal(await got(socket, "\n"), "clear one\n");
  const id = [...server.connections.keys()][0];
  socket.write("STARTTLS\n");
  assert.equal(await got(socket, "\n"), "go ahead\n");
  socket.removeAllListeners("close");
  const secured = secure({ socket, ca, servername: "localhost" });
  secured.on("error", () => {});
  t.after(() => secured.destroy());
  await within(once(secured, "secureConnect"), () => "the handshake");
  secured.write("two\n");
  assert.equal(await got(secured, "\n"), "TLSv1.3 two\n");
  const [connection] = [...server.connections.values()];
  assert.equal(connection!.id, id);
  assert.equal(connection!.stats().framesReceived, 3);
  assert.equal(connection!.stats().framesSent, 3);
});

it("our client goes over to TLS with a server of node:tls, and the framing changes (F-34)", async (t) => {
  const place = await Real.at(t);
  const { cert, key } = await serverPair();
  const { cert: ca } = await testAuthority();
  const server = await rawServer(t, (socket) => {
    socket.removeAllListeners("data");
    socket.pause();
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext({ cert, key }),
    });
    secured.on("error", () => {});
    secured.on("data", (chunk: Uint8Array) => secured.write(chunk));
    socket.write("go ahead\n");
  });
  const connection = await place.connect<string>(server, { framing: text, upgradable: true });
  const { id } = connection;
  await connection.send("STARTTLS");
  assert.equal((await connection[Symbol.asyncIterator]().next()).value, "go ahead");
  const framing = lengthField({ lengthBytes: 2, strip: 2 });
  const upgrade = connection.upgrade<Uint8Array>({ ca, serverName: "localhost", framing });
  const secured = await place.drive(upgrade);
  await secured.send(new Uint8Array([10, 0, 10]));
  const { value } = await place.drive(secured[Symbol.asyncIterator]().next());
  assert.deepEqual([...value!], [10, 0, 10]);
  assert.equal(secured.id, id);
  assert.equal(secured.stats().framesReceived, 2);
});

for (const [how, said] of [["in the same segment", true], ["in a later one", false]] as const) {
  it(`CVE-2011-0411: what a server says in the clear behind its go-ahead, ${how}, is never delivered`, async (t) => {
    const place = await Real.at(t);
    const { cert: ca } = await testAuthority();
    let more!: () => void;
    const server = await rawServer(t, (socket) => {
      socket.write(said ? "go ahead\nand take this\n" : "go ahead\n");
      more = () => void socket.write("and take this\n");
    });
    const connection: Text = await place.connect<string>(server, { framing: text, upgradable: true });
    await connection.send("STARTTLS");
    const heard: string[] = [];
    let failure: unknown;
    for await (const line of connection) {
      heard.push(line);
      const upgrade = connection.upgrade({ ca, serverName: "localhost" });
      if (!said) more();
      await place.drive(upgrade).catch((error) => failure = error);
      break;
    }
    const { value } = await connection[Symbol.asyncIterator]().next().catch(() => ({ value: undefined }));
    assert.equal(value, undefined);
    assert.deepEqual(heard, ["go ahead"]);
    const record = await place.drive(connection.closed);
    assert.equal(record.reason, "tls_error");
    assert.equal(record.error, failure);
    const { reason } = failure as TlsError;
    assert.ok(said ? reason === "injected" : ["not_tls", "plaintext"].includes(reason), reason);
  });
}

it("CVE-2021-33515: a handshake in one segment with the command is refused, as what is behind it in the clear", async (t) => {
  const place = await Real.at(t);
  const pair = await serverPair();
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onFrame: (_, connection) => void connection.upgrade(pair),
  });
  const peer = await place.dial(server);
  const hello = new Uint8Array(40);
  hello.set([0x16, 3, 1, 0, 35, 1, 0, 0, 31, 3, 3]);
  const command = new TextEncoder().encode("STARTTLS\n");
  const both = new Uint8Array(command.length + hello.length);
  both.set(command);
  both.set(hello, command.length);
  peer.write(both);
  await peer.until(() => peer.ended || peer.closed, "the server to let go");
  peer.abort();
  await place.gone(1);
  assert.equal((place.records[0]!.error as TlsError).reason, "injected");
});

it("handshakes that fail say why, in the error as in the record, on both sides", async (t) => {
  const place = await Real.at(t);
  const pair = await serverPair();
  const { cert: nobody } = await makeAuthority("Nobody");
  const { cert: ca } = await testAuthority();
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onFrame: async (_, connection) => {
      await connection.send("go ahead");
      await connection.upgrade(pair);
    },
  });
  const attempt = async (options: object): Promise<[string, string]> => {
    const connection: Text = await place.connect<string>(server, { framing: text, upgradable: true });
    await connection.send("STARTTLS");
    await connection[Symbol.asyncIterator]().next();
    const upgrade = connection.upgrade(options).then(() => undefined, (error) => error as TlsError);
    const error = await place.drive(upgrade);
    const record = await place.drive(connection.closed);
    assert.equal(record.error, error);
    return [record.reason, error!.reason];
  };
  assert.deepEqual(await attempt({ ca: nobody, serverName: "localhost" }), [
    "tls_error",
    "certificate_untrusted",
  ]);
  assert.deepEqual(await attempt({ ca, serverName: "elsewhere.example" }), ["tls_error", "certificate_name"]);
  // Theirs is only told after ours.
  await place.gone(2);
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await peer.got("go ahead\n");
  peer.end();
  await place.gone(3);
  const hasty = await place.dial(server);
  hasty.write("STARTTLS\n").end();
  await place.gone(4);
  for (const record of place.records.slice(2)) {
    assert.equal(record.reason, "tls_error");
    assert.equal((record.error as TlsError).reason, "peer_closed");
  }
  peer.abort();
  hasty.abort();
});

it("a client's handshake that is not over in time is a TlsError, too", async (t) => {
  const place = await Real.at(t);
  const server = await rawServer(t, (socket) => void socket.write("go ahead\n"));
  const connection: Text = await place.connect<string>(server, { framing: text, upgradable: true });
  await connection.send("STARTTLS");
  await connection[Symbol.asyncIterator]().next();
  const upgrade = connection.upgrade({ serverName: "localhost", handshakeTimeout: 100 });
  await assert.rejects(place.drive(upgrade), { _tag: "TlsError", reason: "timeout" });
  assert.equal((await place.drive(connection.closed)).reason, "tls_error");
});

for (const side of ["server", "client"] as const) {
  it(`a ${side}'s connection can be killed in the midst of a handshake`, async (t) => {
    const place = await Real.at(t);
    const pair = await serverPair();
    if (side === "client") {
      const raw = await rawServer(t, (socket) => void socket.write("go ahead\n"));
      const connection: Text = await place.connect<string>(raw, { framing: text, upgradable: true });
      await connection.send("STARTTLS");
      await connection[Symbol.asyncIterator]().next();
      const upgrade = connection.upgrade({ serverName: "localhost" });
      setTimeout(() => connection.destroy({}), 20);
      await assert.rejects(place.drive(upgrade), { _tag: "SocketError" });
      assert.equal((await place.drive(connection.closed)).reason, "killed");
      return;
    }
    const server = await place.serve<string>({
      framing: text,
      upgradable: true,
      onFrame: async (_, connection) => {
        await connection.send("go ahead");
        await connection.upgrade(pair);
      },
    });
    const peer = await place.dial(server);
    peer.write("STARTTLS\n");
    await peer.got("go ahead\n");
    // The head of a handshake that goes on and on.
    peer.write(new Uint8Array([0x16, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3]));
    const [connection] = [...server.connections.values()];
    connection!.destroy({});
    assert.equal((await place.drive(connection!.closed)).reason, "killed");
    await peer.until(() => peer.ended || peer.closed, "the server to let go");
    peer.abort();
  });
}

it("a pair that does not belong together ends the connection, and the socket with it", async (t) => {
  const place = await Real.at(t);
  const { cert } = await serverPair();
  const { key } = await makeAuthority("Nobody");
  const server = await place.serve<string>({
    framing: text,
    upgradable: true,
    onFrame: async (_, connection) => {
      await connection.send("go ahead");
      await connection.upgrade({ cert, key });
    },
  });
  const peer = await place.dial(server);
  peer.write("STARTTLS\n");
  await peer.until(() => peer.ended || peer.closed, "the server to let go");
  peer.abort();
  await place.gone(1);
  assert.equal((place.records[0]!.error as TlsError).reason, "material");
  assert.equal(place.records[0]!.endedBy, "local");
});
