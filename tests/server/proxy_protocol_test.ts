// Connections through a proxy that says who the client is.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { systemClock } from "../../src/core/time/clock.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { writeProxyV2 } from "../../src/core/proxy/proxy_writer.ts";
import type { Peer as PeerInfo } from "../../src/core/transport.ts";
import { serve } from "../../src/server/serve.ts";
import type { RejectReason } from "../../src/server/admission_options.ts";
import { within } from "../contract/within.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { bytes, Gate } from "../support/frames.ts";
import { it } from "../support/it.ts";
import type { Peer } from "../support/peer.ts";
import { Real, Virtual } from "../support/server.ts";
import { filesFor } from "../support/openssl.ts";

const framing = lines({ encoding: "utf-8" });
const v1 = "PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n";
const ends = { source: { ip: "192.0.2.1", port: 4660 }, destination: { ip: "198.51.100.2", port: 443 } };
const v2 = writeProxyV2(ends, [{ type: 1, value: bytes("mqtt") }]);
const from = ["127.0.0.1"];

/** Says who it is that has connected. */
function tell(line: string, connection: Connection<string>): void {
  const { ip, port, via } = connection.peer;
  void connection.send(`${line} ${ip}:${port} ${via?.version} ${via?.source?.ip} ${via?.ip}`);
}

