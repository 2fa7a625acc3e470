// millrace bench: a load on an echo server, figures for people and for scripts, and no figures where they would lie.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import { framingSpec } from "../../../src/gateway/cli/framing_spec.ts";
import { runLoad } from "../../../src/gateway/load/load.ts";
import type { LoadOptions, LoadProgress } from "../../../src/gateway/load/load_options.ts";
import { type Cleaner, runMillrace, startMillrace } from "../../support/program.ts";
import { startEcho } from "./echo_server.ts";
import { it } from "../../support/it.ts";

const short = ["--duration", "200ms", "--warmup", "20ms", "--connections", "4", "--depth", "3"];

async function loadOn(port: number, more: Partial<LoadOptions> = {}): Promise<LoadOptions> {
  return {
    adapter: await detectAdapter(),
    address: { transport: "tcp", host: "127.0.0.1", port },
    connections: 3,
    depth: 2,
    message: new TextEncoder().encode("0123456789\n"),
    durationMs: 100,
    warmupMs: 10,
    timeoutMs: 10_000,
    ...more,
  };
}

const lines = framingSpec("lines").framing;

describe("millrace bench", () => {
  it("measures an echo server and draws a histogram", async (t) => {
    const { server, port } = await startEcho(t, lines);
    const { code, out, err } = await runMillrace(t, ["bench", `127.0.0.1:${port}`, ...short]);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(
      out,
      /^127\.0\.0\.1:\d+, lines: 4 connections, 3 in flight per connection, 65 bytes per message\n/,
    );
    assert.match(out, / messages echoed, .* per second, .*B\/s each way\n/);
    assert.match(out, /round trip: min .*, mean .*, p50 .*, p90 .*, p99 .*, p99\.9 .*, max /);
    assert.match(out, /\n {2}≤ +\S+ [µm]?s ┤█+/);
    assert.ok(server.stats().framesReceived > 12);
  });

  const framings: Array<[spec: string, size: string[], messageBytes: number]> = [
    ["length:4", ["--size", "1000"], 1004],
    ["length:2,le,inclusive", [], 66],
    ["length:1,offset=2", ["--size", "5"], 8],
    ["delimited:xx", ["--size", "10"], 12],
    ["fixed:16", [], 16],
    ["raw", ["--size", "7"], 7],
  ];
  for (const [spec, size, messageBytes] of framings) {
    it(`gives figures as JSON over ${spec}`, async (t) => {
      const { port } = await startEcho(t, framingSpec(spec).framing);
      const ended = await runMillrace(t, [
        "bench",
        String(port),
        ...short,
        "--json",
        "--framing",
        spec,
        ...size,
      ]);
      assert.deepEqual([ended.code, ended.err], [0, ""]);
      const figures = JSON.parse(ended.out);
      assert.deepEqual(
        [figures.framing, figures.connections, figures.depth, figures.messageBytes, figures.lost],
        [spec, 4, 3, messageBytes, 0],
      );
      assert.ok(figures.messages > 0 && figures.measuredMs >= 190);
      const { min, p50, p99, max, samples } = figures.latencyMs;
      assert.ok(samples > 0 && min > 0 && min <= p50 && p50 <= p99 && p99 <= max);
      assert.ok(Math.abs(figures.bytesPerSecond - figures.messagesPerSecond * messageBytes) < 1);
    });
  }

  it("has no figures for a server that is no echo: exit code 1", async (t) => {
    const { port } = await startEcho(t, lines, () => new TextEncoder().encode("y".repeat(64)));
    const { code, out, err } = await runMillrace(t, ["bench", String(port), ...short]);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /^millrace: compare the first reply: byte 0 is 121 where 120 was sent/);
  });

  it("has no figures for a server that does not answer: exit code 1", async (t) => {
    const { port } = await startEcho(t, lines, () => undefined);
    const { code, err } = await runMillrace(t, ["bench", String(port), ...short, "--timeout", "100ms"]);
    assert.equal(code, 1);
    assert.match(err, /^millrace: wait for an echo: 4 of 4 connections had no echo within 100 ms/);
  });

  it("has no figures for a server that closes every connection: exit code 1", async (t) => {
    const { port } = await startEcho(t, framingSpec("lines,max=10").framing);
    const { code, err } = await runMillrace(t, ["bench", String(port), ...short]);
    assert.equal(code, 1);
    assert.match(err, /^millrace: run the load: the server closed all 4 connections/);
  });

  it("prints what it has at SIGINT", async (t) => {
    let busy = (): void => {};
    const underLoad = new Promise<void>((resolve) => busy = resolve);
    const { port } = await startEcho(t, lines, (frame, count) => {
      if (count === 1000) busy();
      return frame;
    });
    // One message at a time: measuring has begun when the second comes, since the first reply was all it waited for.
    const alone = ["--connections", "1", "--depth", "1"];
    const timing = ["--duration", "100s", "--warmup", "0"];
    const program = startMillrace(t, "bench", String(port), ...alone, ...timing, "--json");
    await underLoad;
    program.signal("SIGINT");
    const { code, out } = await program.end();
    assert.equal(code, 0);
    assert.ok(JSON.parse(out).messages > 0);
  });
});

describe("the load", () => {
  it("reports each phase, and ends with every connection closed", async (t) => {
    const { server, port } = await startEcho(t, lines);
    const seen: LoadProgress[] = [];
    const report = await runLoad(
      await loadOn(port, { durationMs: 250, onProgress: (progress) => seen.push(progress) }),
    );
    assert.deepEqual([...new Set(seen.map(({ phase }) => phase))], ["warming up", "measuring"]);
    assert.ok(seen.every(({ connected, done }) => connected === 3 && done >= 0 && done <= 1));
    assert.ok(report.messages > 0 && report.latency.count > 0);
    await allClosed(t, server);
  });

  it("stops early when told, with what it has", async (t) => {
    const { port } = await startEcho(t, lines);
    const stop = new AbortController();
    const report = await runLoad(
      await loadOn(port, {
        durationMs: 60_000,
        signal: stop.signal,
        onProgress: ({ phase, messages }) => phase === "measuring" && messages > 0 && stop.abort(),
      }),
    );
    assert.ok(report.messages > 0 && report.measuredMs < 30_000);
  });

  it("says what could not be connected, after how many", async (t) => {
    const { server, port } = await startEcho(t, lines);
    await server.close();
    await assert.rejects(runLoad(await loadOn(port)), (error: Error & { reason?: string }) => {
      assert.equal(error.reason, "connect");
      assert.match(error.message, /^connect to 127\.0\.0\.1:\d+: .*nothing listens there/);
      return true;
    });
  });
});

async function allClosed(
  t: Cleaner,
  server: { connections: ReadonlyMap<string, { closed: Promise<unknown> }> },
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((_, reject) =>
    timer = setTimeout(() => reject(new Error("connections stay open")), 10_000)
  );
  t.after(() => clearTimeout(timer));
  await Promise.race([Promise.all([...server.connections.values()].map(({ closed }) => closed)), late]);
}
