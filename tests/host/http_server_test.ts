/** The HTTP server under peers that are slow, many, or want too much at once (S-51): real sockets, short limits. */
import assert from "node:assert/strict";
import { connect as dial, type Socket } from "node:net";
import { describe } from "node:test";
import { systemClock } from "../../src/core/time/clock.ts";
import { SocketError } from "../../src/core/errors.ts";
import type { HttpAnswer, HttpRequest } from "../../src/host/http_peer.ts";
import { type HttpServer, type HttpServerOptions, startHttpServer } from "../../src/host/http_server.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { it } from "../support/it.ts";
import type { Cleaner } from "../support/program.ts";

const limit = { timeout: 30_000 };
const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const text = (body: string, status = 200): HttpAnswer => ({ status, headers: {}, body });

async function start(t: Cleaner, options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  const server = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    clock: systemClock,
    answer: () => Promise.resolve(text("ok")),
    refuse: (status) => text("refused", status),
    failed: (error) => assert.fail(error),
    maxConnections: 100,
    maxHeadBytes: 16 * 1024,
    requestTimeout: 10_000,
    silence: 60_000,
    ...options,
  });
  t.after(() => server.close());
  return server;
}

/** A client that keeps what it is told. */
class Client {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  heard = "";
  /** Bytes, where not all are kept. */
  bytes = 0;
  #changed: () => void = () => {};

  constructor(t: Cleaner, server: HttpServer, first: string) {
    this.socket = dial(server.address.port, "127.0.0.1");
    t.after(() => this.socket.destroy());
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk) => {
      this.bytes += chunk.length;
      if (this.heard.length < 10_000) this.heard += chunk.toString("latin1");
      this.#changed();
    });
    this.closed = new Promise((resolve) => this.socket.on("close", () => resolve()));
    if (first !== "") this.socket.write(first);
  }

  async hears(wanted: RegExp): Promise<void> {
    while (!wanted.test(this.heard)) await new Promise<void>((resolve) => this.#changed = resolve);
  }
}

async function answered(t: Cleaner, server: HttpServer): Promise<void> {
  const client = new Client(t, server, get.replace("Host", "Connection: close\r\nHost"));
  await client.closed;
  assert.match(client.heard, /^HTTP\/1\.1 200 OK\r\n[^]*ok$/);
}

