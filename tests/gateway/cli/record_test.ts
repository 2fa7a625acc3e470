// millrace record and replay: what went through a proxy is in a file, and plays again.
import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { connect } from "../../../src/client/connect.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import { raw } from "../../../src/core/framing/raw.ts";
import { systemClock } from "../../../src/core/time/clock.ts";
import { runProgram } from "../../../src/gateway/cli/program.ts";
import { PrivateFile } from "../../../src/host/private_file.ts";
import { parseRecording } from "../../../src/recording/recording_text.ts";
import { serve } from "../../../src/server/serve.ts";
import { within } from "../../contract/within.ts";
import { text } from "../../support/frames.ts";
import { it } from "../../support/it.ts";
import { type Cleaner, startMillrace } from "../../support/program.ts";
import { startEcho } from "./echo_server.ts";
import { type MemoryShell, memoryShell } from "./memory_shell.ts";

async function scratch(t: Cleaner): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-record-"));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, "field.ndjson");
}

/** What a command says on standard error, once it does. */
async function said(shell: MemoryShell, wanted: RegExp): Promise<RegExpExecArray> {
  const waiting = (async () => {
    for (;;) {
      const match = wanted.exec(shell.errors.text);
      if (match !== null) return match;
      await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
    }
  })();
  return await within(waiting, () => `${wanted} in ${shell.errors.text}`);
}

async function recording(target: number, file: string, ...flags: string[]) {
  const shell = memoryShell();
  const args = ["record", file, `127.0.0.1:${target}`, "--listen", "127.0.0.1:0", ...flags];
  const running = runProgram(args, shell);
  const [, port] = await said(shell, /listening on 127\.0\.0\.1:(\d+), passing on to/);
  return {
    shell,
    port: Number(port),
    async stop(): Promise<number> {
      shell.stop.next("SIGTERM");
      return await running;
    },
  };
}

async function replaying(args: readonly string[], columns?: number) {
  const shell = memoryShell("", columns);
  const code = await runProgram(["replay", ...args], shell);
  return { code, out: shell.output.text, err: shell.errors.text };
}

const utf8 = lines({ encoding: "utf-8" });

