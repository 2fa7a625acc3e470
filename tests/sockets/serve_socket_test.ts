// Framed connections over sockets that are there: those of a host, and our own.
import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  connect,
  type Connection,
  lines,
  OptionsError,
  raw,
  serve,
  SocketError,
  TimeoutError,
} from "../../mod.ts";
import { connectSocket, frameSocket, serveSocket } from "../../sockets.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { it } from "../support/it.ts";
import { hostPair } from "./host_pair.ts";

const framing = lines({ encoding: "utf-8" });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("serveSocket over the socket of a host", { timeout: 60_000 }, () => {
  it("answers frames, waits for the handler, and resolves with the record (F-86)", async () => {
    const [socket, peer] = hostPair();
    const seen: unknown[] = [];
    const served = serveSocket(socket, {
      framing,
      context: () => ({ count: 0 }),
      async handler(connection) {
        seen.push(connection.peer);
        for await (const line of connection) await connection.send(`${++connection.context.count}: ${line}`);
        await Promise.resolve();
        seen.push("handled");
      },
    });
    const writer = peer.writable.getWriter();
    const reading = new Response(peer.readable).text();
    await writer.write(bytes("one\ntw"));
    await writer.write(bytes("o\n"));
    await writer.close();
    const record = await served;
    assert.equal(await reading, "1: one\n2: two\n");
    assert.deepEqual(seen, [
      { ip: "192.0.2.7", port: 4711, local: { transport: "tcp", host: "2001:db8::1", port: 3034 } },
      "handled",
    ]);
    assert.deepEqual([record.reason, record.framesReceived, record.framesSent], ["peer_closed", 2, 2]);
    assert.equal(socket.closes.length, 1);
  });

  it("a torn last frame is a frame error of that connection: served resolves, and the socket is closed (F-86)", async () => {
    const [socket, peer] = hostPair();
    const errors: string[] = [];
    const served = serveSocket(socket, {
      framing: lines({ maxFrameBytes: 8 }),
      onFrame: () => {},
      onFrameError: (error) => void errors.push(error.reason),
    });
    void peer.writable.getWriter().write(bytes("good\nmuch too long")).catch(() => {});
    const record = await served;
    assert.deepEqual([record.reason, record.framesReceived, ...errors], ["frame_error", 1, "too_large"]);
    assert.equal(socket.closes.length, 1);
  });

  it("a peer that does not read: egressLimit holds and the policy decides, what was read waits at ingressLimit (F-86)", async () => {
    const [socket, peer] = hostPair();
    const served = serveSocket(socket, {
      framing: raw(),
      egressLimit: 100_000,
      egressPolicy: "close",
      onFrame: (chunk, connection) => {
        for (let at = 0; at < 200; at++) void connection.send(new Uint8Array(1_000 + chunk.length));
      },
    });
    await peer.writable.getWriter().write(bytes("x"));
    const record = await served;
    assert.equal(record.reason, "egress_limit");
  });

  it("a handler that does not take frames stops the peer: no more than ingressLimit is read (F-86)", async () => {
    const [socket, peer] = hostPair();
    let go!: () => void;
    const may = new Promise<void>((resolve) => (go = resolve));
    let connection!: Connection<Uint8Array, Uint8Array>;
    const served = serveSocket(socket, {
      framing: raw(),
      ingressLimit: 64_000,
      async handler(given) {
        connection = given;
        await may;
        for await (const chunk of given) void chunk;
      },
    });
    const writer = peer.writable.getWriter();
    let written = 0;
    const writing = (async () => {
      for (let at = 0; at < 100; at++) {
        await writer.write(new Uint8Array(10_000));
        written += 10_000;
      }
      await writer.close();
    })();
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setTimeout(resolve));
    assert.ok(written < 200_000, `${written} bytes were taken`);
    assert.ok(connection.stats().bytesReceived <= 74_000 + 10_000);
    go();
    await writing;
    assert.equal((await served).bytesReceived, 1_000_000);
  });

  it("time limits run on the clock that is given: idle, and the wait for a socket that does not open (F-86)", async () => {
    const clock = new FakeClock();
    const [socket] = hostPair();
    const served = serveSocket(socket, { framing, clock, onFrame: () => {}, idleTimeout: "1 minute" });
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    await clock.advance(120_000);
    assert.equal((await served).reason, "idle_timeout");

    const [closed] = hostPair(new Promise(() => {}));
    const failed = serveSocket(closed, { framing, clock, onFrame: () => {} }).then(
      () => undefined,
      (error) => error,
    );
    await clock.advance(9_000);
    assert.equal(closed.closes.length, 0);
    await clock.advance(2_000);
    const error = await failed;
    assert.ok(error instanceof TimeoutError && error.reason === "connect" && error.limit === 10_000);
    assert.equal(closed.closes.length, 1);
  });

  it("options that are not valid, or that belong to other sockets, are refused, and the socket is closed (F-86)", async () => {
    for (
      const wrong of [
        { framing: undefined },
        { framing, idleTimeout: "soon" },
        { framing, noDelay: true },
        { framing, upgradable: true },
        { framing, handler: () => {}, onFrame: () => {} },
        { framing, handler: 5 },
      ]
    ) {
      const [socket] = hostPair();
      await assert.rejects(serveSocket(socket, wrong as never), OptionsError);
      assert.equal(socket.closes.length, 1);
    }
    const [socket] = hostPair();
    await assert.rejects(frameSocket(socket, { framing, handler: () => {} } as never), OptionsError);
  });

  it("a stream that breaks is a reset in the record, a socket that does not open a rejection (F-86)", async () => {
    const [broken, far] = hostPair();
    const second = serveSocket(broken, { framing, onFrame: () => {} });
    const writer = far.writable.getWriter();
    await writer.write(bytes("hello\n"));
    await writer.abort(new Error("Network connection lost."));
    const record = await second;
    assert.deepEqual([record.reason, record.framesReceived], ["peer_reset", 1]);
    assert.ok(record.error instanceof SocketError && record.error.reason === "reset", String(record.error));
    const [never] = hostPair(Promise.reject(new Error("no route")));
    await assert.rejects(
      serveSocket(never, { framing, onFrame: () => {} }),
      (error) => error instanceof SocketError && /open a socket: no route/.test(error.message),
    );
    assert.equal(never.closes.length, 1);
  });

  it("signal drops the connection, and gives up one that has not opened (F-86)", async () => {
    const controller = new AbortController();
    const [socket] = hostPair();
    const served = serveSocket(socket, {
      framing,
      signal: controller.signal,
      onFrame: () => {},
      onConnect: () => queueMicrotask(() => controller.abort()),
    });
    assert.equal((await served).reason, "aborted");
    const [late] = hostPair(new Promise(() => {}));
    await assert.rejects(
      serveSocket(late, { framing, signal: controller.signal, onFrame: () => {} }),
      (error) => error instanceof SocketError && error.reason === "aborted",
    );
  });
});