describe("a server behind a proxy", () => {
  for (const [version, header] of [[1, bytes(v1)], [2, v2]] as const) {
    it(`S-36: knows the client by a header of version ${version}, however it and what follows arrive (F-27)`, async (t) => {
      const place = await Real.at(t);
      const peers: PeerInfo[] = [];
      const server = await place.serve({
        framing,
        proxyProtocol: { from },
        onConnect: ({ peer }) => void peers.push(peer),
        onFrame: tell,
      });
      const stream = Uint8Array.of(...header, ...bytes("one\ntwo\n"));
      const answer = ["one", "two"].map((line) => `${line} 192.0.2.1:4660 ${version} 192.0.2.1 127.0.0.1\n`)
        .join("");
      for (const at of [0, 1, header.length - 1, header.length, header.length + 2, stream.length]) {
        const peer = await place.dial(server);
        peer.write(stream.slice(0, at));
        const before = server.stats().bytesReceived;
        if (at > 0 && at < header.length) await once(() => server.stats().pendingActive === 1);
        peer.write(stream.slice(at));
        await peer.got(answer);
        assert.equal(peer.text, answer);
        assert.equal(
          server.stats().bytesReceived - before,
          stream.length - Math.max(header.length, at) + Math.max(0, at - header.length),
        );
        peer.end();
        await peer.whenClosed();
      }
      const { via, local } = peers[0]!;
      assert.deepEqual(via?.destination, ends.destination);
      assert.equal(via?.alpn, version === 2 ? "mqtt" : undefined);
      assert.equal(local.port, server.address.port);
      await place.gone(6);
      assert.deepEqual(
        place.records.map(({ peer, bytesReceived }) => [peer.ip, bytesReceived]),
        Array(6).fill(["192.0.2.1", 8]),
      );
    });

    it(`S-36: reads a header of version ${version} in the clear, and TLS behind it (F-27)`, async (t) => {
      const place = await Real.at(t);
      const server = await place.serve({
        framing,
        proxyProtocol: { from },
        tls: await serverPair(),
        onFrame: tell,
      });
      const { cert: ca } = await testAuthority();
      const proxyHeader = { version, ...ends };
      const answers = await Promise.all([1, 2, 3].map(async (n) => {
        const connection = await place.connect(server, {
          framing,
          proxyHeader,
          tls: { ca, serverName: "localhost" },
        });
        await connection.send(`hello ${n}`);
        for await (const line of connection) return `${line} ${connection.peer.ip}`;
        return "";
      }));
      const expected = `192.0.2.1:4660 ${version} 192.0.2.1 127.0.0.1 127.0.0.1`;
      assert.deepEqual(answers, [1, 2, 3].map((n) => `hello ${n} ${expected}`));
      assert.equal(server.stats().handshakesCompleted, 3);
      assert.equal(server.inspect().connections[0]?.via?.ip, "127.0.0.1");
    });
  }

  it("S-36: that speaks TLS and knows a stranger by his first bytes says so with the address of the client (F-27)", async (t) => {
    const place = await Real.at(t);
    const failed = new Gate<string>();
    const server = await place.serve({
      framing,
      proxyProtocol: { from },
      tls: await serverPair(),
      onFrame: tell,
      onTlsError: ({ reason }, { ip }) => failed.open(`${reason} ${ip}`),
    });
    (await place.dial(server)).write(`${v1}hello\n`);
    assert.equal(await within(failed.promise, () => "a failed handshake"), "plaintext 192.0.2.1");
  });

  it("S-36: is asked whether the client may connect before its TLS begins (F-27)", async (t) => {
    const place = await Real.at(t);
    const rejected: string[] = [];
    const server = await place.serve({
      framing,
      proxyProtocol: { from },
      tls: await serverPair(),
      maxConnections: 1,
      farewell: "full\n",
      onReject: (peer, reason) => void rejected.push(`${peer.ip} ${peer.via?.ip} ${reason}`),
      onFrame: tell,
    });
    const { cert: ca } = await testAuthority();
    await place.connect(server, {
      framing,
      proxyHeader: { version: 1 },
      tls: { ca, serverName: "localhost" },
    });
    await once(() => server.connections.size === 1);
    const peer = await place.dial(server);
    peer.write(v1);
    await whenDropped(peer);
    assert.deepEqual([rejected, peer.text], [["192.0.2.1 127.0.0.1 max_connections"], ""]);
    const { handshakesCompleted, handshakesFailed, handshakesActive } = server.stats();
    assert.deepEqual([handshakesCompleted, handshakesFailed, handshakesActive], [1, 0, 0]);
  });

  it("S-36: asks once for each client, by its own address and not by that of the proxy (F-27, F-23)", async (t) => {
    const place = new Virtual(t);
    const rejected: string[] = [];
    const server = await place.serve({
      framing,
      proxyProtocol: { from },
      deny: ["198.51.100.0/24"],
      maxConnectionsPerAddress: 2,
      acceptRatePerAddress: { perSecond: 1, burst: 3 },
      onReject: ({ ip }, reason) => void rejected.push(`${ip} ${reason}`),
      onFrame: tell,
    });
    const comes = async (ip: string) => {
      const [peer] = await place.dialMany(server, 1);
      peer!.write(`PROXY TCP4 ${ip} 10.0.0.1 1 2\r\n`);
      await place.settle();
      return peer!;
    };
    await comes("198.51.100.7");
    const first = await comes("192.0.2.1");
    await comes("192.0.2.1");
    await comes("192.0.2.1");
    await comes("192.0.2.2");
    assert.deepEqual(rejected.splice(0), ["198.51.100.7 denied", "192.0.2.1 address_connections"]);
    first.end();
    await place.settle();
    await (await comes("192.0.2.1")).end();
    await place.settle();
    await comes("192.0.2.1");
    assert.deepEqual(rejected, ["192.0.2.1 address_rate"]);
    assert.equal(server.connections.size, 2);
  });

  it("S-36: keeps what it knows of the client when the connection is secured later (F-27, F-34)", async (t) => {
    const place = await Real.at(t);
    const pair = await serverPair();
    const server = await place.serve({
      framing,
      proxyProtocol: { from },
      upgradable: true,
      handler: async (connection) => {
        for await (const line of connection) {
          const upgrades = line === "STARTTLS";
          await connection.send(
            `${line} ${connection.peer.ip} ${connection.peer.via?.ip} ${connection.peer.tls?.protocol}`,
          );
          if (upgrades) await connection.upgrade(pair);
        }
      },
    });
    const { cert: ca } = await testAuthority();
    const proxyHeader = { version: 2, ...ends } as const;
    const connection = await place.connect(server, { framing, proxyHeader, upgradable: true });
    const lines = connection[Symbol.asyncIterator]();
    await connection.send("STARTTLS");
    assert.equal((await lines.next()).value, "STARTTLS 192.0.2.1 127.0.0.1 undefined");
    await connection.upgrade({ ca, serverName: "localhost" });
    await connection.send("x");
    assert.equal((await lines.next()).value, "x 192.0.2.1 127.0.0.1 TLSv1.3");
  });

  it("S-36: takes a LOCAL connection and an unknown client for the proxy itself (F-27)", async (t) => {
    const place = await Real.at(t);
    const server = await place.serve({ framing, proxyProtocol: { from }, onFrame: tell });
    const headers = [writeProxyV2("local", []), writeProxyV2("unknown", []), bytes("PROXY UNKNOWN\r\n")];
    for (const [at, header] of headers.entries()) {
      const peer = await place.dial(server);
      peer.write(Uint8Array.of(...header, ...bytes("x\n")));
      await peer.got("x 127.0.0.1:");
      assert.match(
        peer.text,
        new RegExp(`^x 127\\.0\\.0\\.1:\\d+ ${at === 2 ? 1 : 2} undefined 127\\.0\\.0\\.1\n$`),
      );
    }
    assert.deepEqual([...server.connections.values()].map(({ peer }) => peer.via?.local), [
      true,
      false,
      false,
    ]);
  });

  const refused:
    readonly (readonly [name: string, first: string | Uint8Array, reason: RejectReason, detail: RegExp])[] = [
      ["no header", "hello\n", "proxy_missing", /the first bytes are no PROXY protocol header/],
      ["HTTP", "GET / HTTP/1.1\r\n\r\n", "proxy_missing", /no PROXY protocol header/],
      ["a TLS ClientHello", Uint8Array.of(22, 3, 1, 2, 0, 1), "proxy_missing", /no PROXY protocol header/],
      [
        "a malformed line",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
        "proxy_malformed",
        /a malformed header of version 1/,
      ],
      ["a line too long", `PROXY ${"x".repeat(200)}`, "proxy_malformed", /without a line end in 107 bytes/],
      [
        "a wrong checksum",
        v2.map((byte, at) => at === v2.length - 1 ? byte ^ 1 : byte),
        "proxy_malformed",
        /a wrong checksum/,
      ],
      [
        "a header over the limit",
        Uint8Array.of(...v2.slice(0, 14), 16, 0),
        "proxy_malformed",
        /4112 bytes, over the limit of 4096/,
      ],
    ];

  for (const [name, first, reason, detail] of refused) {
    it(`S-36: rejects ${name} from a trusted address at once, and nothing of it is taken for frames (F-27)`, async (t) => {
      const place = await Real.at(t);
      const rejected: string[] = [];
      const server = await place.serve({
        framing,
        proxyProtocol: { from },
        farewell: "go away\n",
        onReject: (peer, reason) => void rejected.push(`${peer.ip} ${reason}`),
        onConnect: () => assert.fail("it was accepted"),
        onFrame: tell,
      });
      const peer = await place.dial(server);
      peer.write(first);
      await whenDropped(peer);
      assert.deepEqual(rejected, [`127.0.0.1 ${reason}`]);
      assert.equal(peer.text, "");
      const { connectionsRejected, connectionsAccepted, pendingActive } = server.stats();
      assert.deepEqual([connectionsRejected, connectionsAccepted, pendingActive], [1, 0, 0]);
      const warning = place.logs.find(({ message }) => message === "connections are rejected")!;
      assert.equal(warning.level, "warn");
      assert.equal(warning.fields.reason, reason);
      assert.match(String(warning.fields.detail), detail);
    });
  }

  it("S-36: rejects peers that are not trusted, whatever they send (F-27)", async (t) => {
    const place = await Real.at(t);
    const rejected: string[] = [];
    const server = await place.serve({
      framing,
      proxyProtocol: { from: ["10.0.0.0/8", "::1"] },
      onReject: (_, reason) => void rejected.push(reason),
      onFrame: tell,
    });
    for (const first of [v1, "hello\n"]) {
      // The reset may be there before the runtime has told of the connection.
      const peer = await place.dial(server).catch(() => undefined);
      if (peer !== undefined) await whenDropped(peer.write(first));
    }
    await once(() => rejected.length === 2);
    assert.deepEqual(rejected, ["proxy_untrusted", "proxy_untrusted"]);
    const warnings = place.logs.filter(({ message, level }) =>
      message === "connections are rejected" && level === "warn"
    );
    assert.equal(warnings.length, 1, "a stranger writes our log");
    assert.match(String(warnings[0]!.fields.detail), /127\.0\.0\.1 is not in proxyProtocol\.from/);
  });

  it("S-36: takes others for direct connections if it should, and a header from them for frames (F-27)", async (t) => {
    const place = await Real.at(t);
    const server = await place.serve({
      framing,
      proxyProtocol: { from: ["10.0.0.0/8"], others: "accept" },
      onFrame: tell,
    });
    const peer = await place.dial(server);
    peer.write("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n");
    await peer.got("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 127.0.0.1:");
    assert.match(peer.text, /^PROXY TCP4 192\.0\.2\.1 198\.51\.100\.2 1 2 127\.0\.0\.1:\d+ undefined/);
  });

  it("S-36: accepts what has no header where headers are optional, and nothing is lost (F-27)", async (t) => {
    const place = await Real.at(t);
    const server = await place.serve({ framing, proxyProtocol: { from, header: "optional" }, onFrame: tell });
    for (
      const [first, answer] of [["PROX\n", "PROX 127.0.0.1:"], [`${v1}x\n`, "x 192.0.2.1:4660 1"]] as const
    ) {
      const peer = await place.dial(server);
      for (const letter of first) peer.write(letter);
      await peer.got(answer);
      assert.ok(peer.text.startsWith(answer), peer.text);
    }
  });

  it("S-36: waits for a header no longer than its limit, however slowly it comes (F-27)", async (t) => {
    const place = new Virtual(t);
    const rejected: RejectReason[] = [];
    const server = await place.serve({
      framing,
      proxyProtocol: { from, timeout: "5 seconds" },
      onReject: (_, reason) => void rejected.push(reason),
      onFrame: tell,
    });
    const silent = await place.dial(server);
    const slow = await place.dial(server);
    for (const letter of "PROX") {
      slow.write(letter);
      await place.pass(1000);
    }
    assert.deepEqual([rejected, server.stats().pendingActive], [[], 2]);
    const honest = await place.dial(server);
    honest.write(`${v1}x\n`);
    await place.settle();
    assert.equal(honest.text, "x 192.0.2.1:4660 1 192.0.2.1 127.0.0.1\n");
    await place.pass(2000);
    assert.deepEqual([silent.closed, slow.closed, honest.closed], [true, true, false]);
    assert.deepEqual([rejected, server.stats().pendingActive], [["proxy_timeout", "proxy_timeout"], 0]);
  });

  it("S-36: has slots of their own for peers without a header, and connections take none of these (F-27)", async (t) => {
    const place = new Virtual(t);
    const rejected: RejectReason[] = [];
    const server = await place.serve({
      framing,
      proxyProtocol: { from },
      maxPending: 3,
      maxConnections: 1,
      onReject: (_, reason) => void rejected.push(reason),
      onFrame: tell,
    });
    const waiting = await place.dialMany(server, 5);
    assert.deepEqual([rejected, server.stats().pendingActive], [["max_pending", "max_pending"], 3]);
    const warnings = place.logs.filter(({ level }) => level === "warn");
    assert.deepEqual(warnings.map(({ fields }) => [fields.reason, fields.rejected]), [["max_pending", 1]]);
    assert.match(String(warnings[0]!.fields.detail), /3 peers have not said what they are/);
    waiting[0]!.write(`${v1}x\n`);
    await place.settle();
    assert.equal(waiting[0]!.text, "x 192.0.2.1:4660 1 192.0.2.1 127.0.0.1\n");
    waiting[1]!.write(v1);
    await place.settle();
    assert.deepEqual(rejected.slice(2), ["max_connections"]);
    assert.equal(server.stats().pendingActive, 1);
  });

  it("takes a proxy that connects and leaves for a probe, also behind its header, and for no fault (F-27)", async (t) => {
    const place = new Virtual(t);
    const server = await place.serve({ framing, proxyProtocol: { from }, onFrame: tell });
    const quiet = place.logs.length;
    const peers = await place.dialMany(server, 3);
    peers[0]!.end();
    peers[1]!.abort();
    peers[2]!.write(writeProxyV2("local", [])).end();
    await place.settle();
    const { probes, connectionsRejected, connectionsLost, pendingActive } = server.stats();
    assert.deepEqual([probes, connectionsRejected, connectionsLost, pendingActive], [3, 0, 0, 0]);
    assert.deepEqual(place.logs.slice(quiet).filter(({ level }) => level !== "debug"), []);
  });

  it("S-36: that leaves within its header is told from one that says nothing (F-27)", async (t) => {
    const place = new Virtual(t);
    const rejected: RejectReason[] = [];
    const server = await place.serve({
      framing,
      proxyProtocol: { from },
      onReject: (_, reason) => void rejected.push(reason),
      onFrame: tell,
    });
    const peers = await place.dialMany(server, 2);
    peers[0]!.write("PROXY").end();
    peers[1]!.write("PROXY");
    await place.settle();
    peers[1]!.abort();
    await place.settle();
    const { connectionsLost, pendingActive, probes } = server.stats();
    assert.deepEqual([rejected, connectionsLost, pendingActive, probes], [["proxy_malformed"], 1, 0, 0]);
  });

  it("drops who has not sent a header when it is suspended or stops, and does not wait for them (F-27)", async (t) => {
    const place = new Virtual(t);
    const server = await place.serve({ framing, proxyProtocol: { from }, onFrame: tell });
    const [first] = await place.dialMany(server, 1);
    await place.drive(server.suspend());
    await place.settle();
    assert.equal(first!.closed, true);
    await place.drive(server.resume());
    const [second] = await place.dialMany(server, 1);
    await place.drive(server.close());
    await place.settle();
    assert.equal(second!.closed, true);
    assert.equal(server.stats().connectionsRejected, 0);
  });

  it("trusts the peers of a Unix socket if it is told to (F-27)", async (t) => {
    const adapter = await detectAdapter();
    const path = filesFor(t)("unused", "").replace(/unused$/, "proxy.sock");
    const server = await serve({
      adapter,
      path,
      framing,
      proxyProtocol: { from: ["unix"] },
      onFrame: tell,
      logger: () => {},
    });
    t.after(() => server.destroy());
    const connection = await connect({ path, framing, proxyHeader: { version: 2, ...ends } });
    t.after(() => connection.destroy());
    await connection.send("x");
    for await (const line of connection) {
      assert.equal(line, "x 192.0.2.1:4660 2 192.0.2.1 ");
      break;
    }
  });

  it("refuses options that cannot be meant, each with what to write (F-27)", async () => {
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [true, /proxyProtocol: .*an object such as/],
      [{}, /proxyProtocol\.from: .*a list of IP addresses/],
      [{ from: [] }, /proxyProtocol\.from: .*at least one/],
      [{ from: ["10.0.0.1/8"] }, /proxyProtocol\.from\[0\]: .*10\.0\.0\.0\/8/],
      [{ from: ["unix"] }, /proxyProtocol\.from\[0\]/],
      [{ from, timeout: "2 seconds" }, /proxyProtocol\.timeout: .*3 seconds or more/],
      [{ from, header: "maybe" }, /proxyProtocol\.header: .*"required", "optional"/],
      [{ from, others: "ignore" }, /proxyProtocol\.others: .*"reject", "accept"/],
      [{ from, maxHeaderBytes: 100 }, /proxyProtocol\.maxHeaderBytes: .*232 to 65551/],
      [{ from, trusted: true }, /proxyProtocol\.trusted: .*no such option/],
    ];
    for (const [proxyProtocol, message] of wrong) {
      await assert.rejects(
        serve({ port: 0, framing, onFrame: tell, proxyProtocol } as never),
        (error: Error) => error instanceof OptionsError && message.test(error.message),
        JSON.stringify(proxyProtocol),
      );
    }
    await assert.rejects(
      serve({ path: "/nowhere/a.sock", framing, onFrame: tell, proxyProtocol: { from } }),
      /proxyProtocol\.from: .*\["unix"\] with a Unix socket/,
    );
    await assert.rejects(
      serve({ port: 0, framing, onFrame: tell, maxPending: 5 }),
      /maxPending: .*to be left out without proxyProtocol and firstBytes/,
    );
  });
});

