/** A running gateway and another configuration: endpoints come, go and change, and the others are not touched. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { delimited } from "../../src/core/framing/delimited.ts";
import { checkConfig, type CheckedConfig, type Gateway, startGateway } from "../../src/gateway/mod.ts";
import { formatFaults } from "../../src/gateway/config/fault.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { FakeOutput, lineClient, portOf, read, soon } from "./support.ts";

const limit = { timeout: 60_000 };

function checked(endpoints: readonly object[], rest: object = {}): CheckedConfig {
  const result = checkConfig({ endpoints, ...rest });
  assert.ok(result.ok, result.ok ? "" : formatFaults(result.faults));
  return result.config;
}

const place = { listen: "127.0.0.1:0", echo: true };
const [a, b, c] = [{ name: "a", ...place }, { name: "b", ...place }, { name: "c", ...place }];

async function running(
  t: { after(cleanup: () => unknown): void },
  endpoints: readonly object[],
  rest: object = {},
): Promise<{ readonly gateway: Gateway; readonly log: LogRecord[]; readonly output: FakeOutput }> {
  const log: LogRecord[] = [];
  const output = new FakeOutput();
  const gateway = await startGateway(checked(endpoints, rest), {
    logger: (record) => log.push(record),
    output,
  });
  t.after(() => gateway.destroy());
  return { gateway, log, output };
}

/** One frame there and back. */
async function echoes(client: Connection<string, string>, text: string): Promise<void> {
  await client.send(text);
  assert.deepEqual(await read(client, 1), [text]);
}

/** Closes when the other side does, as a device. */
function leaves(client: Connection<string, string>): Promise<unknown> {
  const reading = (async () => {
    for await (const frame of client) assert.equal(frame, "");
    await client.close();
    return client.closed;
  })();
  return soon(reading, "the end of the connection");
}

function value(gateway: Gateway, name: string, labels: object = {}): number | undefined {
  return gateway.samples().find((sample) =>
    sample.name === name &&
    Object.entries(labels).every(([key, wanted]) => sample.labels[key] === wanted)
  )?.value;
}

