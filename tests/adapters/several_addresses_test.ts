// Names with several addresses, at the public door: a program whose /etc/hosts is the test's own connects to them.
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { commandLine } from "../support/program.ts";

const adapter = await detectAdapter();
const dead = [1, 2, 3, 4, 5, 6].map((last) => `127.0.0.${last}`);
const live = "127.0.0.7";
const refusing = "127.0.0.8";
const root = fileURLToPath(new URL("../..", import.meta.url));
/** A namespace of mounts in which a file of the test's is the list of hosts. */
const ownHosts = ["sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"'];
const ways = [["-m"], ["-rm"]].filter(([way]) =>
  spawnSync("unshare", [way!, ...ownHosts, "/etc/hosts", "true"]).status === 0
);

function whyNot(): string | false {
  if (ways.length === 0) return "this machine gives a test no /etc/hosts of its own";
  const { status } = spawnSync("python3", ["--version"]);
  return status === 0 ? false : "this machine has no python3 for listeners whose queues stay full";
}

describe(`names with several addresses, on the ${adapter.name} adapter`, () => {
  const limit = { skip: whyNot(), timeout: 90_000 };
  it("S-35: the one that answers is used, and connectTimeout is for all of them", limit, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const hosts = join(folder, "hosts");
    const names = { "late.test": [...dead, live], "refused.test": [refusing, live], "dead.test": dead };
    const list = Object.entries(names).flatMap(([name, all]) => all.map((address) => `${address} ${name}\n`));
    writeFileSync(hosts, list.join(""));
    const queues = spawn(
      "python3",
      [fileURLToPath(new URL("./programs/full_queue.py", import.meta.url)), ...dead],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    t.after(() => queues.kill("SIGKILL"));
    const port = await new Promise<string>((resolve, reject) => {
      queues.stdout.once("data", (text) => resolve(`${text}`.trim()));
      queues.once("exit", (code) => reject(new Error(`full_queue.py ended with ${code}`)));
    });
    const authority = await testAuthority();
    const { cert, key } = await serverPair("localhost");
    const env = {
      ...process.env,
      MILLRACE_TEST_CA: authority.cert,
      MILLRACE_TEST_CERT: cert,
      MILLRACE_TEST_KEY: key,
    };
    const program = commandLine("tests/adapters/programs/connect_to_names.ts", [port, live]);
    const args = [...ways[0]!, ...ownHosts, hosts, process.execPath, ...program];
    const { out, err } = await new Promise<{ out: string; err: string }>((resolve) =>
      execFile(
        "unshare",
        args,
        { cwd: root, env, timeout: 60_000 },
        (_error, out, err) => resolve({ out, err }),
      )
    );
    assert.deepEqual([err, out.trim().split("\n")], ["", [
      `six dead ones before it: ${live}`,
      `one that refuses before it: ${live}`,
      `TLS: ${live}`,
      `nobody: TimeoutError: connect to dead.test:${port}: no answer within 1000 ms; check that it is reachable, ` +
      "or raise connectTimeout",
    ]]);
  });
});