describe("millrace record", () => {
  it("passes connections on both ways, each FIN as one, and the recording plays again (F-72)", async (t) => {
    const file = await scratch(t);
    const { port: target } = await startEcho(t, lines());
    const proxy = await recording(target, file);
    const client = await connect({ port: proxy.port, framing: utf8, allowHalfOpen: true });
    const got: string[] = [];
    void client.send("hello");
    for await (const line of client) {
      got.push(line);
      if (got.length === 1) {
        void client.send("world");
        client.end();
      }
    }
    assert.deepEqual(got, ["hello", "world"]);
    await client.closed;
    assert.equal(await proxy.stop(), 0);
    assert.match(proxy.shell.errors.text, /recorded 1 connection in \d+ bytes\n$/);
    if (process.platform !== "win32") assert.equal((await stat(file)).mode & 0o777, 0o600);
    const recorded = parseRecording(await readFile(file, "utf8"));
    const [connection] = recorded.connections;
    assert.deepEqual([recorded.torn, recorded.full, connection!.complete], [false, false, true]);
    assert.match(connection!.peer!, /^127\.0\.0\.1:\d+$/);
    const shown = connection!.events.map(({ from, event, bytes }) =>
      `${from} ${event ?? text(bytes!).trim()}`
    );
    assert.deepEqual(shown, [
      "client hello",
      "server hello",
      "client world",
      "client end",
      "server world",
      "server end",
    ]);

    const again = await replaying([file, `127.0.0.1:${target}`]);
    const said = "sent 2 of 2 chunks, 12 bytes; received 12 of 12 bytes: the same as in the recording\n";
    assert.deepEqual(again, { code: 0, out: said, err: "" });
  });

  it("passes a reset on in either direction, and records whose it was (F-72)", async (t) => {
    const file = await scratch(t);
    const target = await serve({
      port: 0,
      framing: utf8,
      logger: () => {},
      onFrame: (line, connection) => line === "you" ? connection.destroy() : connection.send(line),
    });
    t.after(() => target.destroy());
    const proxy = await recording(target.address.port, file);
    const first = await connect({ port: proxy.port, framing: utf8 });
    void first.send("you");
    await first.closed;
    const second = await connect({ port: proxy.port, framing: utf8 });
    void second.send("I");
    for await (const _ of second) break;
    second.destroy();
    await within(untilEmpty(target), () => "the target's connections to end");
    assert.equal(await proxy.stop(), 0);
    const { connections } = parseRecording(await readFile(file, "utf8"));
    const lasts = connections.map(({ events }) => events.at(-1)!);
    const { adapter } = await import("../../../src/adapters/detect.ts").then(async ({ detectAdapter }) => ({
      adapter: await detectAdapter(),
    }));
    // Where a runtime cannot reset, its peer sees FIN.
    const event = adapter.can.reset ? "reset" : "end";
    assert.deepEqual(lasts.map(({ from }) => from).sort(), ["client", "server"]);
    if (adapter.can.reset) assert.deepEqual(lasts.map((last) => last.event), [event, event]);
  });

  it("leaves a file alone that is there, and replaces it when told to, for its owner's eyes only (F-72)", async (t) => {
    const file = await scratch(t);
    await writeFile(file, "mine");
    await chmod(file, 0o644);
    const shell = memoryShell();
    assert.equal(await runProgram(["record", file, "127.0.0.1:1", "--listen", "127.0.0.1:0"], shell), 1);
    assert.match(shell.errors.text, /^millrace: record to .*: it is there already; .*--force\n$/);
    assert.equal(await readFile(file, "utf8"), "mine");
    const { port } = await startEcho(t, lines());
    const proxy = await recording(port, file, "--force");
    assert.equal(await proxy.stop(), 0);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(parseRecording(await readFile(file, "utf8")).connections, []);
  });

  it("stops recording at the maximum size, says so, and goes on passing on (F-72)", async (t) => {
    const file = await scratch(t);
    const { port } = await startEcho(t, lines());
    const proxy = await recording(port, file, "--max-size", "2KiB");
    const client = await connect({ port: proxy.port, framing: utf8 });
    const line = "x".repeat(1_000);
    let echoed = 0;
    for (let count = 0; count < 10; count++) void client.send(line);
    for await (const each of client) {
      assert.equal(each, line);
      if (++echoed === 10) break;
    }
    await client.close();
    await said(proxy.shell, /warn: the recording has reached --max-size/);
    assert.equal(await proxy.stop(), 0);
    assert.ok((await stat(file)).size <= 2048);
    assert.equal(parseRecording(await readFile(file, "utf8")).full, true);
  });

  it("says of a connection that cannot be passed on why, and serves the next (F-72)", async (t) => {
    const file = await scratch(t);
    const gone = await serve({ port: 0, framing: raw(), logger: () => {}, onFrame: () => {} });
    await gone.close();
    const proxy = await recording(gone.address.port, file);
    for (let count = 0; count < 2; count++) {
      const client = await connect({ port: proxy.port, framing: utf8 });
      await client.closed;
    }
    await said(proxy.shell, /(?:warn: a connection was not passed on: connect to .*[\s\S]*){2}/);
    assert.equal(await proxy.stop(), 0);
    assert.equal(parseRecording(await readFile(file, "utf8")).connections.length, 2);
  });

  it("leaves a file that can be read when it is killed (F-72)", { timeout: 60_000 }, async (t) => {
    const file = await scratch(t);
    const { port } = await startEcho(t, lines());
    const program = startMillrace(t, "record", file, `127.0.0.1:${port}`, "--listen", "127.0.0.1:0");
    const [, listening] = await program.said("err", /listening on 127\.0\.0\.1:(\d+)/);
    const client = await connect({ port: Number(listening), framing: utf8 });
    void client.send("before");
    for await (const _ of client) break;
    // What it has passed on is written a little later.
    while (!(await readFile(file, "utf8")).includes("before")) {
      await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
    }
    program.signal("SIGKILL");
    await program.end();
    client.destroy();
    const { connections } = parseRecording(await readFile(file, "utf8"));
    assert.equal(connections[0]!.complete, false);
    assert.equal(text(connections[0]!.events[0]!.bytes!), "before\n");
  });
});

async function untilEmpty(server: { readonly connections: ReadonlyMap<string, unknown> }): Promise<void> {
  while (server.connections.size > 0) await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
}

const head = '{"format":"millrace-recording","version":1,"startedAt":"2026-11-27T20:00:00.000Z"}';
const open = '{"at":0,"connection":1,"event":"open"}';

async function written(t: Cleaner, ...records: readonly string[]): Promise<string> {
  const file = await scratch(t);
  await writeFile(file, [head, open, ...records, ""].join("\n"));
  return file;
}