describe("a reload (F-59)", () => {
  it("adds and removes endpoints; the others keep their sockets and connections", limit, async (t) => {
    const { gateway } = await running(t, [a, b]);
    const [kept, gone] = [await lineClient(portOf(gateway, "a")), await lineClient(portOf(gateway, "b"))];
    await echoes(kept, "before");
    const [endpoint, port] = [gateway.endpoints.get("a"), portOf(gateway, "b")];
    const left = leaves(gone);
    const report = await gateway.reload(checked([c, a]));
    await left;
    assert.deepEqual(
      { outcome: report.outcome, added: report.added, removed: report.removed, unchanged: report.unchanged },
      { outcome: "done", added: ["c"], removed: ["b"], unchanged: ["a"] },
    );
    assert.equal(gateway.endpoints.get("a"), endpoint);
    assert.deepEqual([...gateway.endpoints.keys()], ["c", "a"]);
    await assert.rejects(lineClient(port), { reason: "refused" });
    await echoes(kept, "after");
    await echoes(await lineClient(portOf(gateway, "c")), "new");
    assert.equal(value(gateway, "millrace_reloads_total", { outcome: "done" }), 1);
    assert.equal(value(gateway, "millrace_reload_successful"), 1);
    assert.deepEqual(gateway.notReady(), []);
  });

  it("changes limits in place, and a key that is left out gets its default back", limit, async (t) => {
    const { gateway } = await running(t, [{ ...a, maxConnections: 1 }]);
    const client = await lineClient(portOf(gateway, "a"));
    await echoes(client, "first");
    // One runtime tells of the reset while it connects, another one after it.
    const second = await lineClient(portOf(gateway, "a")).catch(() => undefined);
    if (second !== undefined) await soon(second.closed, "the end of the rejected one");
    assert.equal(gateway.endpoints.get("a")!.stats().connectionsRejected, 1);
    const { outcome, updated } = await gateway.reload(checked([{ ...a, idleTimeout: "1h" }]));
    assert.deepEqual({ outcome, updated }, { outcome: "done", updated: ["a"] });
    await echoes(client, "still here");
    await echoes(await lineClient(portOf(gateway, "a")), "let in");
    const limits = gateway.endpoints.get("a")!.inspect().admission!.limits;
    assert.equal(limits.idleTimeout, 3_600_000);
    assert.equal(limits.maxConnections, 4096);
  });

  it(
    "replaces an endpoint on its listening socket: nobody who connects meanwhile is refused",
    limit,
    async (t) => {
      const { gateway } = await running(t, [a, b]);
      const port = portOf(gateway, "a");
      const [old, other] = [await lineClient(port), await lineClient(portOf(gateway, "b"))];
      await echoes(old, "before");
      const left = leaves(old);
      let over = false;
      const asking = (async () => {
        let served = 0;
        for (; served < 500 && (!over || served === 0); served++) {
          const client = await connect({ port, framing: delimited({ delimiter: "\0" }) });
          client.destroy();
        }
        return served;
      })();
      const { outcome, replaced, unchanged } = await gateway.reload(
        checked([{ ...a, framing: { type: "delimited", delimiter: { hex: "00" } } }, b]),
      );
      over = true;
      await left;
      assert.deepEqual({ outcome, replaced, unchanged }, {
        outcome: "done",
        replaced: ["a"],
        unchanged: ["b"],
      });
      assert.ok(await soon(asking, "those who connect") > 0);
      assert.equal(portOf(gateway, "a"), port);
      const client = await connect({ port, framing: delimited({ delimiter: "\0" }) });
      await client.send(new TextEncoder().encode("in the new framing"));
      for await (const frame of client) {
        assert.equal(new TextDecoder().decode(frame), "in the new framing");
        break;
      }
      await echoes(other, "untouched");
    },
  );

  it("who connects while the old connections drain waits, and is served by the next", limit, async (t) => {
    const { gateway } = await running(t, [{ ...a, goodbye: "bye\n" }]);
    const port = portOf(gateway, "a");
    // Does not answer our FIN with its own before it is told to.
    const slow = await lineClient(port);
    await echoes(slow, "before");
    const reload = gateway.reload(checked([{ ...a, goodbye: "so long\n" }]));
    assert.deepEqual(await read(slow, 1), ["bye"]);
    const early = await lineClient(port);
    await early.send("early");
    await slow.close();
    assert.equal((await soon(reload, "the reload")).outcome, "done");
    assert.deepEqual(await read(early, 1), ["early"]);
  });

  it("moves an endpoint: the new address is bound before the old one closes", limit, async (t) => {
    const { gateway } = await running(t, [a]);
    const before = portOf(gateway, "a");
    const free = await startGateway(checked([c]));
    const after = portOf(free, "c");
    await free.close();
    const { outcome, replaced } = await gateway.reload(checked([{ ...a, listen: `127.0.0.1:${after}` }]));
    assert.deepEqual({ outcome, replaced }, { outcome: "done", replaced: ["a"] });
    assert.equal(portOf(gateway, "a"), after);
    await echoes(await lineClient(after), "there");
    await assert.rejects(lineClient(before), { reason: "refused" });
  });

  it("renames an endpoint on the same port", limit, async (t) => {
    const free = await startGateway(checked([c]));
    const listen = `127.0.0.1:${portOf(free, "c")}`;
    await free.close();
    const { gateway } = await running(t, [{ ...a, listen }]);
    const { outcome, added, removed } = await gateway.reload(checked([{ ...b, listen }]));
    assert.deepEqual({ outcome, added, removed }, { outcome: "done", added: ["b"], removed: ["a"] });
    await echoes(await lineClient(portOf(gateway, "b")), "renamed");
  });

  it("is undone where an address is taken: what ran goes on, what had begun is closed", limit, async (t) => {
    const taken = await startGateway(checked([c]));
    t.after(() => taken.destroy());
    const { gateway, log } = await running(t, [{ ...a, maxConnections: 5 }, b]);
    const clients = [await lineClient(portOf(gateway, "a")), await lineClient(portOf(gateway, "b"))];
    for (const client of clients) await echoes(client, "before");
    const report = await gateway.reload(checked([
      { ...a, maxConnections: 7 },
      { name: "d", ...place },
      { ...b, listen: `127.0.0.1:${portOf(taken, "c")}` },
    ]));
    assert.equal(report.outcome, "undone");
    assert.match(report.error!.message, /endpoint b: .*(in use|already|EADDRINUSE)/i);
    assert.deepEqual(report.lost, []);
    assert.deepEqual([...gateway.endpoints.keys()], ["a", "b"]);
    for (const client of clients) await echoes(client, "after");
    assert.equal(gateway.endpoints.get("a")!.inspect().admission!.limits.maxConnections, 5);
    assert.equal(value(gateway, "millrace_reloads_total", { outcome: "undone" }), 1);
    assert.equal(value(gateway, "millrace_reload_successful"), 0);
    assert.equal(log.filter(({ message }) => message === "configuration not reloaded").length, 1);
    // What was wrong has passed.
    const { outcome } = await gateway.reload(checked([a, b, { name: "d", ...place }]));
    assert.equal(outcome, "done");
    await echoes(await lineClient(portOf(gateway, "d")), "now");
  });

  it("is refused whole where only a restart can change what is asked for, and says so", limit, async (t) => {
    const { gateway } = await running(t, [a], { node: "n1" });
    const report = await gateway.reload(checked([b], { node: "n2", memoryBudget: "1MiB" }));
    assert.equal(report.outcome, "refused");
    assert.deepEqual(
      report.faults.map(({ path, found, expected, hint }) => ({ path, found, expected, hint })),
      [
        {
          path: "node",
          found: "n2",
          expected: '"n1", as when the gateway started',
          hint: "restart the gateway to change it",
        },
        {
          path: "memoryBudget",
          found: "1MiB",
          expected: "it to be left out, as when the gateway started",
          hint: "restart the gateway to change it",
        },
      ],
    );
    assert.deepEqual([...gateway.endpoints.keys()], ["a"]);
    assert.equal(value(gateway, "millrace_reloads_total", { outcome: "refused" }), 1);
    await assert.rejects(gateway.reload({} as CheckedConfig), { name: "ConfigError" });
  });

  it("tells no secrets of tables that only a restart can change", limit, async (t) => {
    const telemetry = (key: string) => ({
      telemetry: { endpoint: "http://127.0.0.1:9", headers: { key }, metrics: false, logs: false },
    });
    const { gateway } = await running(t, [a], telemetry("secret-1"));
    const { outcome, faults } = await gateway.reload(checked([a], telemetry("secret-2")));
    assert.equal(outcome, "refused");
    assert.deepEqual(faults.map(({ path, found }) => [path, found]), [
      ["telemetry", ["endpoint", "headers", "logs", "metrics"]],
    ]);
    assert.doesNotMatch(JSON.stringify(faults), /secret-/);
  });

  it("reads certificates again, and replaces an endpoint with TLS (F-31)", limit, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-reload-tls-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const put = async (): Promise<void> => {
      const pair = await serverPair();
      for (const kind of ["cert", "key"] as const) writeFileSync(join(folder, kind), pair[kind]);
    };
    await put();
    const tls = { cert: join(folder, "cert"), key: join(folder, "key") };
    const { gateway } = await running(t, [{ ...a, tls }]);
    const fingerprint = () => gateway.endpoints.get("a")!.certificates()[0]!.fingerprint256;
    const before = fingerprint();
    await put();
    const { outcome, unchanged } = await gateway.reload(checked([{ ...a, tls }]));
    assert.deepEqual({ outcome, unchanged }, { outcome: "done", unchanged: ["a"] });
    assert.notEqual(fingerprint(), before);
    const { replaced } = await gateway.reload(checked([{ ...a, tls, goodbye: "bye\n" }]));
    assert.deepEqual(replaced, ["a"]);
    const { cert: ca } = await testAuthority();
    const client = await connect({
      port: portOf(gateway, "a"),
      framing: lines({ encoding: "utf-8" }),
      tls: { ca, serverName: "localhost" },
    });
    await echoes(client, "secured");
    writeFileSync(tls.cert, "no certificate");
    const { faults } = await gateway.reload(checked([{ ...a, tls }]));
    assert.deepEqual(faults.map(({ path }) => path), ["endpoints[0].tls.cert"]);
    await echoes(client, "still");
    await client.close();
  });

  it("prints the frames of endpoints from the reload on that asks for it", limit, async (t) => {
    const { gateway, output } = await running(t, [a]);
    const client = await lineClient(portOf(gateway, "a"));
    await echoes(client, "unprinted");
    assert.equal((await gateway.reload(checked([a, { ...b, print: true }]))).outcome, "done");
    await echoes(client, "unprinted too");
    await echoes(await lineClient(portOf(gateway, "b")), "printed");
    assert.deepEqual((await output.until(1)).map((line) => JSON.parse(line).payload), ["printed"]);
  });

  it("two at a time go one after the other, and a drain ends both", limit, async (t) => {
    const { gateway } = await running(t, [a]);
    const [first, second] = await Promise.all([
      gateway.reload(checked([a, b])),
      gateway.reload(checked([a, c])),
    ]);
    assert.deepEqual([first.added, second.added, second.removed], [["b"], ["c"], ["b"]]);
    assert.deepEqual([...gateway.endpoints.keys()], ["a", "c"]);
    assert.equal((await gateway.reload(checked([{ ...a, goodbye: "bye\n" }, c]))).outcome, "done");
    const slow = await lineClient(portOf(gateway, "a"));
    await echoes(slow, "x");
    const [port, reload] = [
      portOf(gateway, "a"),
      gateway.reload(checked([{ ...a, goodbye: "so long\n" }, c])),
    ];
    const late = assert.rejects(gateway.reload(checked([a])), { reason: "closed" });
    assert.deepEqual(await read(slow, 1), ["bye"]);
    await soon(gateway.destroy(), "the end");
    const { outcome, error, lost } = await reload;
    assert.equal(outcome, "undone");
    assert.match(error!.message, /the gateway is stopping/);
    await late;
    await assert.rejects(gateway.reload(checked([a])), { reason: "closed" });
    await assert.rejects(lineClient(port), { reason: "refused" });
    assert.deepEqual(lost, []);
  });

  it(
    "connections of other endpoints go on sending during 20 reloads: no frame is missing",
    limit,
    async (t) => {
      const { gateway } = await running(t, [a, b]);
      const client = await connect({ port: portOf(gateway, "a"), framing: lines({ encoding: "utf-8" }) });
      let over = false;
      const talking = (async () => {
        let count = 0;
        for (; !over; count++) await echoes(client, `frame ${count}`);
        return count;
      })();
      for (let round = 0; round < 20; round++) {
        const next = [{
          ...b,
          framing: round % 2 === 0 ? { type: "delimited", delimiter: { hex: "00" } } : "lines",
        }, c];
        const { outcome } = await gateway.reload(checked([a, ...next.slice(0, 1 + round % 2)]));
        assert.equal(outcome, "done");
      }
      over = true;
      const count = await soon(talking, "the talk");
      assert.ok(count > 0);
      assert.equal(gateway.endpoints.get("a")!.traffic().framesPublished, count);
    },
  );
});
