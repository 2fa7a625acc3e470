// millrace check: every fault, on standard output, and an exit code.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { type Cleaner, runMillrace } from "../../support/program.ts";
import { it } from "../../support/it.ts";

function configFile(t: Cleaner, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("millrace check", () => {
  it("exits 0 for a config without faults, in YAML, JSON and TOML", async (t) => {
    const files = [
      configFile(t, "a.yaml", "endpoints:\n  - name: echo\n    listen: 127.0.0.1:0\n"),
      configFile(t, "a.json", '{"endpoints": [{"name": "echo", "listen": "127.0.0.1:0"}]}'),
      configFile(t, "a.toml", '[[endpoints]]\nname = "echo"\nlisten = "127.0.0.1:0"\n'),
    ];
    for (const file of files) {
      assert.deepEqual(await runMillrace(t, ["check", file]), {
        code: 0,
        signal: null,
        out: `${file}: no faults; 1 endpoint\n`,
        err: "",
      });
    }
  });

  it("tells three faults of three, each with place, value and what was expected, and exits 1", async (t) => {
    const text =
      "endpoints:\n  - name: echo\n    listen: 127.0.0.1:99999\n    framing: line\n    idleTimeout: soon\n";
    const file = configFile(t, "bad.yaml", text);
    const { code, out, err } = await runMillrace(t, ["check", file]);
    assert.deepEqual([code, err], [1, ""]);
    const lines = out.trimEnd().split("\n");
    assert.equal(lines.length, 4);
    assert.match(lines[0]!, /bad\.yaml:3:\d+: endpoints\[0\]\.listen: found "127\.0\.0\.1:99999", expected /);
    assert.match(
      lines[1]!,
      /bad\.yaml:4:\d+: endpoints\[0\]\.framing: found "line", expected .*did you mean "lines"\?$/,
    );
    assert.match(
      lines[2]!,
      /bad\.yaml:5:\d+: endpoints\[0\]\.idleTimeout: found "soon", expected a duration/,
    );
    assert.match(lines[3]!, /^3 faults in /);

    const json = await runMillrace(t, ["check", "--json", file]);
    assert.equal(json.code, 1);
    const { config, faults } = JSON.parse(json.out);
    assert.equal(config, file);
    assert.deepEqual(
      faults.map(({ path, line }: { path: string; line: number }) => [path, line]),
      [["endpoints[0].listen", 3], ["endpoints[0].framing", 4], ["endpoints[0].idleTimeout", 5]],
    );
  });

  it("exits 1 for a file that is not there", async (t) => {
    const { code, out } = await runMillrace(t, ["check", "/nowhere/gateway.yaml"]);
    assert.equal(code, 1);
    assert.match(out, /\/nowhere\/gateway\.yaml: .*there is no such file/);
  });
});
