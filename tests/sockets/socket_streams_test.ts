// Large transfers, half-open connections, and what cancelling, aborting, time and signals do to sockets of the draft.
import assert from "node:assert/strict";
import { createServer, type Socket as NodeSocket } from "node:net";
import { after, before, describe } from "node:test";
import { SocketError as TransportError, TlsError } from "../../adapter.ts";
import { lines, serve, TimeoutError } from "../../mod.ts";
import { SocketError, sockets } from "../../sockets.ts";
import { FakeClock, memoryAdapter } from "../../src/testing/mod.ts";
import type { Adapter } from "../../src/core/transport.ts";
import { it } from "../support/it.ts";
import { Peer } from "../support/peer.ts";
import { DraftPeer, type SecurePeers, securePeers } from "./draft_peer.ts";

const mebibyte = 1024 * 1024;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = async (readable: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> =>
  await new Response(readable).text();
const causedBy = (reason: string) => (error: unknown): boolean =>
  error instanceof SocketError && (error.cause as { reason?: string }).reason === reason;

const tidying: (() => unknown)[] = [];
let peer!: DraftPeer;
let secure!: SecurePeers;
before(async () => {
  const suite = { after: (cleanup: () => unknown): void => void tidying.push(cleanup) };
  peer = await DraftPeer.listen(suite);
  secure = await securePeers(suite);
}, { timeout: 60_000 });
after(async () => {
  for (const cleanup of tidying) await cleanup();
});

const { connect } = sockets();

async function commanded(command: string, options?: { readonly allowHalfOpen?: boolean }) {
  const socket = connect({ hostname: "127.0.0.1", port: peer.port }, options);
  const writer = socket.writable.getWriter();
  await writer.write(bytes(`${command}\n`));
  return { socket, writer };
}

/** A server that does not read until it is told to, and what it is connected to. */
async function slowServer(t: { after(hook: () => unknown): void }) {
  let accept!: (socket: NodeSocket) => void;
  const accepted = new Promise<NodeSocket>((resolve) => (accept = resolve));
  let tellOver!: () => void;
  const over = new Promise<void>((resolve) => (tellOver = resolve));
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {}).on("end", tellOver).on("close", tellOver);
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    (await accepted).destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, accepted, over };
}

/** What a connection in memory holds on its way. */
const room = 16_384;

/** A socket of a connection in memory, whose peer reads when it is told to. */
async function inMemory(options: { readonly readableBytes?: number } = {}) {
  const adapter = memoryAdapter({ bufferSize: room });
  const tuning = { noDelay: true, keepAlive: "system", tls: undefined } as const;
  const address = { transport: "tcp", host: "127.0.0.1", port: 0 } as const;
  let accept!: (peer: Peer) => void;
  const accepted = new Promise<Peer>((resolve) => (accept = resolve));
  const listener = await adapter.listen(
    { ...tuning, address, backlog: undefined, reusePort: false, ipv6Only: false, failed: () => {} },
    (transport) => accept(new Peer(transport).start()),
  );
  const { port } = listener.address as { port: number };
  const socket = sockets({ ...options, adapter }).connect(`127.0.0.1:${port}`);
  await socket.opened;
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 300; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { socket, other: await accepted, settle };
}

