// The text of Prometheus of a server in one call, as the format's description wants it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { prometheusContentType, prometheusText } from "../../mod.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { exposition } from "../../src/core/text/exposition.ts";
import { reasonRows, serverRows } from "../../src/server/metrics.ts";
import { readExposition } from "../support/exposition.ts";
import { Real, Virtual } from "../support/server.ts";
import { serverPair } from "../support/certificates.ts";

const framing = lines({ encoding: "utf-8" });

test("is what Prometheus reads, with every number of the server and the reasons of its ends (F-50)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<string>({
    framing,
    onFrame: (line, connection) => connection.send(line),
  });
  const before = readExposition(prometheusText(server));
  assert.equal(before.get("millrace_connections_active")!.values.get(""), 0);
  const peer = await place.dial(server);
  peer.write("one\ntwo\n");
  await place.settle();
  const gone = await place.dial(server);
  gone.end();
  await place.settle();
  const text = prometheusText(server);
  const families = readExposition(text);
  const stats = server.stats();
  for (const [name, type, help, read] of serverRows) {
    const family = families.get(`millrace_${name.replace(/_(sum|count)$/, "")}`)!;
    assert.deepEqual([family.type, family.help], [type, help]);
    assert.equal(family.values.get(type === "summary" ? `millrace_${name}` : ""), read(stats), name);
  }
  assert.equal(families.get("millrace_frames_received_total")!.values.get(""), 2);
  assert.deepEqual([...families.get("millrace_connections_closed_total")!.values], [[
    '{reason="probe"}',
    1,
  ]]);
  assert.equal(families.size, serverRows.length - 1 + 2, "all families, the summary of two rows being one");
  assert.equal(reasonRows.length, 4);
  assert.match(prometheusContentType, /^text\/plain; version=0\.0\.4/);
});

test("has each family once, whatever the number of servers, and tells them by name (F-50)", async (t) => {
  const place = new Virtual(t);
  const [echo, admin] = [
    await place.serve<string>({ framing, onFrame: () => {} }),
    await place.serve<string>({ framing, onFrame: () => {} }),
  ];
  const families = readExposition(prometheusText({ echo, 'a"\\\nb': admin }, { site: "ä" }));
  assert.deepEqual(families.get("millrace_outbox_bytes")!.labels, [
    { server: "echo", site: "ä" },
    { server: 'a"\\\nb', site: "ä" },
  ]);
  const one = prometheusText(echo, { endpoint: "echo" });
  assert.match(one, /^millrace_bytes_read_total\{endpoint="echo"\} 0$/m);
  assert.equal(readExposition(prometheusText({})).size, 0);
});

test("refuses labels that Prometheus would not read, and those that samples have of themselves", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<string>({ framing, onFrame: () => {} });
  for (const name of ["", "1st", "a-b", "__name__", "ü", "reason", "certificate"]) {
    assert.throws(() => prometheusText(server, { [name]: "x" }), OptionsError, name);
  }
  assert.throws(
    () => prometheusText({ server }, { server: "x" }),
    /another name: server, reason, certificate/,
  );
  assert.throws(() => prometheusText(server, { a: 1 as never }), /labels\.a: found 1, expected text/);
  prometheusText(server, { server: "x" });
});

test("tells when the certificates of a server expire (F-31, F-50)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve<string>({ framing, tls: await serverPair(), onFrame: () => {} });
  const [certificate] = server.tls!.certificates!;
  const families = readExposition(prometheusText(server));
  assert.deepEqual([...families.get("millrace_certificate_expiry_timestamp_seconds")!.values], [[
    '{certificate="main"}',
    certificate!.validTo / 1000,
  ]]);
  assert.deepEqual(server.inspect().tls, server.tls);
});

test("writes numbers as Go reads them, and escapes what a label and a sentence may hold", () => {
  const base = { help: "a \\ and a\nline", type: "gauge", labels: {} } as const;
  const values = [0, -1.5, 1e21, 1e-7, Infinity, -Infinity, NaN];
  const text = exposition(values.map((value, at) => ({ ...base, name: `g${at}`, value })));
  const families = readExposition(text);
  assert.deepEqual(values.map((_, at) => families.get(`g${at}`)!.values.get("")), values);
  assert.equal(families.get("g0")!.help, "a \\\\ and a\\nline");
});
