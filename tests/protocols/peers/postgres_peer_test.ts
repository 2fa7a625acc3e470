// PostgreSQL with its clients: npm's pg and Debian's psql ask a server of ours, with and without TLS.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, type TestContext } from "node:test";
import { connect } from "../../../src/client/connect.ts";
import { concatBytes } from "../../../src/core/bytes/bytes.ts";
import { postgres } from "../../../src/protocols/postgres.ts";
import { serve } from "../../../src/server/serve.ts";
import type { Server } from "../../../src/server/server.ts";
import { serverPair } from "../../support/certificates.ts";
import { bytes, hex, text } from "../../support/frames.ts";
import { it } from "../../support/it.ts";
import { run, without } from "../../support/outside_program.ts";

interface PgClient {
  connect(): Promise<void>;
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  end(): Promise<void>;
}

/** It has no types. */
const { Client } = createRequire(import.meta.url)("pg") as {
  readonly Client: new (options: object) => PgClient;
};

/** A message with a type: text parts end with a zero, numbers are bytes. */
function message(type: string, ...parts: (string | number[])[]): Uint8Array {
  const body = concatBytes(
    parts.map((part) => typeof part === "string" ? bytes(`${part}\0`) : new Uint8Array(part)),
  );
  const size = body.length + 4;
  return concatBytes([bytes(type), new Uint8Array([0, 0, size >> 8, size & 255]), body]);
}

const authenticationOk = message("R", [0, 0, 0, 0]);
const ready = message("Z", [0x49]);
const columns = message("T", [0, 1], "answer", [
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  25,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0xff,
  0,
  0,
]);
const row = message("D", [0, 1, 0, 0, 0, 2, 0x34, 0x32]);
const done = message("C", "SELECT 1");

/** What a message is answered with, by its type. */
const answers: ReadonlyMap<string, readonly Uint8Array[]> = new Map([
  ["Q", [columns, row, done, ready]],
  ["P", [message("1")]],
  ["B", [message("2")]],
  ["D", [columns]],
  ["E", [row, done]],
  ["S", [ready]],
]);

const sslRequest = hex("0000000804d2162f");
const no = bytes("N");

/** Says that the answer is 42, whatever is asked. `seen` are the first letters of messages, 0 for a start-up packet. */
async function answering(
  t: TestContext,
  secure: boolean,
): Promise<[Server<Uint8Array, Uint8Array>, string[]]> {
  const pair = await serverPair("localhost");
  const seen: string[] = [];
  const server = await serve({
    port: 0,
    framing: postgres(),
    logger: () => {},
    upgradable: true,
    handler: async (connection) => {
      for await (const frame of connection) {
        const type = String.fromCharCode(frame[0]!);
        seen.push(type === "\0" ? "0" : type);
        if (type === "X") break;
        if (type !== "\0") {
          for (const answer of answers.get(type) ?? []) await connection.send(answer);
        } else if (frame.length > 8) {
          for (const part of [authenticationOk, message("S", "server_version", "15.0"), ready]) {
            await connection.send(part);
          }
        } else if (secure && frame[7] === 0x2f) {
          await connection.send(bytes("S"));
          await connection.upgrade({ cert: pair.cert, key: pair.key });
        } else await connection.send(no);
      }
    },
  });
  t.after(() => server.destroy());
  return [server, seen];
}

describe("PostgreSQL", () => {
  for (const secure of [false, true]) {
    const how = secure ? "with TLS" : "without TLS";

    it(`is what npm's pg speaks ${how}, in simple and extended queries (F-8)`, async (t) => {
      const [server, seen] = await answering(t, secure);
      const client = new Client({
        host: "127.0.0.1",
        port: server.address.port,
        user: "me",
        password: "none",
        database: "test",
        ssl: secure && { rejectUnauthorized: false },
      });
      await client.connect();
      assert.deepEqual((await client.query("select 42 as answer")).rows, [{ answer: "42" }]);
      assert.deepEqual((await client.query("select $1 as answer", [42])).rows, [{ answer: "42" }]);
      await client.end();
      assert.deepEqual(seen.slice(0, secure ? 3 : 2), secure ? ["0", "0", "Q"] : ["0", "Q"]);
      assert.equal(server.stats().frameErrors, 0);
    });

    it(`is what psql speaks ${how} (F-8)`, { skip: without("psql") }, async (t) => {
      const [server, seen] = await answering(t, secure);
      const given = `host=127.0.0.1 port=${server.address.port} user=me dbname=test connect_timeout=20`;
      const mode = `sslmode=${secure ? "require" : "prefer"} gssencmode=disable`;
      const asked = ["-X", "-A", "-t", "-c", "select 42", `${given} ${mode}`];
      const { out, err } = await run(t, "psql", asked, { PSQLRC: "/dev/null", HOME: "/nonexistent" });
      assert.equal(out, "42\n", err);
      assert.deepEqual(seen, ["0", "0", "Q", "X"]);
    });
  }

  it("has both sides here: no TLS, the start-up with a query in one chunk, and the answers in order (F-8)", async (t) => {
    const [server] = await answering(t, false);
    const client = await connect({ port: server.address.port!, framing: postgres({ side: "client" }) });
    t.after(() => client.close());
    const body = bytes("user\0me\0\0");
    const startup = concatBytes([new Uint8Array([0, 0, 0, 8 + body.length, 0, 3, 0, 0]), body]);
    await client.send(sslRequest);
    const heard: string[] = [];
    for await (const frame of client) {
      heard.push(text(frame.subarray(0, 1)));
      if (frame.length === 1) {
        await client.send(startup);
        await client.send(message("Q", "select 42"));
      }
      if (heard.filter((type) => type === "Z").length === 2) break;
    }
    assert.deepEqual(heard, ["N", "R", "S", "Z", "T", "D", "C", "Z"]);
  });
});