describe("streams of sockets of the draft", { timeout: 120_000 }, () => {
  it("upload: a writer waits for a peer that does not read, and everything arrives behind it (F-35)", async (t) => {
    const { port, accepted } = await slowServer(t);
    const socket = connect(`127.0.0.1:${port}`, { allowHalfOpen: true });
    const writer = socket.writable.getWriter();
    const total = 64 * mebibyte;
    let written = 0;
    const uploading = (async () => {
      while (written < total) {
        await writer.write(new Uint8Array(mebibyte));
        written += mebibyte;
      }
      await writer.close();
    })();
    const peerSocket = await accepted;
    let received = 0;
    // Nobody reads: what has been written stays below what buffers hold.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    const before = written;
    assert.ok(before < 48 * mebibyte, `${before} bytes were written without a reader`);
    peerSocket.on("data", (chunk: Uint8Array) => void (received += chunk.length));
    const ended = new Promise((resolve) => peerSocket.on("end", resolve));
    peerSocket.resume();
    await uploading;
    await ended;
    assert.equal(received, total);
    await socket.close();
  });

  it("download: what nobody reads stays with the peer, and arrives when it is read (F-35)", async () => {
    const total = 64 * mebibyte;
    const { socket } = await commanded(`send ${total}`);
    await socket.opened;
    const reader = socket.readable.getReader();
    let received = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      received += value.length;
    }
    assert.equal(received, total);
    await socket.closed;
  });

  it("backpressure: of what nobody reads, no more is taken than readableBytes and a chunk (F-35)", async () => {
    const { socket, other, settle } = await inMemory({ readableBytes: 10_000 });
    for (let at = 0; at < 100; at++) other.write(new Uint8Array(4_000));
    await settle();
    // What the buffer of the connection holds, and what waits for a reader.
    assert.ok(other.transport.taken <= room + 14_000, `${other.transport.taken} bytes were taken`);
    const reader = socket.readable.getReader();
    for (let received = 0; received < 400_000;) received += (await reader.read()).value!.length;
    await socket.close();
  });

  it("close behind a write that has not gone out is a reset for the peer, and otherwise a FIN (F-35)", async () => {
    for (const [size, error, ended] of [[room * 4, "reset", false], [1_000, undefined, true]] as const) {
      const { socket, other, settle } = await inMemory();
      other.onData = () => false;
      const writing = socket.writable.getWriter().write(new Uint8Array(size)).catch(() => {});
      await settle();
      await socket.close();
      await writing;
      other.onData = () => true;
      other.transport.resume();
      await settle();
      assert.deepEqual([other.error?.reason, other.ended], [error, ended]);
      other.abort();
    }
  });

  it("BYOB: a small view gets the bytes in order, and the rest with the next (F-35)", async () => {
    const { socket, writer } = await commanded("echo");
    const reader = socket.readable.getReader({ mode: "byob" });
    const sent = "0123456789".repeat(1000);
    await writer.write(bytes(sent));
    let all = "";
    let view = new Uint8Array(7);
    while (all.length < sent.length + 5) {
      const { value } = await reader.read(view);
      assert.ok(value!.length <= 7);
      all += new TextDecoder().decode(value);
      view = new Uint8Array(value!.buffer);
    }
    assert.equal(all, `echo\n${sent}`);
    await socket.close();
  });

  it("half-open: this side ends first and still reads; an upload is answered with its size (F-35)", async () => {
    const { socket, writer } = await commanded("count");
    await writer.write(new Uint8Array(5 * mebibyte));
    await writer.close();
    assert.equal(await text(socket.readable), String(5 * mebibyte));
    await socket.closed;
  });

  it("a pipe from readable to writable ends without an error at the peer's FIN, with and without allowHalfOpen (F-35)", async () => {
    for (const allowHalfOpen of [false, true]) {
      let heard!: (all: string) => void;
      const answer = new Promise<string>((resolve) => (heard = resolve));
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        let all = "";
        socket.on("data", (chunk) => void (all += chunk));
        socket.on("end", () => heard(all));
        socket.end("there and back");
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as { port: number };
      const socket = connect(`127.0.0.1:${port}`, { allowHalfOpen });
      await socket.readable.pipeTo(socket.writable);
      assert.equal(await answer, "there and back");
      await socket.close();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("cancel: what comes afterwards is discarded, and writing goes on (F-35)", async () => {
    const { socket, writer } = await commanded("echo cancelled");
    await socket.readable.cancel("enough");
    for (let at = 0; at < 20; at++) await writer.write(new Uint8Array(mebibyte));
    await writer.close();
    const { socket: asked } = await commanded("seen cancelled", { allowHalfOpen: true });
    assert.equal((await text(asked.readable)).length, 20 * mebibyte);
    await socket.close();
    await asked.close();
  });

  it("abort: the connection is dropped, and both a waiting read and closed readers hear of it (F-35)", async () => {
    const { socket, writer } = await commanded("hold");
    const reading = socket.readable.getReader().read();
    await writer.abort(new Error("no more"));
    await assert.rejects(reading, SocketError);
    await assert.rejects(writer.write(bytes("x")), /no more/);
    await socket.close();
  });

  it("close: what was written and awaited arrives; behind what was not, the peer sees no FIN (F-35)", async (t) => {
    const { socket, writer } = await commanded("echo finished");
    await writer.write(bytes("the last word"));
    await socket.close();
    const { socket: asked } = await commanded("seen finished", { allowHalfOpen: true });
    assert.equal(await text(asked.readable), "the last word");
    await asked.close();

    const { port, accepted, over } = await slowServer(t);
    const cut = connect(`127.0.0.1:${port}`);
    const unsent = cut.writable.getWriter().write(new Uint8Array(64 * mebibyte));
    const failed = assert.rejects(unsent, /changed my mind/);
    const peerSocket = await accepted;
    await cut.opened;
    await cut.close(new Error("changed my mind"));
    await failed;
    let received = 0;
    peerSocket.on("data", (chunk: Uint8Array) => void (received += chunk.length));
    peerSocket.resume();
    await over;
    assert.ok(received < 64 * mebibyte);
  });

  it("connectTimeout: a peer that does not answer is given up, by default after ten seconds (F-35)", async () => {
    const clock = new FakeClock();
    const silent: Adapter = {
      name: "memory",
      can: { pause: true, tls: false } as Adapter["can"],
      listen: () => Promise.reject(new Error("no")),
      connect: ({ signal }) =>
        new Promise((_, reject) => {
          signal!.addEventListener("abort", () => reject(new TransportError("aborted", "connect: aborted")));
        }),
    };
    for (const [options, limit] of [[{}, 10_000], [{ connectTimeout: "3 seconds" }, 3_000]] as const) {
      const socket = sockets({ ...options, adapter: silent, clock }).connect("example.org:80");
      const failed = socket.opened.then(() => undefined, (error: SocketError) => error.cause);
      await clock.advance(limit - 1);
      assert.equal(await Promise.race([failed, Promise.resolve("waits")]), "waits");
      await clock.advance(1);
      const error = await failed;
      assert.ok(error instanceof TimeoutError && error.reason === "connect" && error.limit === limit);
      await assert.rejects(socket.closed, SocketError);
    }
  });

  it("signal: closes what is open and what is pending, with its reason, and is let go by sockets that end (F-35)", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const count = (change: number, method: "addEventListener" | "removeEventListener"): void => {
      const original = signal[method].bind(signal);
      const counted = (type: string, listener: () => void): void => {
        listeners += change;
        original(type, listener);
      };
      Object.assign(signal, { [method]: counted });
    };
    count(1, "addEventListener");
    count(-1, "removeEventListener");
    const bound = sockets({ signal });
    const gone = bound.connect(`127.0.0.1:${peer.port}`);
    await gone.opened;
    await gone.close();
    await assert.rejects(bound.connect("127.0.0.1:1").opened);
    assert.equal(listeners, 0);
    const open = bound.connect(`127.0.0.1:${peer.port}`);
    await open.opened;
    const pending = bound.connect(`127.0.0.1:${peer.port}`);
    const why = new Error("shutting down");
    controller.abort(why);
    await assert.rejects(pending.opened, (error) => error === why);
    await Promise.all([open.closed, pending.closed]);
    await assert.rejects(open.writable.getWriter().write(bytes("x")), (error) => error === why);
    const late = bound.connect(`127.0.0.1:${peer.port}`);
    await assert.rejects(late.opened, (error) => error === why);
    assert.equal(listeners, 0);
  });
});

describe("startTls with a server of ours", { timeout: 120_000 }, () => {
  const starting = (ca: string | undefined) =>
    sockets(ca === undefined ? {} : { tls: { ca } }).connect(`localhost:${secure.starttls.address.port}`, {
      secureTransport: "starttls",
    });

  it("what was written before goes out in plaintext, and nothing that is written afterwards (F-35)", async () => {
    const socket = starting(secure.ca);
    const writer = socket.writable.getWriter();
    const reader = socket.readable.getReader();
    void writer.write(bytes("one\n"));
    void writer.write(bytes("STARTTLS\n"));
    let plain = "";
    while (plain !== "one\ngo\n") plain += new TextDecoder().decode((await reader.read()).value);
    const secured = socket.startTls();
    await assert.rejects(writer.write(bytes("secret\n")), /startTls/);
    assert.equal((await reader.read()).done, true);
    await secured.writable.getWriter().write(bytes("secret\n"));
    assert.equal(new TextDecoder().decode((await secured.readable.getReader().read()).value), "secret\n");
    assert.equal(secured.secureTransport, "on");
    assert.throws(() => socket.startTls(), /upgraded/);
    assert.throws(() => secured.startTls(), /TLS already/);
    await secured.close();
  });

  it("a certificate that is not trusted fails the new socket, with the reason, and drops the connection (F-35)", async () => {
    const socket = starting(undefined);
    await socket.writable.getWriter().write(bytes("STARTTLS\n"));
    await socket.readable.getReader().read();
    const secured = socket.startTls();
    await assert.rejects(secured.opened, causedBy("certificate_untrusted"));
    await assert.rejects(secured.readable.getReader().read(), causedBy("certificate_untrusted"));
    await socket.closed;
  });

  it("plaintext that came before it and was not read fails the new socket: it may have been injected (F-35)", async () => {
    const socket = starting(secure.ca);
    await socket.writable.getWriter().write(bytes("more\nSTARTTLS\n"));
    const reader = socket.readable.getReader({ mode: "byob" });
    await reader.read(new Uint8Array(1));
    const secured = socket.startTls();
    await assert.rejects(secured.opened, (error) => {
      assert.ok(error instanceof SocketError && error.cause instanceof TlsError);
      return error.cause.reason === "injected";
    });
  });

  it("asked for while the socket connects, it waits for that, and fails with it (F-35)", async () => {
    const direct = await serve({
      port: 0,
      framing: lines({ encoding: "utf-8" }),
      upgradable: true,
      onConnect: (connection) => void connection.upgrade({ ...secure.pair }).catch(() => {}),
      onFrame: (line, connection) => connection.send(line),
    });
    const binding = sockets({ tls: { ca: secure.ca } });
    const secured = binding.connect(`localhost:${direct.address.port}`, { secureTransport: "starttls" })
      .startTls();
    await secured.opened;
    await secured.writable.getWriter().write(bytes("hello\n"));
    assert.equal(new TextDecoder().decode((await secured.readable.getReader().read()).value), "hello\n");
    await secured.close();
    await direct.destroy();
    const refused = binding.connect("127.0.0.1:1", { secureTransport: "starttls" }).startTls();
    await assert.rejects(refused.opened, causedBy("refused"));
  });
});
