// RESP with those who speak it: ioredis and redis-benchmark to a server of ours, and a client of ours to redis-server.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext } from "node:test";
import { Redis } from "ioredis";
import { connect } from "../../../src/client/connect.ts";
import { resp } from "../../../src/protocols/resp.ts";
import { serve } from "../../../src/server/serve.ts";
import type { Server } from "../../../src/server/server.ts";
import { bytes, text } from "../../support/frames.ts";
import { it } from "../../support/it.ts";
import { run, start, without } from "../../support/outside_program.ts";

/** The words of a command, which is an array of strings or a line. */
function wordsOf(frame: Uint8Array): string[] {
  const command = new TextDecoder("latin1").decode(frame);
  if (command[0] !== "*") return command.trim().split(/ +/);
  const words: string[] = [];
  for (let at = command.indexOf("\n") + 1; at < command.length;) {
    const begin = command.indexOf("\n", at) + 1;
    const length = Number(command.slice(at + 1, begin));
    words.push(command.slice(begin, begin + length));
    at = begin + length + 2;
  }
  return words;
}

const bulk = (value: string | undefined): string =>
  value === undefined ? "$-1\r\n" : `$${value.length}\r\n${value}\r\n`;

/** A few commands of Redis, over strings and lists of Latin-1. */
function answer(words: string[], strings: Map<string, string>, lists: Map<string, string[]>): string {
  const [name = "", key = "", value = ""] = words;
  switch (name.toUpperCase()) {
    case "PING":
      return "+PONG\r\n";
    case "SET":
      strings.set(key, value);
      return "+OK\r\n";
    case "GET":
      return bulk(strings.get(key));
    case "RPUSH":
      lists.set(key, [...lists.get(key) ?? [], ...words.slice(2)]);
      return `:${lists.get(key)!.length}\r\n`;
    case "LRANGE": {
      const list = lists.get(key) ?? [];
      return `*${list.length}\r\n${list.map(bulk).join("")}`;
    }
    case "INFO":
      return bulk("redis_version:7.0.0\r\nloading:0\r\n");
    default:
      return `-ERR unknown command '${name}'\r\n`;
  }
}

async function redisServer(t: TestContext): Promise<Server<Uint8Array, Uint8Array>> {
  const [strings, lists] = [new Map<string, string>(), new Map<string, string[]>()];
  const server = await serve({
    port: 0,
    framing: resp(),
    logger: () => {},
    onFrame(frame, connection) {
      const reply = answer(wordsOf(frame), strings, lists);
      return connection.send(Uint8Array.from(reply, (character) => character.charCodeAt(0)));
    },
  });
  t.after(() => server.destroy());
  return server;
}

describe("RESP", () => {
  it("is what ioredis speaks: values with line ends, large ones, arrays, and many commands at once (F-8)", async (t) => {
    const server = await redisServer(t);
    const redis = new Redis(server.address.port!, "127.0.0.1", {
      lazyConnect: true,
      retryStrategy: () => null,
    });
    t.after(() => redis.disconnect());
    await redis.connect();
    const large = "x\r\n$1\r\n*2\r\n".repeat(20_000);
    assert.equal(await redis.set("a", large), "OK");
    assert.equal(await redis.get("a"), large);
    assert.equal(await redis.get("missing"), null);
    assert.equal(await redis.rpush("list", "1", "", "3\r\n"), 3);
    assert.deepEqual(await redis.lrange("list", 0, -1), ["1", "", "3\r\n"]);
    await assert.rejects(redis.call("NOSUCH"), /unknown command 'NOSUCH'/i);
    const pipeline = redis.pipeline();
    for (let i = 0; i < 500; i++) pipeline.set(`k${i}`, `v${i}`).get(`k${i}`);
    const results = await pipeline.exec();
    assert.deepEqual(results?.map(([error]) => error).filter(Boolean), []);
    assert.deepEqual(results?.at(-1)?.[1], "v499");
  });

  it(
    "is what redis-benchmark speaks, with inline commands and many in one chunk (F-8)",
    { skip: without("redis-benchmark") },
    async (t) => {
      const server = await redisServer(t);
      const { port } = server.address;
      const given = [
        "-h",
        "127.0.0.1",
        "-p",
        String(port),
        "-n",
        "1000",
        "-c",
        "10",
        "-P",
        "25",
        "-d",
        "300",
      ];
      const { code, out, err } = await run(t, "redis-benchmark", [...given, "-t", "ping,set,get", "--csv"]);
      assert.equal(code, 0, err);
      for (const name of ["PING_INLINE", "PING_MBULK", "SET", "GET"]) {
        assert.match(out, new RegExp(`^"${name}"`, "m"));
      }
      assert.equal(server.stats().frameErrors, 0);
      assert.ok(server.stats().framesReceived >= 4000);
    },
  );

  it(
    "has every reply of redis-server as one frame, in RESP 2 and 3 (F-8)",
    { skip: without("redis-server") },
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "millrace-redis-"));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const path = join(folder, "redis.sock");
      const off = ["--port", "0", "--save", "", "--appendonly", "no", "--dir", folder];
      const redis = start(t, "redis-server", [...off, "--unixsocket", path]);
      await redis.said(/Ready to accept connections/i);
      const connection = await connect({ path, framing: resp() });
      t.after(() => connection.close());
      const replies = connection[Symbol.asyncIterator]();
      const ask = async (...words: string[]): Promise<string> => {
        await connection.send(bytes(`*${words.length}\r\n${words.map(bulk).join("")}`));
        const { value } = await replies.next();
        return text(value!);
      };
      assert.equal(await ask("PING"), "+PONG\r\n");
      assert.equal(await ask("HSET", "h", "a", "1", "b", "2"), ":2\r\n");
      assert.equal(await ask("HGETALL", "h"), `*4\r\n${["a", "1", "b", "2"].map(bulk).join("")}`);
      assert.equal(await ask("GET", "missing"), "$-1\r\n");
      assert.match(await ask("HELLO", "3"), /^%7\r\n/);
      assert.equal(await ask("HGETALL", "h"), `%2\r\n${["a", "1", "b", "2"].map(bulk).join("")}`);
      assert.equal(await ask("GET", "missing"), "_\r\n");
      assert.equal(
        await ask("EVAL", "return {1,{2,{3,'x\\r\\n'}}}", "0"),
        "*2\r\n:1\r\n*2\r\n:2\r\n*2\r\n:3\r\n$3\r\nx\r\n\r\n",
      );
      assert.match(await ask("DEBUG", "NOSUCH"), /^-/);
      assert.match(await ask("COMMAND"), /^\*\d+\r\n/);
      assert.match(await ask("SUBSCRIBE", "news"), /^>3\r\n/);
      const many = 300;
      for (let i = 0; i < many; i++) await connection.send(bytes("*1\r\n$4\r\nPING\r\n"));
      for (let i = 0; i < many; i++) assert.match(text((await replies.next()).value!), /^[+*>]/);
    },
  );
});
