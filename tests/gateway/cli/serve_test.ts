// millrace serve: frames as lines of JSON, an echo, a clean stop; what goes wrong says what to do.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import { connect } from "../../../src/client/connect.ts";
import { raw } from "../../../src/core/framing/raw.ts";
import { lines } from "../../../src/core/framing/lines.ts";
import { framingSpec } from "../../../src/gateway/cli/framing_spec.ts";
import { type Cleaner, type Program, runMillrace, startMillrace } from "../../support/program.ts";
import { it } from "../../support/it.ts";

const adapter = await detectAdapter();

/** A server and the port that it got. */
async function startServer(t: Cleaner, ...args: string[]): Promise<{ program: Program; port: number }> {
  const program = startMillrace(t, "serve", "--port", "0", ...args);
  const [, port] = await program.said("err", /listening on 127\.0\.0\.1:(\d+), /);
  return { program, port: Number(port) };
}

describe("millrace serve", () => {
  it("echoes frames, prints each as a line of JSON, and stops with 0 at SIGTERM", async (t) => {
    const { program, port } = await startServer(t, "--echo", "--framing", "length:2");
    const { framing } = framingSpec("length:2");
    const connection = await connect({ port, framing });
    t.after(() => connection.destroy());
    await connection.send(new TextEncoder().encode('a "quoted"\nwörd'));
    await connection.send(Uint8Array.of(0xff, 0));
    const frames: Uint8Array[] = [];
    for await (const frame of connection) {
      frames.push(frame.slice());
      if (frames.length === 2) break;
    }
    assert.deepEqual(frames.map((frame) => [...frame]), [[...new TextEncoder().encode('a "quoted"\nwörd')], [
      255,
      0,
    ]]);
    program.signal("SIGTERM");
    const { code, out, err } = await program.end();
    const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
    const local = connection.peer.local;
    assert.equal(lines.length, 2);
    assert.equal(lines[0].payload, 'a "quoted"\nwörd');
    assert.deepEqual([lines[0]["peer.ip"], lines[0]["peer.port"]], [
      "127.0.0.1",
      local.transport === "tcp" && local.port,
    ]);
    assert.ok(typeof lines[0]["conn.id"] === "string" && lines[0]["conn.id"] === lines[1]["conn.id"]);
    assert.deepEqual([lines[1].payload, lines[1].encoding], ["/wA=", "base64"]);
    assert.match(err, /stopped; 1 of 1 open connections drained\n$/);
    assert.equal(code, 0);
  });

  it("acknowledges what it prints with --acknowledge, and says NAK to what it cannot read (F-83)", async (t) => {
    const { program, port } = await startServer(
      t,
      "--acknowledge",
      "stx-etx",
      "--framing",
      "stxEtx,skip",
    );
    const connection = await connect({ port, framing: raw() });
    t.after(() => connection.destroy());
    const [good, bad] = [[2, 65, 3, 66], [2, 65, 3, 67]];
    await connection.send(Uint8Array.from([good, bad, good, bad, bad, bad].flat()));
    const answers: number[] = [];
    for await (const chunk of connection) answers.push(...chunk);
    assert.deepEqual(answers, [6, 21, 6, 21, 21, 21]);
    program.signal("SIGTERM");
    const { out, code } = await program.end();
    assert.deepEqual(out.trimEnd().split("\n").map((line) => JSON.parse(line).payload), ["A", "A"]);
    assert.equal(code, 0);
  });

  it("rejects --acknowledge for another framing (F-83)", async (t) => {
    const { code, err } = await runMillrace(t, ["serve", "--acknowledge", "mllp2", "--framing", "lines"]);
    assert.equal(code, 2);
    assert.match(err, /--acknowledge mllp2: found lines, expected --framing mllp/);
  });

  it("says --goodbye to each connection at SIGTERM, spread over --drain-spread, and ends those of --max-lifetime (F-65, F-84)", async (t) => {
    const { program, port } = await startServer(t, "--echo", "--goodbye", "BYE", "--drain-spread", "200ms");
    const framing = lines({ encoding: "utf-8" });
    const connections = await Promise.all([1, 2, 3].map(() => connect({ port, framing })));
    const all = connections.map(async (connection) => {
      const got: string[] = [];
      for await (const line of connection) {
        got.push(line);
        if (line === "BYE") break;
      }
      await connection.close();
      return got;
    });
    for (const connection of connections) await connection.send("hello");
    await program.said("out", /hello[^]*hello[^]*hello/);
    program.signal("SIGTERM");
    assert.deepEqual(await Promise.all(all), Array.from({ length: 3 }, () => ["hello", "BYE"]));
    const { code, err } = await program.end();
    assert.match(err, /stopped; 3 of 3 open connections drained\n$/);
    assert.equal(code, 0);

    const short = await startServer(t, "--goodbye", "BYE", "--max-lifetime", "300ms");
    const connection = await connect({ port: short.port, framing });
    const got: string[] = [];
    for await (const line of connection) {
      got.push(line);
      if (line === "BYE") break;
    }
    assert.deepEqual(got, ["BYE"]);
    await connection.close();
    short.program.signal("SIGTERM");
    assert.equal((await short.program.end()).code, 0);
  });

  it("prints nothing with --quiet, and sends nothing back without --echo", async (t) => {
    const { program, port } = await startServer(t, "--quiet");
    const silent = await runMillrace(t, ["connect", String(port), "--replies", "0"], "hello\n");
    assert.deepEqual([silent.code, silent.out], [0, ""]);
    program.signal("SIGINT");
    const { code, out } = await program.end();
    assert.deepEqual([code, out], [0, ""]);
  });

  it("limits an address, and says once that it rejects (F-23)", async (t) => {
    const { program, port } = await startServer(t, "--quiet", "--echo", "--max-per-address", "1");
    const { framing } = framingSpec("lines");
    const first = await connect({ port, framing });
    t.after(() => first.destroy());
    await first.send(new TextEncoder().encode("in"));
    for await (const _ of first) break;
    for (let time = 0; time < 3; time++) {
      const other = createConnection({ port, host: "127.0.0.1" });
      other.on("error", () => {});
      t.after(() => other.destroy());
      await new Promise((resolve) => other.resume().on("close", resolve));
    }
    program.signal("SIGTERM");
    const { err } = await program.end();
    const told = err.split("\n").filter((line) => line.includes("connections are rejected"));
    assert.equal(told.length, 1, err);
    assert.match(told[0]!, /warn: .*peer\.ip="127\.0\.0\.1" .*reason="address_connections"/);
  });

  it("refuses rates and ranges that are none, and those for addresses with --unix (F-23)", async (t) => {
    const wrong: [string[], RegExp][] = [
      [["--accept-rate", "0"], /accept-rate.*found "0", expected connections a second above 0/],
      [["--accept-rate-per-address", "5:0"], /found "5:0"/],
      [["--allow", "10.0.0.1/8"], /found "10\.0\.0\.1\/8", expected a range whose bits/],
      [["--unix", "/tmp/never.sock", "--deny", "::1"], /peers of --unix have no address/],
    ];
    for (const [args, message] of wrong) {
      const { code, err } = await runMillrace(t, ["serve", ...args]);
      assert.match(err, message);
      assert.equal(code, 2);
    }
  });

  it("knows the client by --proxy-protocol, and answers --health-check (F-27, F-82)", async (t) => {
    const { program, port } = await startServer(
      t,
      "--echo",
      "--proxy-protocol",
      "127.0.0.1,10.0.0.0/8",
      "--health-check",
      "/healthz",
    );
    const args = ["connect", `127.0.0.1:${port}`, "--proxy-header", "2", "--replies", "1"];
    const { code, err } = await runMillrace(t, args, "hello\n");
    assert.equal(code, 0, err);
    const source = { ip: "192.0.2.7", port: 4000 };
    const framing = lines({ encoding: "utf-8" });
    const connection = await connect({ port, framing, proxyHeader: { version: 1, source } });
    t.after(() => connection.destroy());
    await connection.send("from afar");
    await program.said("out", /from afar/);
    const check = createConnection(port, "127.0.0.1", () => {
      check.end("PROXY UNKNOWN\r\nGET /healthz HTTP/1.1\r\n\r\n");
    });
    let answer = "";
    for await (const chunk of check.setEncoding("utf8")) answer += chunk;
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    program.signal("SIGTERM");
    const { out } = await program.end();
    const [first, second] = out.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual([first.payload, first["proxy.ip"], first["peer.ip"]], [
      "hello",
      "127.0.0.1",
      "127.0.0.1",
    ]);
    assert.deepEqual([second["peer.ip"], second["peer.port"], second["proxy.ip"]], [
      "192.0.2.7",
      4000,
      "127.0.0.1",
    ]);
  });

  it("refuses flags of proxies and health checks that cannot be meant (F-27, F-82)", async (t) => {
    const rows = [
      [["--proxy-protocol", "10.0.0.1/8"], /--proxy-protocol: found "10\.0\.0\.1\/8", .*10\.0\.0\.0\/8/],
      [["--proxy-protocol", "unix"], /--proxy-protocol: found unix, expected IP addresses/],
      [["--unix", "/tmp/a.sock", "--proxy-protocol", "::1"], /--proxy-protocol: found ::1, expected unix/],
      [["--health-check", "healthz"], /--health-check: found "healthz", expected a path/],
      [["--plaintext"], /--plaintext needs --tls/],
    ] as const;
    for (const [args, message] of rows) {
      const { code, err } = await runMillrace(t, ["serve", ...args]);
      assert.match(err, message);
      assert.equal(code, 2);
    }
  });

  it("S-21: warns once of a peer that speaks another protocol, though lines can be cut from it (F-64)", async (t) => {
    const { program, port } = await startServer(t);
    for (let time = 0; time < 2; time++) {
      const peer = createConnection({ port, host: "127.0.0.1" });
      peer.on("error", () => {});
      t.after(() => peer.destroy());
      peer.resume().write(`GET /${time} HTTP/1.1\r\n\r\n`);
      await program.said("out", new RegExp(`GET /${time} `));
    }
    program.signal("SIGTERM");
    const { err } = await program.end();
    const warned = err.split("\n").filter((line) => line.includes("the peer speaks another protocol"));
    assert.equal(warned.length, 1);
    assert.match(
      warned[0]!,
      /looksLike="an HTTP request" framing="lines" advice="check that the peer is meant/,
    );
  });

  it("says which port is in use and what to do, with exit code 1", async (t) => {
    const { port } = await startServer(t);
    const { code, err } = await runMillrace(t, ["serve", "--port", String(port)]);
    assert.equal(code, 1);
    assert.match(err, new RegExp(`^millrace: .*${port}.*another process has it.*\n$`));
  });

  it("cuts what does not finish by --deadline, with exit code 3", async (t) => {
    const { program, port } = await startServer(t, "--deadline", "50ms");
    // This one never answers a FIN.
    const peer = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
    peer.on("error", () => {});
    t.after(() => peer.destroy());
    peer.resume().write("whole\n");
    await program.said("out", /whole/);
    program.signal("SIGTERM");
    const { code, err } = await program.end();
    assert.match(err, /stopped; 1 open connections were destroyed\n$/);
    assert.equal(code, 3);
  });

  it("cuts at once at a second signal, with exit code 3", async (t) => {
    const { program, port } = await startServer(t, "--deadline", "Infinity");
    const peer = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
    peer.on("error", () => {});
    t.after(() => peer.destroy());
    const told = new Promise((resolve) => peer.on("end", resolve));
    peer.resume().write("begun");
    peer.write(" and done\n");
    await program.said("out", /begun and done/);
    program.signal("SIGTERM");
    await told;
    await program.signalAgain("SIGTERM");
    assert.equal((await program.end()).code, 3);
  });

  it("gives a Unix socket the mode that was asked for", {
    skip: adapter.can.socketMode ? false : "files of sockets have no permissions here",
  }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "echo.sock");
    const program = startMillrace(t, "serve", "--unix", path, "--mode", "0606", "--echo", "--quiet");
    await program.said("err", /listening on unix:/);
    assert.equal(statSync(path).mode & 0o777, 0o606);
    program.signal("SIGTERM");
    assert.equal((await program.end()).code, 0);
  });

  it("listens on a Unix socket", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "echo.sock");
    const program = startMillrace(t, "serve", "--unix", path, "--echo", "--quiet");
    await program.said("err", /listening on unix:/);
    const { code, out } = await runMillrace(t, ["connect", `unix:${path}`], "over a file\n");
    assert.deepEqual([code, out], [0, "over a file\n"]);
    program.signal("SIGTERM");
    assert.equal((await program.end()).code, 0);
  });
});

describe("millrace serve --bind-retry", () => {
  it("waits for the port of another server, and then serves (F-21)", async (t) => {
    const first = await startServer(t);
    const second = startMillrace(t, "serve", "--port", `${first.port}`, "--bind-retry", "1m");
    await second.said("err", /listening failed and is tried again: .*reason="address_in_use"/);
    first.program.signal("SIGTERM");
    await first.program.end();
    await second.said("err", new RegExp(`listening on 127.0.0.1:${first.port}, `));
    second.signal("SIGTERM");
    assert.equal((await second.end()).code, 0);
  });

  it("stops at a signal while it waits (F-21)", async (t) => {
    const first = await startServer(t);
    const second = startMillrace(t, "serve", "--port", `${first.port}`, "--bind-retry", "Infinity");
    await second.said("err", /tried again/);
    second.signal("SIGTERM");
    const { code, err } = await second.end();
    assert.match(err, /millrace: stopped before it listened\n$/);
    assert.equal(code, 0);
  });
});