describe("frameSocket over a socket of ours", { timeout: 60_000 }, () => {
  it("is a connection as connect makes it: frames, peer, close with a record (F-86)", async () => {
    await using server = await serve({
      port: 0,
      framing,
      onFrame: (line, connection) => connection.send(line),
    });
    const socket = connectSocket(`127.0.0.1:${server.address.port}`, { allowHalfOpen: true });
    const connection = await frameSocket(socket, { framing });
    const { local } = connection.peer;
    assert.deepEqual(connection.peer, { ip: "127.0.0.1", port: server.address.port, local });
    assert.ok(local.transport === "tcp" && local.port > 0);
    await connection.send("hello");
    for await (const line of connection) {
      assert.equal(line, "hello");
      break;
    }
    const record = await connection.close();
    assert.deepEqual([record.reason, record.endedWith, record.framesSent], ["closed", "fin", 1]);
  });

  it("carries 8 MiB both ways at once, and every frame counts (F-86)", async () => {
    const size = 65_536;
    const total = 128;
    await using server = await serve({
      port: 0,
      framing: raw(),
      onFrame: (chunk, connection) => connection.send(chunk),
    });
    const socket = connectSocket(`127.0.0.1:${server.address.port}`, { allowHalfOpen: true });
    const connection = await frameSocket(socket, { framing: raw() });
    const sending = (async () => {
      for (let at = 0; at < total; at++) await connection.send(new Uint8Array(size));
      connection.end();
    })();
    let received = 0;
    for await (const chunk of connection) received += chunk.length;
    await sending;
    assert.equal(received, total * size);
    const record = await connection.closed;
    assert.deepEqual([record.reason, record.bytesSent, record.bytesReceived], [
      "peer_closed",
      total * size,
      total * size,
    ]);
  });

  it("a socket that cannot connect rejects with the reason of its error (F-86)", async () => {
    await assert.rejects(
      frameSocket(connectSocket("127.0.0.1:1"), { framing }),
      (error) => error instanceof SocketError && error.reason === "refused",
    );
  });

  it("a server that is told to serve another one's socket, and a client of connect, hear each other (F-86)", async () => {
    // A relay: what connects to it is served frames over a socket that it has made itself.
    await using echo = await serve({
      port: 0,
      framing,
      onFrame: (line, connection) => connection.send(`<${line}>`),
    });
    await using relay = await serve({
      port: 0,
      framing,
      handler: async (connection) => {
        const onward = await frameSocket(
          connectSocket(`127.0.0.1:${echo.address.port}`, { allowHalfOpen: true }),
          { framing },
        );
        for await (const line of connection) {
          await onward.send(line);
          for await (const answer of onward) {
            await connection.send(answer);
            break;
          }
        }
        await onward.close();
      },
    });
    await using client = await connect({ port: relay.address.port, framing });
    await client.send("there");
    for await (const line of client) {
      assert.equal(line, "<there>");
      break;
    }
  });
});
