// @once: it makes Node look like another host, which nobody would take Bun or Deno for
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "../../support/it.ts";
import { Program } from "../../support/program.ts";

it("S-60: on a host without sockets that listen, no command says that it runs", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-worker-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, "gateway.yaml");
  writeFileSync(config, "endpoints:\n  - name: echo\n    listen: 127.0.0.1:0\n");
  for (const args of [["serve", "--port", "0"], ["gateway", config], ["check", config]]) {
    const program = new Program(t, "tests/gateway/cli/programs/as_worker.ts", args);
    const { code, out, err } = await program.end();
    assert.equal(code, 1, `${args.join(" ")}: ${out}${err}`);
    assert.match(
      out + err,
      /found "workerd", expected a host with sockets that listen: Bun, Deno or Node\.js/,
    );
    assert.doesNotMatch(out + err, /listening on|running|runs on/);
  }
});
