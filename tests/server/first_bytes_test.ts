// Several protocols on one port, told apart by the first bytes.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { systemClock } from "../../src/core/time/clock.ts";
import { serve } from "../../src/server/serve.ts";
import type { RejectReason } from "../../src/server/admission_options.ts";
import { choose, type FirstBytes } from "../../src/server/preface/first_bytes.ts";
import { HealthCheck } from "../../src/server/preface/health_check.ts";
import { within } from "../contract/within.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { bytes, text } from "../support/frames.ts";
import { it } from "../support/it.ts";
import { Real, Virtual } from "../support/server.ts";

const framing = lines();
const tell = (frame: Uint8Array, connection: Connection<Uint8Array>): void => {
  const { protocol, peer } = connection;
  void connection.send(bytes(`${text(frame)} ${protocol} ${peer.tls?.protocol ?? "plain"}`));
};
const counted = {
  name: "counted",
  startsWith: [Uint8Array.of(0, 0), "\x01"],
  framing: lengthField({ lengthBytes: 4, strip: 4 }),
};
const ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n" +
  "Cache-Control: no-store\r\nConnection: close\r\n\r\nOK\n";

describe("a port with several protocols", () => {
  it("serves TLS and plaintext, however the first bytes arrive, and loses none (F-82)", async (t) => {
    const place = await Real.at(t);
    const server = await place.serve({
      framing,
      tls: await serverPair(),
      firstBytes: { plaintext: true },
      onFrame: tell,
    });
    const { cert: ca } = await testAuthority();
    const secured = await place.connect(server, { framing, tls: { ca, serverName: "localhost" } });
    await secured.send(bytes("one"));
    for await (const line of secured) {
      assert.equal(text(line), "one undefined TLSv1.3");
      break;
    }
    for (const first of ["two\n", "\x16two\n", "\x16\x03\x01ab\x02two\n"]) {
      const peer = await place.dial(server);
      for (const letter of first) peer.write(letter);
      const answer = `${first.trimEnd()} undefined plain\n`;
      await peer.got(answer);
      assert.equal(peer.text, answer);
    }
    const { handshakesCompleted, handshakesFailed, connectionsAccepted } = server.stats();
    assert.deepEqual([handshakesCompleted, handshakesFailed, connectionsAccepted], [1, 0, 4]);
  });

  it("serves each protocol by its framing and its handler, in plaintext and within TLS (F-82)", async (t) => {
    const place = await Real.at(t);
    const server = await place.serve({
      framing,
      tls: await serverPair(),
      firstBytes: {
        plaintext: true,
        protocols: [counted, {
          name: "admin",
          startsWith: "ADMIN ",
          framing,
          handler: (c) => c.send(bytes("hello, admin")),
        }],
      },
      onFrame: tell,
    });
    const { cert: ca } = await testAuthority();
    for (const tls of [undefined, { ca, serverName: "localhost" }]) {
      const how = tls === undefined ? "plain" : "TLSv1.3";
      const asked = async (framing: typeof counted.framing, what: string): Promise<string> => {
        const connection = await place.connect(server, { framing, tls });
        await connection.send(bytes(what));
        for await (const frame of connection) return text(frame);
        return "";
      };
      assert.equal(await asked(counted.framing, "x"), `x counted ${how}`);
      assert.equal(await asked(framing, "ADMIN x"), "hello, admin");
      assert.equal(await asked(framing, "ADMI"), `ADMI undefined ${how}`);
    }
    const protocols = [...server.connections.values()].map(({ protocol }) => protocol);
    assert.deepEqual(protocols.filter((protocol) => protocol === "counted").length, 2);
    assert.ok(server.inspect().connections.some(({ protocol }) => protocol === "counted"));
    assert.equal(server.publish(bytes("to all")), protocols.length);
    assert.ok(
      place.logs.some(({ message, fields }) =>
        message === "connection opened" && fields.protocol === "admin"
      ),
    );
  });

  it("serves no protocol in plaintext where TLS is required (F-82)", async (t) => {
    const place = await Real.at(t);
    const server = await place.serve({
      framing,
      tls: await serverPair(),
      firstBytes: { healthCheck: "/healthz", protocols: [counted] },
      onConnect: () => assert.fail("it was accepted"),
      onFrame: tell,
    });
    const peer = await place.dial(server);
    peer.write(Uint8Array.of(0, 0, 0, 1, 120));
    await peer.until(() => peer.closed || peer.ended, "the peer to be dropped");
    assert.deepEqual(server.stats().handshakesFailedByReason, { not_tls: 1 });
  });

  it("writes what is for all in the framing of each (F-82)", async (t) => {
    const place = new Virtual(t);
    const server = await place.serve({ framing, firstBytes: { protocols: [counted] }, onFrame: () => {} });
    const [own, other] = await place.dialMany(server, 2);
    own!.write("x\n");
    other!.write(Uint8Array.of(0, 0, 0, 1, 7));
    await place.settle();
    server.publish(bytes("ab"));
    await place.settle();
    assert.equal(own!.text, "ab\n");
    assert.deepEqual([...other!.all], [0, 0, 0, 2, 97, 98]);
  });

  it("takes who says nothing for its own protocol after a while, so that it can speak first (F-82)", async (t) => {
    const place = new Virtual(t);
    const server = await place.serve({
      framing,
      firstBytes: { protocols: [counted], after: "200ms" },
      onConnect: (connection) => void connection.send(bytes("welcome")),
      onFrame: tell,
    });
    const [silent, begun, other] = await place.dialMany(server, 3);
    begun!.write(Uint8Array.of(0));
    other!.write(Uint8Array.of(0, 0, 0, 1, 120));
    await place.settle();
    assert.deepEqual([silent!.text, server.stats().pendingActive], ["", 2]);
    assert.equal(other!.text, "\0\0\0\x07welcome\0\0\0\x0fx counted plain");
    await place.pass(1000);
    assert.deepEqual([silent!.text, begun!.text], ["welcome\n", "welcome\n"]);
    silent!.write("x\n");
    begun!.write("y\n");
    await place.settle();
    assert.equal(silent!.text, "welcome\nx undefined plain\n");
    assert.equal(begun!.text, "welcome\n\0y undefined plain\n");
  });

  it("rejects who says too little for too long, and takes a short message with FIN for its own (F-82)", async (t) => {
    const place = new Virtual(t);
    const rejected: RejectReason[] = [];
    const server = await place.serve({
      framing,
      firstBytes: { protocols: [counted], timeout: "3 seconds" },
      onReject: (_, reason) => void rejected.push(reason),
      onFrame: tell,
    });
    const [silent, short, ended] = await place.dialMany(server, 3);
    short!.write(Uint8Array.of(0));
    ended!.write(Uint8Array.of(0)).end();
    await place.settle();
    assert.deepEqual([place.records.map(({ reason, bytesReceived }) => [reason, bytesReceived])], [[[
      "frame_error",
      1,
    ]]]);
    await place.pass(2000);
    assert.deepEqual(rejected, []);
    await place.pass(2000);
    assert.deepEqual(rejected, ["first_bytes_timeout", "first_bytes_timeout"]);
    assert.deepEqual([silent!.closed, short!.closed], [true, true]);
    const [warning] = place.logs.filter(({ level, message }) =>
      level === "warn" && message === "connections are rejected"
    );
    assert.match(String(warning?.fields.detail), /nothing decided within 3000 ms/);
  });

  it("knows the client by its header, and the protocol by what is behind it (F-82, F-27)", async (t) => {
    const place = await Real.at(t);
    const server = await place.serve({
      framing,
      tls: await serverPair(),
      proxyProtocol: { from: ["127.0.0.1"], header: "optional" },
      firstBytes: { plaintext: true, healthCheck: "/healthz", protocols: [counted] },
      onFrame: (frame, connection) =>
        connection.send(bytes(`${text(frame)} ${connection.peer.via?.source?.ip}`)),
    });
    const { cert: ca } = await testAuthority();
    const proxyHeader = { version: 2, source: { ip: "192.0.2.7", port: 9 } } as const;
    for (const tls of [undefined, { ca, serverName: "localhost" }]) {
      for (const header of [undefined, proxyHeader]) {
        for (const one of [framing, counted.framing]) {
          const connection = await place.connect(server, { framing: one, tls, proxyHeader: header });
          await connection.send(bytes("x"));
          for await (const frame of connection) {
            assert.equal(text(frame), `x ${header?.source.ip}`);
            break;
          }
        }
      }
    }
    const check = await place.dial(server);
    check.write("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\nGET /healthz HTTP/1.1\r\n\r\n");
    await check.whenEnded();
    assert.equal(check.text, ok);
  });

  it("refuses options that tell nothing apart, each with what to write (F-82)", async () => {
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [true, /firstBytes: .*an object such as/],
      [{}, /firstBytes: .*something to tell apart/],
      [{ plaintext: true }, /firstBytes\.plaintext: .*to be left out without tls/],
      [{ healthCheck: "healthz" }, /firstBytes\.healthCheck: .*a path such as "\/healthz"/],
      [{ healthCheck: "/healthz?x" }, /firstBytes\.healthCheck: .*without a query/],
      [{ healthCheck: { path: 7 } }, /firstBytes\.healthCheck\.path: .*a path/],
      [{ healthCheck: { path: "/", healthy: true } }, /firstBytes\.healthCheck\.healthy: .*a function/],
      [{ healthCheck: "/h", after: "10 seconds" }, /firstBytes\.after: .*less than firstBytes\.timeout/],
      [{ protocols: {} }, /firstBytes\.protocols: .*a list/],
      [{ protocols: [{ ...counted, name: "a b" }] }, /firstBytes\.protocols\[0\]\.name: /],
      [{ protocols: [counted, counted] }, /firstBytes\.protocols\[1\]\.name: .*a name of its own/],
      [{ protocols: [{ ...counted, startsWith: "" }] }, /firstBytes\.protocols\[0\]\.startsWith: .*1 to 64/],
      [{ protocols: [{ ...counted, startsWith: [] }] }, /firstBytes\.protocols\[0\]\.startsWith: /],
      [{ protocols: [{ ...counted, startsWith: new Uint8Array(65) }] }, /startsWith: .*1 to 64/],
      [
        { protocols: [{ ...counted, framing: undefined }] },
        /firstBytes\.protocols\[0\]\.framing: .*a framing/,
      ],
      [{ protocols: [{ ...counted, onFrame: 1 }] }, /firstBytes\.protocols\[0\]\.onFrame: .*a function/],
      [{ protocols: [{ ...counted, onFrame: tell, handler: tell }] }, /protocols\[0\]\.handler: .*one of/],
      [{ protocols: [{ ...counted, starts: "x" }] }, /protocols\[0\]\.starts: .*no such option/],
    ];
    for (const [firstBytes, message] of wrong) {
      await assert.rejects(
        serve({ port: 0, framing, onFrame: tell, firstBytes } as never),
        (error: Error) => error instanceof OptionsError && message.test(error.message),
        JSON.stringify(firstBytes),
      );
    }
  });
});