describe("an HTTP server", () => {
  it(
    "S-51: a head that arrives byte by byte is ended at the limit, and others are answered meanwhile",
    limit,
    async (t) => {
      const server = await start(t, { requestTimeout: 400 });
      const slow = new Client(t, server, "GET / HTTP/1.1\r\nX: ");
      let over = false;
      void slow.closed.then(() => over = true);
      let rounds = 0;
      for (; !over; rounds++) {
        slow.socket.write("a");
        await answered(t, server);
      }
      assert.ok(rounds > 1);
      assert.match(slow.heard, /^HTTP\/1\.1 408 Request Timeout\r\n/);
    },
  );

  it("S-51: nor does a body, a second request or silence hold a connection", limit, async (t) => {
    const server = await start(t, { requestTimeout: 400 });
    const body = new Client(t, server, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    const second = new Client(t, server, `${get}GET / HT`);
    const silent = new Client(t, server, "");
    await Promise.all([body.closed, second.closed, silent.closed]);
    assert.match(body.heard, /^HTTP\/1\.1 408 Request Timeout\r\n/);
    assert.match(second.heard, /^HTTP\/1\.1 200 OK\r\n[^]*okHTTP\/1\.1 408 Request Timeout\r\n/);
    assert.match(silent.heard, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  it("S-51: a connection that asks nothing more is closed after the time for it", limit, async (t) => {
    const client = new Client(t, await start(t, { silence: 1_200 }), get);
    await client.closed;
    assert.match(client.heard, /^HTTP\/1\.1 200 OK\r\n[^]*ok$/);
  });

  it(
    "S-51: an answer that is not taken is held as long as some of it is, and then dropped",
    limit,
    async (t) => {
      const clock = new FakeClock();
      const body = "x".repeat(64 * 1024 * 1024);
      const answer = (): Promise<HttpAnswer> => Promise.resolve(text(body));
      const server = await start(t, { answer, clock, silence: 60_000 });
      const client = new Client(t, server, get);
      await client.hears(/xxx/);
      for (let minute = 0; minute < 3; minute++) {
        // It takes a megabyte, and then nothing for most of the time that it has.
        const wanted = client.bytes + 8 * 1024 * 1024;
        client.socket.resume();
        while (client.bytes < wanted) await new Promise((resolve) => client.socket.once("data", resolve));
        client.socket.pause();
        await answered(t, server).catch(() => {});
        clock.advance(50_000);
        assert.equal(client.socket.destroyed, false);
      }
      clock.advance(60_000);
      client.socket.resume();
      await client.closed;
      assert.ok(client.bytes < body.length, `${client.bytes} bytes came`);
    },
  );

  it(
    "S-51: requests in one piece are answered one after the other, and too many drop their connection",
    limit,
    async (t) => {
      let running = 0;
      let most = 0;
      const release: (() => void)[] = [];
      const answer = async ({ target }: HttpRequest): Promise<HttpAnswer> => {
        most = Math.max(most, ++running);
        if (target === "/held") await new Promise<void>((resolve) => release.push(resolve));
        running--;
        return text(target);
      };
      const server = await start(t, { answer });
      const numbered = Array.from({ length: 30 }, (_, at) => get.replace("/", `/${at}`)).join("");
      const some = new Client(t, server, numbered);
      await some.hears(/\/29$/);
      assert.deepEqual(
        some.heard.match(/^\/\d+/gm)?.map((found) => Number(found.slice(1).split("HTTP")[0])),
        Array.from({ length: 30 }, (_, at) => at),
      );
      assert.equal(most, 1);
      const many = new Client(t, server, get.replace("/", "/held") + numbered.repeat(100));
      await many.closed;
      assert.equal(many.heard, "");
      release.forEach((letGo) => letGo());
    },
  );

  it("S-51: what is wrong with a request is said after the answers to those before it", limit, async (t) => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => release = resolve);
    const server = await start(t, {
      answer: () => held.then(() => text("first")),
      refuse: (status) => {
        return text("then", status);
      },
    });
    const client = new Client(t, server, `${get}garbage\r\n\r\n${"z".repeat(200_000)}`);
    await answered(t, await start(t));
    release();
    await client.hears(/then/);
    assert.match(client.heard, /^HTTP\/1\.1 200 OK\r\n[^]*firstHTTP\/1\.1 400 Bad Request\r\n[^]*then$/);
    assert.equal(client.heard.split("then").length, 2);
  });

  it(
    "S-51: connections beyond the maximum are dropped, and there is room again when one ends",
    limit,
    async (t) => {
      const server = await start(t, { maxConnections: 3 });
      const held = Array.from({ length: 3 }, () => new Client(t, server, get));
      for (const client of held) await client.hears(/ok$/);
      const further = new Client(t, server, get);
      await further.closed;
      assert.equal(further.heard, "");
      held[0]!.socket.destroy();
      await held[0]!.closed;
      for (;;) {
        const again = new Client(t, server, get);
        if (await Promise.race([again.closed.then(() => false), again.hears(/ok$/).then(() => true)])) break;
      }
    },
  );

  it(
    "S-51: close drops what is being answered and what is silent, and the port is free",
    limit,
    async (t) => {
      let asked: () => void = () => {};
      const begun = new Promise<void>((resolve) => asked = resolve);
      const answer = ({ target }: HttpRequest): Promise<HttpAnswer> => {
        if (target !== "/never") return Promise.resolve(text("ok"));
        asked();
        return new Promise(() => {});
      };
      const server = await start(t, { answer });
      const never = new Client(t, server, get.replace("/", "/never"));
      const idle = new Client(t, server, get);
      await Promise.all([begun, idle.hears(/ok$/)]);
      await Promise.all([server.close(), server.close(), never.closed, idle.closed]);
      assert.equal(never.heard, "");
      await answered(t, await start(t, { port: server.address.port }));
    },
  );

  it("S-51: peers that vanish in the middle are no fault of the server", limit, async (t) => {
    const server = await start(t, { answer: () => Promise.resolve(text("x".repeat(4 * 1024 * 1024))) });
    for (
      const request of [
        "",
        "GET / HT",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
        get,
        "garbage\r\n\r\n",
      ]
    ) {
      const client = new Client(t, server, request);
      await new Promise((resolve) => client.socket.once("connect", resolve));
      if (request === get) await client.hears(/xxx/);
      client.socket.resetAndDestroy();
      await client.closed;
    }
    await new Client(t, server, get).hears(/xxx/);
  });

  for (
    const [host, reason] of [
      ["192.0.2.1", "address_not_available"],
      ["nobody.invalid", "host_not_found"],
      ["127.0.0.1", "address_in_use"],
    ] as const
  ) {
    it(`S-51: an address that cannot be bound is ${reason}`, limit, async (t) => {
      const taken = await start(t);
      const port = reason === "address_in_use" ? taken.address.port : 0;
      await assert.rejects(start(t, { host, port }), (error: unknown) => {
        assert.ok(error instanceof SocketError);
        assert.equal(error.reason, reason);
        assert.match(error.message, new RegExp(`^listen on ${host}:${port}: `));
        return true;
      });
    });
  }
});
