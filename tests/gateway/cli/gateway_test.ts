// millrace gateway: runs a config, says what to type next, drains at a signal; nothing starts with a fault.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { type Cleaner, runMillrace, startMillrace } from "../../support/program.ts";
import { it } from "../../support/it.ts";

function configFile(t: Cleaner, config: object): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "gateway.json");
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const echo = { name: "echo", listen: "127.0.0.1:0", framing: "lines", echo: true, print: true };

describe("millrace gateway", () => {
  it("echoes and prints frames, answers on the admin endpoint, and exits 0 at SIGTERM", async (t) => {
    const program = startMillrace(
      t,
      "gateway",
      configFile(t, { endpoints: [echo], admin: { listen: "127.0.0.1:0" } }),
    );
    const [, port] = await program.said(
      "err",
      /echo +listens on 127\.0\.0\.1:(\d+) \(lines, echo\) +try: echo hello \| nc -w1 127\.0\.0\.1 \1\n/,
    );
    const [, url] = await program.said("err", /admin +(http:\S+) +try: curl \1\/connections\n/);
    const talk = await runMillrace(t, ["connect", port!], "hello\n");
    assert.deepEqual([talk.code, talk.out], [0, "hello\n"]);
    for (const page of ["/metrics", "/healthz", "/readyz", "/connections"]) {
      const response = await fetch(url + page);
      assert.equal(response.status, 200, page);
      await response.text();
    }
    program.signal("SIGTERM");
    const { code, out, err } = await program.end();
    assert.equal(code, 0);
    const { payload, "conn.id": id, "peer.ip": ip, "peer.port": peerPort } = JSON.parse(out);
    assert.deepEqual([payload, ip, typeof id, typeof peerPort], ["hello", "127.0.0.1", "string", "number"]);
    assert.match(err, /millrace: stopped in .*\n$/);
  });

  it("sends the goodbye of an endpoint to its connections at SIGTERM, one after the other over --drain-spread (F-65)", async (t) => {
    const file = configFile(t, { endpoints: [{ ...echo, goodbye: "BYE", goodbyeWait: 0 }] });
    const program = startMillrace(t, "gateway", file, "--drain-spread", "1s");
    const [, port] = await program.said("err", /listens on 127\.0\.0\.1:(\d+)/);
    const said: number[] = [];
    const peers = await Promise.all([1, 2].map(async () => {
      const peer = createConnection({ port: Number(port), host: "127.0.0.1" });
      t.after(() => peer.destroy());
      peer.on("error", () => {});
      let text = "";
      peer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.endsWith("BYE\n")) said.push(performance.now());
      });
      peer.write("hello\n");
      const ended = new Promise<string>((resolve) => peer.on("end", () => resolve(text)));
      await new Promise((resolve) => peer.once("data", resolve));
      return { ended };
    }));
    program.signal("SIGTERM");
    assert.deepEqual(await Promise.all(peers.map(({ ended }) => ended)), ["hello\nBYE\n", "hello\nBYE\n"]);
    const { code } = await program.end();
    assert.equal(code, 0);
    // Two connections over a second: half a second from one to the other.
    assert.ok(said[1]! - said[0]! >= 400, `${said[1]! - said[0]!} ms apart`);
  });

  it("cuts what does not finish by --deadline, with exit code 3", async (t) => {
    const program = startMillrace(t, "gateway", configFile(t, { endpoints: [echo] }), "--deadline", "50ms");
    const [, port] = await program.said("err", /listens on 127\.0\.0\.1:(\d+)/);
    // This one never answers a FIN.
    const peer = createConnection({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
    peer.on("error", () => {});
    t.after(() => peer.destroy());
    peer.resume().write("hello\n");
    await program.said("out", /hello/);
    program.signal("SIGTERM");
    const { code, err } = await program.end();
    assert.match(err, /, 1 destroyed\n$/);
    assert.equal(code, 3);
  });

  it("starts nothing with a fault in the config: each is told, exit code 1", async (t) => {
    const file = configFile(t, {
      endpoints: [{ name: "echo", listen: "127.0.0.1:0", framing: "line", idle: 1 }],
    });
    const { code, out, err } = await runMillrace(t, ["gateway", file]);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /endpoints\[0\]\.framing: found "line"/);
    assert.match(err, /endpoints\[0\]\.idle: found 1/);
    assert.match(err, /has 2 faults: nothing was started\n$/);
  });

  it("says which endpoint's port is in use, exit code 1", async (t) => {
    const first = startMillrace(t, "gateway", configFile(t, { endpoints: [echo] }));
    const [, port] = await first.said("err", /listens on 127\.0\.0\.1:(\d+)/);
    const second = configFile(t, { endpoints: [{ ...echo, listen: `127.0.0.1:${port}` }] });
    const { code, err } = await runMillrace(t, ["gateway", second]);
    assert.equal(code, 1);
    assert.match(err, new RegExp(`millrace: endpoint echo: .*${port}.*another process has it.*\n$`));
  });
});

describe("millrace gateway with bindRetry", () => {
  it("stops at a signal while an endpoint waits for its port, and lets go of the others (F-21)", async (t) => {
    const first = startMillrace(t, "gateway", configFile(t, { endpoints: [echo] }));
    const [, port] = await first.said("err", /listens on 127\.0\.0\.1:(\d+)/);
    const waiting = { ...echo, name: "late", listen: `127.0.0.1:${port}`, bindRetry: { for: "Infinity" } };
    const second = startMillrace(t, "gateway", configFile(t, { endpoints: [echo, waiting] }));
    await second.said("err", /"listening failed and is tried again"/);
    second.signal("SIGTERM");
    const { code, err } = await second.end();
    assert.match(err, /"server stopped".*\nmillrace: stopped before every endpoint listened\n$/);
    assert.equal(code, 0);
  });
});
