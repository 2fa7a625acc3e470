import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { Shortage } from "../../src/adapters/shortage.ts";
import { SocketError } from "../../src/core/errors.ts";
import { onLoopback } from "../contract/native.ts";
import type { Probe } from "../contract/probe.ts";
import { ascii, Rig } from "../contract/rig.ts";
import { Program } from "../support/program.ts";
import { it } from "../support/it.ts";

const adapter = await detectAdapter();
const skip = existsSync("/proc/self/limits") ? false : "this system does not say how many files may be open";

async function echoes(client: Probe, text: string): Promise<void> {
  const before = client.bytes;
  client.transport.write(ascii(text));
  await client.received(before + text.length);
}

describe(`too many open files, on the ${adapter.name} adapter`, () => {
  for (const kind of ["plain", "upgradable"]) {
    const what = "harm no connection that is open, keep nobody busy, and are over when some are free";
    it(`S-17: ${what}: ${kind} sockets`, { skip, timeout: 60_000 }, async (t) => {
      const server = new Program(t, "tests/adapters/programs/run_out_of_files.ts", [kind]);
      await server.said("out", /used up EMFILE/);
      const port = Number((await server.said("out", /port (\d+)/))[1]);
      const rig = new Rig(onLoopback(adapter), t);
      const address = { transport: "tcp", host: "127.0.0.1", port } as const;
      const first = (await rig.connect(address)).start();
      await echoes(first, "hello");
      // More than there are descriptors for; some may be reset while they connect.
      const more = await Promise.allSettled(Array.from({ length: 60 }, () => rig.connect(address)));
      for (const result of more) if (result.status === "fulfilled") result.value.start();
      await echoes(first, "still here");
      server.write("go on\n");
      const busy = Number((await server.said("out", /busy (\d+) percent/))[1]);
      // One that tries without a pause takes all of it.
      assert.ok(busy < 40, `${busy} percent of the time were spent`);
      await echoes(first, "and now");
      for (const result of more) if (result.status === "fulfilled") result.value.transport.abort();
      await echoes((await rig.connect(address)).start(), "welcome");
      server.signal("SIGTERM");
      const { out, err } = await server.end();
      const accepted = out.slice(0, out.indexOf("busy")).match(/^accepted/gm)!.length;
      const failed = out.match(/^failed.*$/gm) ?? [];
      assert.equal(err, "");
      assert.ok(failed.length <= 1, `one line an episode: ${failed.join(", ")}`);
      assert.ok(failed.every((line) => line === "failed too_many_open_files for now"), failed.join(", "));
      // The shortage was one, whether it was told or not, as by node:net: some were turned away then, or waited.
      assert.ok(accepted < 62, `${accepted} were accepted`);
    });
  }

  for (const kind of ["plain", "upgradable"]) {
    const what = "are a typed error of connecting, harm no connection that is open, and keep nobody busy";
    it(`S-61: ${what}: ${kind} sockets`, { skip, timeout: 60_000 }, async (t) => {
      const rig = new Rig(onLoopback(adapter), t);
      const target = await rig.listen();
      const file = "tests/adapters/programs/connect_without_files.ts";
      const proxy = new Program(t, file, [`${target.port}`, kind]);
      const port = Number((await proxy.said("out", /port (\d+)/))[1]);
      const address = { transport: "tcp", host: "127.0.0.1", port } as const;
      const first = (await rig.connect(address)).start();
      await echoes(first, "hello");
      // Each takes two descriptors there, and there are less than for all.
      const more = await Promise.allSettled(Array.from({ length: 50 }, () => rig.connect(address)));
      for (const result of more) if (result.status === "fulfilled") result.value.start();
      await echoes(first, "still here");
      proxy.write("go on\n");
      const busy = Number((await proxy.said("out", /busy (\d+) percent/))[1]);
      // One that tries without a pause takes all of it.
      assert.ok(busy < 40, `${busy} percent of the time were spent`);
      const [, then, byName] = await proxy.said("out", /then (\w+), by name (\w+)/);
      assert.deepEqual([then, byName], ["too_many_open_files", "too_many_open_files"]);
      assert.equal((await proxy.said("out", /at last (\w+)/))[1], "connected");
      await echoes(first, "and now");
      proxy.signal("SIGTERM");
      const { out, err } = await proxy.end();
      assert.equal(err, "");
      for (const [, reason] of out.matchAll(/^(?:refused for|failed) (\w+)/gm)) {
        assert.equal(reason, "too_many_open_files");
      }
    });
  }

  it("S-17: are told once an episode", () => {
    const told: SocketError[] = [];
    const shortage = new Shortage((error, fatal) => {
      assert.equal(fatal, false);
      told.push(error);
    });
    for (let i = 0; i < 100; i++) {
      shortage.met(() => new SocketError("too_many_open_files", `${i}`));
    }
    assert.deepEqual(told.map(({ message }) => message), ["0"]);
  });
});