describe("an HTTP health check on the port of another protocol", () => {
  it("is answered with 200 and counted, while the protocol is served (F-82)", async (t) => {
    const place = await Real.at(t);
    const server = await place.serve({ framing, firstBytes: { healthCheck: "/healthz" }, onFrame: tell });
    const requests: readonly (readonly [request: string, status: string, body: boolean])[] = [
      ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", true],
      ["HEAD /healthz HTTP/1.0\r\n\r\n", "200 OK", false],
      ["GET /healthz?from=lb HTTP/1.1\r\n\r\n", "200 OK", true],
      ["GET /healthz HTTP/1.1\nHost: x\n\n", "200 OK", true],
      ["GET / HTTP/1.1\r\n\r\n", "404 Not Found", true],
      ["GET /healthzz HTTP/1.1\r\n\r\n", "404 Not Found", true],
      ["GET /healthz\r\n\r\n", "400 Bad Request", true],
      ["GET /health z HTTP/1.1\r\n\r\n", "400 Bad Request", true],
    ];
    for (const [request, status, body] of requests) {
      const peer = await place.dial(server);
      for (const part of request.match(/[^]{1,7}/g)!) peer.write(part);
      await peer.whenEnded();
      peer.end();
      await peer.whenClosed();
      const [head, rest] = peer.text.split("\r\n\r\n");
      assert.match(head!, new RegExp(`^HTTP/1\\.1 ${status}\r\n`), request);
      assert.equal(rest, body ? `${status.slice(4)}\n` : "", request);
      assert.equal(peer.error, undefined);
    }
    const line = await place.dial(server);
    line.write("GET x\n");
    await line.got("GET x undefined plain\n");
    await once(() => server.stats().pendingActive === 0);
    const { healthChecks, connectionsAccepted, connectionsRejected } = server.stats();
    assert.deepEqual([healthChecks, connectionsAccepted, connectionsRejected], [requests.length, 1, 0]);
  });

  it("is understood by fetch, in plaintext beside TLS and within TLS (F-82)", async (t) => {
    const place = await Real.at(t);
    const plain = await place.serve({ framing, firstBytes: { healthCheck: "/healthz" }, onFrame: tell });
    const response = await fetch(`http://127.0.0.1:${plain.address.port}/healthz`);
    assert.deepEqual([response.status, await response.text()], [200, "OK\n"]);
    const server = await place.serve({
      framing,
      tls: await serverPair(),
      firstBytes: { healthCheck: "/healthz" },
      onFrame: tell,
    });
    const beside = await fetch(`http://127.0.0.1:${server.address.port}/healthz`);
    assert.deepEqual([beside.status, await beside.text()], [200, "OK\n"]);
    const { cert: ca } = await testAuthority();
    const within = await place.connect(server, { framing, tls: { ca, serverName: "localhost" } });
    await within.send(bytes("GET /healthz HTTP/1.1\r\n\r"));
    const answer: string[] = [];
    for await (const line of within) answer.push(text(line));
    assert.equal(`${answer.join("\r\n")}\n`, ok.replace(/\r\n\r\nOK\n$/, "\r\n\r\nOK\n"));
    // Anything else in plaintext is still one that should have spoken TLS.
    const stranger = await place.dial(server);
    stranger.write("hello\n");
    await stranger.until(() => stranger.closed || stranger.ended, "the stranger to be dropped");
    assert.equal(server.stats().handshakesFailedByReason.plaintext, 1);
  });

  it("is answered with 503 when healthy says no or fails, and while the server closes (F-82)", async (t) => {
    const place = new Virtual(t);
    let healthy = (): boolean => false;
    const server = await place.serve({
      framing,
      firstBytes: { healthCheck: { path: "/healthz", healthy: () => healthy() } },
      onFrame: tell,
    });
    const status = async (): Promise<string> => {
      const [peer] = await place.dialMany(server, 1);
      peer!.write("GET /healthz HTTP/1.1\r\n\r\n");
      await place.settle();
      peer!.end();
      return peer!.text.slice(9, 12);
    };
    assert.equal(await status(), "503");
    healthy = () => {
      throw new Error("cannot say");
    };
    assert.equal(await status(), "503");
    assert.ok(place.logs.some(({ message, level }) => message === "hook failed" && level === "error"));
    healthy = () => true;
    assert.equal(await status(), "200");
  });

  it("that has been answered is not cut off when the server closes (F-82)", async (t) => {
    const place = new Virtual(t);
    const server = await place.serve({ framing, firstBytes: { healthCheck: "/healthz" }, onFrame: tell });
    const [peer] = await place.dialMany(server, 1);
    peer!.write("GET /healthz HTTP/1.1\r\n\r\n");
    await place.settle();
    await place.drive(server.close());
    await place.settle();
    peer!.end();
    await place.settle();
    assert.deepEqual([peer!.text, peer!.error], [ok, undefined]);
  });

  it("is bounded in size and time, and one that leaves takes no slot (F-82)", async (t) => {
    const place = new Virtual(t);
    const rejected: RejectReason[] = [];
    const server = await place.serve({
      framing,
      firstBytes: { healthCheck: "/healthz", timeout: "3 seconds" },
      onReject: (_, reason) => void rejected.push(reason),
      onFrame: tell,
    });
    const [large, slow, stays, leaves] = await place.dialMany(server, 4);
    large!.write(`GET /healthz HTTP/1.1\r\nX: ${"x".repeat(9000)}`);
    slow!.write("GET /healthz HTTP/1.1\r\n");
    stays!.write("GET /healthz HTTP/1.1\r\n\r\n");
    leaves!.write("GET /heal").end();
    await place.settle();
    assert.match(large!.text, /^HTTP\/1\.1 431 /);
    assert.deepEqual([stays!.ended, server.stats().pendingActive], [true, 3]);
    await place.pass(2000);
    assert.deepEqual([large!.ended, slow!.ended, server.stats().pendingActive], [true, false, 1]);
    await place.pass(2000);
    assert.deepEqual([slow!.closed, rejected, server.stats().pendingActive], [
      true,
      ["first_bytes_timeout"],
      0,
    ]);
  });
});