describe("a client that says for whom it connects", () => {
  it("sends itself, another, or nobody, in both versions, and counts none of it (F-27)", async (t) => {
    const place = await Real.at(t);
    const server = await place.serve({ framing, proxyProtocol: { from }, onFrame: tell });
    for (const version of [1, 2] as const) {
      const said = async (source?: "own" | "local" | { ip: string; port: number }): Promise<string> => {
        const connection = await place.connect(server, { framing, proxyHeader: { version, source } });
        await connection.send("x");
        for await (const line of connection) {
          assert.equal(connection.stats().bytesSent, 2);
          const own = connection.peer.local.port;
          return line.replace(`:${own} `, ":OWN ");
        }
        return "";
      };
      assert.equal(await said(), `x 127.0.0.1:OWN ${version} 127.0.0.1 127.0.0.1`);
      assert.equal(
        await said({ ip: "2001:db8::7", port: 9 }),
        `x 2001:db8::7:9 ${version} 2001:db8::7 127.0.0.1`,
      );
      assert.equal(await said("local"), `x 127.0.0.1:OWN ${version} undefined 127.0.0.1`);
      assert.equal(await said({ ip: "", port: 0 }), `x 127.0.0.1:OWN ${version} undefined 127.0.0.1`);
    }
  });

  it("hands on what it was told (F-27)", async (t) => {
    const place = await Real.at(t);
    const peers: PeerInfo[] = [];
    const server = await place.serve({
      framing,
      proxyProtocol: { from },
      onConnect: ({ peer }) => void peers.push(peer),
      onFrame: tell,
    });
    const tlvs = [{ type: 0xe0, value: bytes("gcp") }, { type: 2, value: "example.org" }];
    await place.connect(server, { framing, proxyHeader: { version: 2, ...ends, tlvs } });
    await once(() => peers.length === 1);
    await place.connect(server, {
      framing,
      proxyHeader: { version: 2, source: peers[0]!, tlvs: peers[0]!.via!.tlvs },
    });
    await once(() => peers.length === 2);
    assert.deepEqual(peers[1]!.via?.tlvs, [tlvs[0], { type: 2, value: bytes("example.org") }]);
    assert.deepEqual([peers[1]!.ip, peers[1]!.port, peers[1]!.via?.authority], [
      "192.0.2.1",
      4660,
      "example.org",
    ]);
  });

  it("refuses a header that cannot be written, before it connects (F-27)", async () => {
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [true, /proxyHeader: .*version 1 or 2/],
      [{ version: 3 }, /proxyHeader: .*version 1 or 2/],
      [{ version: 1, source: "me" }, /proxyHeader\.source: .*"own", "local"/],
      [{ version: 1, source: { ip: "localhost", port: 1 } }, /proxyHeader\.source: .*192\.0\.2\.7/],
      [{ version: 1, source: { ip: "::1", port: 65536 } }, /proxyHeader\.source\.port: .*0 to 65535/],
      [{ version: 1, source: { ip: "", port: 0, path: "/a" } }, /proxyHeader\.source\.path: .*version 1/],
      [{ version: 2, source: { ip: "", port: 0, path: "x".repeat(109) } }, /at most 108 bytes/],
      [{ version: 2, destination: {} }, /proxyHeader\.destination: .*an end/],
      [{ version: 1, tlvs: [] }, /proxyHeader\.tlvs: .*version 1/],
      [{ version: 2, source: "local", tlvs: [] }, /proxyHeader\.tlvs: .*local/],
      [{ version: 2, tlvs: [{ type: 3, value: "abcd" }] }, /proxyHeader\.tlvs\[0\]\.type: .*not 3/],
      [{ version: 2, tlvs: [{ type: 5, value: 7 }] }, /proxyHeader\.tlvs\[0\]\.value: .*bytes or text/],
      [{ version: 2, tlvs: [{ type: 5, value: new Uint8Array(65_000) }] }, /at most 65000 bytes/],
    ];
    for (const [proxyHeader, message] of wrong) {
      await assert.rejects(
        connect({ port: 1, framing, proxyHeader } as never),
        (error: Error) => error instanceof OptionsError && message.test(error.message),
        JSON.stringify(proxyHeader),
      );
    }
  });
});

/** By a reset, or where the runtime has none by FIN. */
function whenDropped(peer: Peer): Promise<void> {
  return peer.until(() => peer.closed || peer.ended, "the peer to be dropped");
}

/** Looks again in every turn. */
function once(condition: () => boolean): Promise<void> {
  const waiting = (async () => {
    while (!condition()) await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
  })();
  return within(waiting, () => String(condition));
}
