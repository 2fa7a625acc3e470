// millrace connect: lines go out as frames, frames are printed, and the exit code says how it ended.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { describe } from "node:test";
import { readFrame, showFrame } from "../../../src/gateway/cli/frame_text.ts";
import { framingSpec } from "../../../src/gateway/cli/framing_spec.ts";
import { serve } from "../../../src/server/serve.ts";
import { type Cleaner, runMillrace, startMillrace } from "../../support/program.ts";
import { startEcho } from "./echo_server.ts";
import { it } from "../../support/it.ts";
import { within } from "../../contract/within.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port))
  );
}

/** A server that takes a connection and keeps it, saying nothing. */
async function startSilent(t: Cleaner): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    t.after(() => socket.destroy());
    socket.resume();
  });
  t.after(() => server.close());
  return await listen(server);
}

describe("millrace connect", () => {
  it("sends lines as frames, the last one without its newline too, and prints replies until the server closes", async (t) => {
    const { port } = await startEcho(t, framingSpec("length:2").framing);
    const ended = await runMillrace(
      t,
      ["connect", `127.0.0.1:${port}`, "--framing", "length:2"],
      "one\r\n\nwörd\nlast",
    );
    assert.deepEqual(ended, { code: 0, signal: null, out: "one\n\nwörd\nlast\n", err: "" });
  });

  it("takes and prints hex", async (t) => {
    const { port } = await startEcho(t, framingSpec("delimited:\\x03").framing);
    const args = ["connect", String(port), "-f", "delimited:\\x03", "-i", "hex", "-o", "hex"];
    const { code, out } = await runMillrace(t, args, "0xff 00 7f\nAABB\n");
    assert.deepEqual([code, out], [0, "ff 00 7f\naa bb\n"]);
    const wrong = await runMillrace(t, args, "00\nxyz\n");
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /read line 2 of the input: found "xyz", expected pairs of hex digits/);
  });

  it("prints JSON, and bytes that are no text as base64", async (t) => {
    const replies = [bytes("a\tb"), Uint8Array.of(255, 0, 1)];
    const { port } = await startEcho(t, framingSpec("fixed:3").framing, (_, count) => replies[count - 1]);
    const { code, out } = await runMillrace(
      t,
      ["connect", String(port), "-f", "fixed:3", "-o", "json"],
      "one\ntwo\n",
    );
    assert.deepEqual([code, out], [0, '"a\\tb"\n{"base64":"/wAB"}\n']);
  });

  it("S-43: with --replies leaves a server that sends on, and without delivers what was sent before the server's FIN", async (t) => {
    const restless = createServer({ allowHalfOpen: true }, (socket) => {
      const more = setInterval(() => socket.write("tick\n"), 5);
      socket.on("error", () => {}).on("close", () => clearInterval(more)).resume();
      t.after(() => socket.destroy());
    });
    t.after(() => restless.close());
    const port = await listen(restless);
    const left = await runMillrace(t, ["connect", String(port), "-f", "lines", "--replies", "1"], "go\n");
    assert.deepEqual([left.code, left.out], [0, "tick\n"]);

    let got = 0;
    let over: () => void = () => {};
    const all = new Promise<void>((resolve) => over = resolve);
    const curt = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("data", (chunk: Uint8Array) => {
        if (got === 0) socket.end("enough\n");
        got += chunk.length;
      }).on("end", over).on("error", over);
    });
    t.after(() => curt.close());
    const line = "x".repeat(4_000_000) + "\n";
    const args = ["connect", String(await listen(curt)), "-f", "lines,max=5m"];
    const ended = await runMillrace(t, args, line);
    await within(all, () => "the rest of what was sent");
    assert.deepEqual([ended.code, ended.out, got], [0, "enough\n", line.length]);
  });

  it("ends with --replies while the input is still open", async (t) => {
    const { port } = await startEcho(t, framingSpec("lines").framing);
    const program = startMillrace(t, "connect", String(port), "--replies", "2");
    program.write("one\ntwo\n");
    const { code, out } = await program.end();
    assert.deepEqual([code, out], [0, "one\ntwo\n"]);
  });

  it("carries megabytes through, in order", async (t) => {
    const { port } = await startEcho(t, framingSpec("lines").framing);
    const input = Array.from({ length: 60_000 }, (_, i) => `line ${i} of sixty thousand\n`).join("");
    const { code, out } = await runMillrace(t, ["connect", String(port), "--wait", "20s"], input);
    assert.equal(code, 0);
    assert.ok(out === input, `${out.length} of ${input.length} characters came back, or in another order`);
  });

  it("says after --wait that replies are missing, with exit code 3", async (t) => {
    const port = await startSilent(t);
    const { code, err } = await runMillrace(t, ["connect", String(port), "--wait", "50ms"], "hello\n");
    assert.equal(code, 3);
    assert.match(
      err,
      /^millrace: wait for replies: the server did not close, and nothing arrived for 50\.0 ms .*; raise --wait, or set --replies/,
    );
    const counted = await runMillrace(
      t,
      ["connect", String(port), "--wait", "50ms", "--replies", "1"],
      "hello\n",
    );
    assert.equal(counted.code, 3);
    assert.match(counted.err, /not all replies arrived, .*; 0 of 1 replies arrived/);
  });

  it("says that the server closed before all replies were in, with exit code 3", async (t) => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end("one\n"));
    });
    t.after(() => server.close());
    const port = await listen(server);
    const { code, out, err } = await runMillrace(t, ["connect", String(port), "--replies", "2"], "hello\n");
    assert.equal(out, "one\n");
    assert.match(err, /^millrace: wait for replies: .* closed the connection; 1 of 2 replies arrived\n$/);
    assert.equal(code, 3);
  });

  it("says that nothing listens there, with exit code 1", async (t) => {
    const port = await freePort();
    const { code, err } = await runMillrace(t, ["connect", String(port)]);
    assert.equal(code, 1);
    assert.match(err, new RegExp(`^millrace: connect to 127.0.0.1:${port}: .*nothing listens there.*\n$`));
  });

  it("ends at SIGINT with 130 while it waits for input", async (t) => {
    const { server, port } = await startEcho(t, framingSpec("lines").framing);
    const program = startMillrace(t, "connect", String(port));
    program.write("hello\n");
    await program.said("out", /hello/);
    program.signal("SIGINT");
    assert.equal((await program.end()).code, 130);
    assert.equal(server.stats().connectionsAccepted, 1);
  });

  it("connects again with --reconnect, sends what was read meanwhile, and ends after --wait (F-37)", async (t) => {
    const { framing } = framingSpec("lines");
    const first = await startEcho(t, framing);
    const address = `127.0.0.1:${first.port}`;
    const program = startMillrace(t, "connect", address, "--reconnect", "--wait", "1s");
    program.write("one\n");
    await program.said("out", /one/);
    await first.server.close();
    await program.said("err", /the connection ended \(.*\); connecting again in/);
    program.write("two\n");
    const again = await serve({
      port: first.port,
      framing,
      logger: () => {},
      onFrame: (frame, connection) => connection.send(frame),
    });
    t.after(() => again.destroy());
    await program.said("out", /two/);
    program.endInput();
    const { code, out, err } = await program.end();
    assert.deepEqual([code, out], [0, "one\ntwo\n"]);
    assert.equal(err.match(/millrace: connected to 127\.0\.0\.1:\d+\n/g)?.length, 2, err);
  });

  it("goes on with --reconnect until a signal where nothing listens (F-37)", async (t) => {
    const program = startMillrace(t, "connect", String(await freePort()), "--reconnect");
    await program.said("err", /nothing listens there.*; connecting again in/);
    program.signal("SIGINT");
    assert.equal((await program.end()).code, 130);
  });

  it("makes control characters visible on a terminal only", () => {
    const frame = bytes("\x1b[2Jüb\ter\x07\x9b");
    assert.equal(showFrame(frame, "text", true), "\\x1b[2Jüb\ter\\x07\\x9b");
    assert.equal(showFrame(frame, "text", false), "\x1b[2Jüb\ter\x07\x9b");
  });

  it("reads hex in any spacing", () => {
    assert.deepEqual([...readFrame(bytes(" 0x01 02\t0304 "), "hex", 1)], [1, 2, 3, 4]);
    assert.deepEqual([...readFrame(bytes(""), "hex", 1)], []);
    assert.throws(() => readFrame(bytes("012"), "hex", 7), /read line 7 of the input: found "012"/);
  });
});
