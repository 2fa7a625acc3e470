/** The logger that a server has by default: real processes, whose standard error is read, late or not at all (S-67). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { MillraceError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { it } from "../support/it.ts";
import { Program } from "../support/program.ts";
import { UnreadProgram } from "../support/unread_program.ts";

const limit = { timeout: 120_000 };
const file = "tests/server/programs/warns.ts";

const dial = (port: number): Promise<Connection<string, string>> =>
  connect({ port, framing: lines({ encoding: "utf-8" }) });

/** One error in the log. */
async function offend(port: number): Promise<void> {
  const client = await dial(port);
  await client.send("offence");
  // The server ends it, with or without a reset.
  await (async () => {
    for await (const line of client) assert.fail(line);
  })().catch((error: unknown) => assert.ok(error instanceof MillraceError, String(error)));
  client.destroy();
}

async function greeted(port: number): Promise<void> {
  const client = await dial(port);
  await client.send("hello");
  for await (const line of client) {
    assert.equal(line, "hello");
    break;
  }
  await client.close();
}

describe("the logger that a server has by default", () => {
  it(
    "S-67: stops no server while nobody reads, keeps little, and tells how much is missing",
    limit,
    async (t) => {
      const program = await UnreadProgram.run(t, { unread: "late", heard: 1 }, file, []);
      const port = Number((await program.said(/listens on (\d+)/))[1]);
      const offences = 150;
      for (let at = 0; at < offences; at++) await offend(port);
      await greeted(port);
      program.readOn();
      const [, count] = await program.said(/"message":"log records were dropped","count":(\d+)/);
      await offend(port);
      await program.said(/dropped"[^]*"message":"handler failed"[^]*\n/);
      const records = program.heard.split("\n").filter((line) => line.startsWith("{"));
      for (const record of records) {
        assert.equal(
          typeof (JSON.parse(record) as { level: unknown }).level,
          "string",
        );
      }
      assert.equal(records.length - 2 + Number(count), offences);
      // A pipe's 64 KiB and the 256 KiB that may wait are a fifth of it.
      assert.ok(records.length < offences / 2, `${records.length} records were kept`);
      program.signal("SIGTERM");
      assert.equal(await program.code(), 0);
    },
  );

  it("S-67: harms no server whose reader has gone", limit, async (t) => {
    const program = await UnreadProgram.run(t, { unread: "both", heard: 1 }, file, []);
    const port = Number((await program.said(/listens on (\d+)/))[1]);
    program.letReaderGo();
    for (let at = 0; at < 30; at++) await offend(port);
    await greeted(port);
    program.signal("SIGTERM");
    assert.equal(await program.code(), 0);
  });

  it("shows warnings and errors, one JSON line each, and nothing else (F-53)", limit, async (t) => {
    const program = new Program(t, file, []);
    const port = Number((await program.said("out", /listens on (\d+)/))[1]);
    await greeted(port);
    await offend(port);
    await program.said("err", /\n/);
    program.signal("SIGTERM");
    const { code, err } = await program.end();
    assert.equal(code, 0);
    const [only, ...rest] = err.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual([only?.["level"], only?.["message"], rest], ["error", "handler failed", []]);
  });

  it("tells of a logger that throws (F-53)", limit, async (t) => {
    const program = new Program(t, file, ["broken"]);
    const port = Number((await program.said("out", /listens on (\d+)/))[1]);
    await greeted(port);
    await program.said("err", /"message":"logger failed".*broken logger.*\n/);
  });
});
