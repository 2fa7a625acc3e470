// docs/workers.md is true: its two modules run as a server and its workers, and its tables name the options that there are.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { pathToFileURL } from "node:url";
import { it } from "./support/it.ts";
import { pageText, placedByUrl, programsIn, runPrograms } from "./support/page.ts";
import { workerModule } from "./support/worker_module.ts";

const text = pageText("docs/workers.md");

describe("docs/workers.md", () => {
  it(
    "has a worker and a server that compile, and run to their end (F-48)",
    { timeout: 120_000 },
    async (t) => {
      const programs = programsIn(text);
      assert.equal(programs.length, 2);
      const folder = mkdtempSync(join(tmpdir(), "millrace-docs-"));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const file = join(folder, "worker.mts");
      writeFileSync(file, placedByUrl(programs[0]!));
      const place = 'new URL("./worker.ts", import.meta.url)';
      assert.ok(programs[1]!.includes(place));
      const url = workerModule(pathToFileURL(file)).href;
      const server = programs[1]!.replace(place, `new URL(${JSON.stringify(url)})`)
        .replace("count: 2,", 'count: 2,\n  startTimeout: "60 seconds",');
      assert.deepEqual(await runPrograms(t, [server]), [64, 0]);
    },
  );

  it("names every option of workers() (F-48)", () => {
    const source = readFileSync(new URL("../src/workers/workers_options.ts", import.meta.url), "utf8");
    const options = [...source.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name!);
    const told = [...text.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name!);
    assert.deepEqual(told.sort(), options.sort());
  });

  it("names metrics that there are (F-48)", () => {
    const source = readFileSync(new URL("../src/workers/worker_metrics.ts", import.meta.url), "utf8");
    const told = [...text.matchAll(/`millrace_(workers?_\w+)`/g)].map(([, name]) => name!);
    assert.ok(told.length > 5);
    assert.deepEqual(told.filter((name) => !source.includes(`"${name}"`)), []);
  });
});