describe("the first bytes", () => {
  const own = { own: 1 };
  const first: FirstBytes<object> = {
    tls: "choice",
    health: true,
    protocols: [{ starts: [bytes("AB"), bytes("ABCD")], profile: own }, {
      starts: [bytes("ABX")],
      profile: {},
    }],
  };

  it("decide as soon as they can, in the order of the candidates (F-82)", () => {
    const rows: readonly (readonly [string, unknown])[] = [
      ["", "more"],
      ["\x16", "more"],
      ["\x16\x03\x01\x02\x00", "more"],
      ["\x16\x03\x01\x02\x00\x01", "tls"],
      ["\x16\x03\x01\x02\x00\x02", "own"],
      ["\x16\x04", "own"],
      ["GET ", "more"],
      ["GET /", "health"],
      ["HEAD /", "health"],
      ["HEAT", "own"],
      ["A", "more"],
      ["AB", own],
      ["AX", "own"],
      ["x", "own"],
    ];
    for (const [head, choice] of rows) {
      assert.deepEqual(
        choose(Uint8Array.from(head, (c) => c.charCodeAt(0)), first),
        choice,
        JSON.stringify(head),
      );
    }
    assert.equal(choose(bytes("x"), { ...first, tls: "rest" }), "tls");
    assert.equal(choose(bytes("\x16\x03\x01\x02\x00\x01"), { ...first, tls: "none" }), "own");
  });

  it("of a health check are looked at once each, however they arrive (F-82)", () => {
    const request = bytes("GET /h HTTP/1.1\r\nA: b\r\n\r\n");
    const check = new HealthCheck("/h", () => true);
    for (let end = 0; end < request.length; end++) {
      assert.equal(check.answer(request.subarray(0, end)), undefined);
    }
    assert.match(text(check.answer(request)!), /^HTTP\/1\.1 200 OK\r\n/);
  });
});

/** Looks again in every turn. */
function once(condition: () => boolean): Promise<void> {
  const waiting = (async () => {
    while (!condition()) await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
  })();
  return within(waiting, () => String(condition));
}