describe("millrace replay", () => {
  const asked = '{"at":1,"connection":1,"from":"client","text":"one\\n"}';
  const answered = '{"at":2,"connection":1,"from":"server","text":"one\\n"}';
  const other = '{"at":2,"connection":1,"from":"server","text":"two\\n"}';
  const more = '{"at":2,"connection":1,"from":"server","text":"one\\ntwo\\n"}';
  const close = '{"at":3,"connection":1,"event":"close"}';

  it("says in its exit code and in JSON what came back (F-72)", async (t) => {
    const { port } = await startEcho(t, lines());
    const to = `127.0.0.1:${port}`;
    assert.equal((await replaying([await written(t, asked, answered, close), to])).code, 0);
    const different = await replaying([await written(t, asked, other, close), to]);
    assert.deepEqual([different.code, different.out.includes("different from the recording at byte 0")], [
      1,
      true,
    ]);
    const missing = await replaying([await written(t, asked, more, close), to, "--wait", "50ms", "--json"]);
    assert.equal(missing.code, 3);
    assert.deepEqual(JSON.parse(missing.out).outcome, "missing");
  });

  it("shows what comes back as the lines of a recording, and how far it is on a terminal (F-72)", async (t) => {
    const { port } = await startEcho(t, lines());
    const file = await written(t, asked, answered, close);
    const shown = await replaying([file, `127.0.0.1:${port}`, "--show"]);
    const line = JSON.parse(shown.out) as { from: string; text: string };
    assert.deepEqual([line.from, line.text], ["server", "one\n"]);
    const watched = await replaying([file, `127.0.0.1:${port}`], 80);
    assert.match(watched.err, /1 of 1 chunk sent/);
    const quiet = await replaying([file, `127.0.0.1:${port}`, "--no-progress"], 80);
    assert.equal(quiet.err, "");
  });

  it("refuses what is no recording, a connection that is not in it, and wrong options (F-72)", async (t) => {
    const file = await written(t, asked);
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [[`${file}.not`, "127.0.0.1:1"], 1, /^millrace: replay .*not/],
      [
        [await written(t, "nonsense", asked), "127.0.0.1:1"],
        1,
        /line 3: found "nonsense", expected an object in JSON/,
      ],
      [
        [file, "127.0.0.1:1", "--connection", "2"],
        2,
        /--connection: found 2, expected a connection of the recording: 1/,
      ],
      [
        [file, "127.0.0.1:1", "--speed", "0"],
        2,
        /--speed: found "0", expected a number above 0, or Infinity/,
      ],
      [[file, "127.0.0.1:1"], 1, /nothing listens there/],
    ];
    for (const [args, code, err] of cases) {
      const ended = await replaying(args);
      assert.equal(ended.code, code, ended.err);
      assert.match(ended.err, err);
    }
  });

  it("ends at a signal in the middle of a pause (F-72)", async (t) => {
    const { port } = await startEcho(t, lines());
    const file = await written(
      t,
      asked,
      answered,
      '{"at":3600000,"connection":1,"from":"client","text":"late\\n"}',
    );
    const shell = memoryShell("", 80);
    const running = runProgram(["replay", file, `127.0.0.1:${port}`], shell);
    await said(shell, /1 of 2 chunks sent/);
    shell.stop.next("SIGINT");
    assert.equal(await running, 130);
  });
});

describe("the file of a recording", () => {
  it("makes its writers wait for the disk, and has all of it in order in the end (F-72)", async (t) => {
    const path = await scratch(t);
    const file = await PrivateFile.open(path, false, (error) => assert.fail(String(error)));
    let waited = 0;
    for (let count = 0; count < 400; count++) {
      const slow = file.write(`${count}`.padEnd(16_384) + "\n");
      if (slow !== undefined) waited++;
      if (slow !== undefined) await slow;
    }
    await file.close();
    assert.ok(waited > 0);
    const all = (await readFile(path, "utf8")).trimEnd().split("\n").map((line) => Number(line.trim()));
    assert.deepEqual(all, Array.from({ length: 400 }, (_, at) => at));
  });

  it("tells once that nothing more can be written, and holds nobody up (F-72)", async () => {
    const failures: unknown[] = [];
    // Takes no byte: a disk that is full.
    const file = await PrivateFile.open("/dev/full", true, (error) => failures.push(error));
    for (let count = 0; count < 3; count++) {
      await file.write("x".repeat(2 * 1024 * 1024));
      await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
    }
    await file.close();
    assert.equal(failures.length, 1);
    assert.equal((failures[0] as { code?: string }).code, "ENOSPC");
  });
});
