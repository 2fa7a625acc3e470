// A second handshake within a connection, which TLS 1.2 knows: whoever asks for one is refused, on both sides.
import assert from "node:assert/strict";
import { connect } from "../../src/client/connect.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { filesFor, Openssl, withoutOpenssl } from "../support/openssl.ts";
import { Real } from "../support/server.ts";

const text = lines({ encoding: "utf-8" });
const limit = { timeout: 30_000, skip: withoutOpenssl };

/** The second of each is `node:tls` on every runtime, the first the runtime's own TLS where it has one. */
const servers = [["any version", {}], ["no version above 1.2", { maxVersion: "TLSv1.2" }]] as const;
const clients = [["any version", { serverName: "localhost" }], ["no version above 1.2", {
  serverName: "localhost",
  maxVersion: "TLSv1.2",
}]] as const;

for (const [how, tls] of servers) {
  it(`S-56: a server with ${how} refuses a client that asks for another handshake`, limit, async (t) => {
    const place = await Real.at(t);
    const server = await place.serve<string>({
      framing: text,
      tls: { ...await serverPair(), ...tls },
      onFrame: (line, connection) => connection.send(`${line} it is`),
    });
    const port = server.address.transport === "tcp" ? server.address.port : 0;
    const asked = new Openssl(t, "s_client", "-connect", `127.0.0.1:${port}`, "-tls1_2", "-msg");
    asked.say("one\n");
    await asked.until(() => asked.text.includes("one it is"));
    asked.say("R\n");
    await asked.until(() => asked.count(/, ServerHello\n/g) > 1);
    asked.leave();
    assert.notEqual(await asked.ended, 0);
    assert.match(asked.text, /RENEGOTIATING/);
    assert.equal(asked.count(/, ServerHello\n/g), 1);
    assert.equal(server.stats().handshakesCompleted, 1);
    const other = await place.connect<string>(server, {
      framing: text,
      tls: { ca: (await testAuthority()).cert },
    });
    await other.send("another");
    assert.equal((await other[Symbol.asyncIterator]().next()).value, "another it is");
  });
}

for (const [how, tls] of clients) {
  it(`S-56: a client with ${how} refuses a server that asks for another handshake`, limit, async (t) => {
    const file = filesFor(t);
    const { cert, key } = await serverPair();
    const pair = ["-cert", file("server.crt", cert), "-key", file("server.key", key)];
    const peer = new Openssl(t, "s_server", "-accept", "0", "-tls1_2", "-msg", ...pair);
    const { cert: ca } = await testAuthority();
    const connection = await connect<string>({ port: await peer.port(), framing: text, tls: { ca, ...tls } });
    t.after(() => connection.destroy({}));
    await connection.send("one");
    await peer.until(() => peer.text.includes("one\n"));
    peer.say("r\n");
    await peer.until(() => peer.count(/, ClientHello\n/g) > 1 || /:error:/.test(peer.text));
    assert.equal(peer.count(/, ClientHello\n/g), 1);
    // OpenSSL gives up then, and says so.
    assert.equal((await connection.closed).reason, "peer_reset");
  });
}
