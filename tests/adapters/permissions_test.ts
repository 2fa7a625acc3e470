// @once: it starts Deno itself, the one runtime that has permissions
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { findDeno } from "../../scripts/runtimes.mjs";
import { makeAuthority } from "../support/certificates.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const deno = findDeno().program;
const folder = mkdtempSync(join(tmpdir(), "millrace-permissions-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const authority = await makeAuthority();
const pair = await authority.sign({ names: ["localhost"] });
const config = join(folder, "gateway.yaml");
writeFileSync(
  config,
  'endpoints:\n  - name: echo\n    listen: "127.0.0.1:0"\nadmin: { listen: "127.0.0.1:0" }\n',
);
const deadlineMs = 60_000;

interface Said {
  readonly name: string;
  readonly typed?: boolean;
  readonly kind?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** Runs a file on Deno, which asks nobody for permission; `until` ends it with SIGTERM. */
function run(
  permissions: readonly string[],
  file: string,
  args: readonly string[],
  until?: RegExp,
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const flags = ["run", "--no-prompt", "--no-check", "--quiet", ...permissions];
  const child = spawn(deno, [...flags, join(root, file), ...args], { cwd: folder });
  const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
  let out = "";
  let err = "";
  const look = (): void => void (until?.test(out + err) && child.kill("SIGTERM"));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    look();
  });
  child.stdin.end();
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, out, err });
    });
  });
}

/** What a program says that tries these with these permissions. */
async function tried(permissions: readonly string[], ...wanted: readonly string[]): Promise<Said[]> {
  const args = [folder, pair.cert, pair.key, authority.cert, ...wanted];
  const { code, out, err } = await run(permissions, "tests/adapters/programs/permitted.ts", args);
  assert.equal(code, 0, err);
  const said = out.trim().split("\n").map((line) => JSON.parse(line) as Said);
  assert.deepEqual(said.map(({ name }) => name), wanted, err);
  return said;
}

/** Each has failed for want of a permission, and says what to do. */
function assertDenied(said: readonly Said[], message: RegExp): void {
  for (const one of said) {
    assert.equal(one.typed, true, JSON.stringify(one));
    assert.equal(one.kind, "SocketError", JSON.stringify(one));
    assert.equal(one.reason, "permission_denied", JSON.stringify(one));
    assert.match(one.message ?? "", message);
    assert.doesNotMatch(one.message ?? "", /no directory|ports below 1024/);
  }
}

const inFolder = [`--allow-read=${folder}`, `--allow-write=${folder}`];

describe("on Deno, with few permissions", () => {
  it("S-60: frames are cut with none, and sockets name the one that is missing", async () => {
    const [frames, ...sockets] = await tried(
      [],
      "frames",
      "listen",
      "connect",
      "name",
      "upgradable",
      "upgradableName",
      "tls",
    );
    assert.deepEqual(frames, { name: "frames" });
    assertDenied(sockets, /--allow-net/);
  });

  it("S-60: TCP, TLS and upgrades need --allow-net alone, and no other address than theirs", async () => {
    const wanted = ["tcp", "upgradable", "tls"];
    const said = await tried(["--allow-net=127.0.0.1"], ...wanted, "name", "upgradableName");
    assert.deepEqual(said.slice(0, 3), wanted.map((name) => ({ name })));
    assertDenied(said.slice(3), /--allow-net/);
  });

  it("S-60: a Unix socket needs --allow-net, --allow-read and --allow-write of its directory, and says which is missing", async () => {
    const rows = [
      [["--allow-net"], /lacks read access \(--allow-read\).*--allow-read and --allow-write for/],
      [["--allow-net", inFolder[0]!], /lacks write access \(--allow-write\)/],
      [inFolder, /lacks net access \(--allow-net\)/],
    ] as const;
    await Promise.all(rows.map(async ([permissions, message]) => {
      assertDenied(await tried(permissions, "unix", "unixUpgradable", "unixConnect"), message);
    }));
    assert.deepEqual(await tried(["--allow-net", ...inFolder], "unix"), [{ name: "unix" }]);
    // A socket that is bound by its path alone: what is missing is the directory.
    const alone = ["read", "write"].map((kind) => `--allow-${kind}=${join(folder, "a.sock")}`);
    assertDenied(
      await tried(["--allow-net", ...alone], "unix"),
      new RegExp(`--allow-write for its directory ${folder}`),
    );
  });

  it("S-60: files of certificates need --allow-read, which the error names", async () => {
    const [files] = await tried(["--allow-net"], "files");
    assert.deepEqual([files!.typed, files!.kind, files!.reason], [true, "TlsError", "material"]);
    assert.match(files!.message ?? "", /a\.crt.*--allow-read/);
  });

  it("S-60: the gateway needs --allow-read for its configuration and --allow-net, and no environment", async () => {
    const main = "src/gateway/main.ts";
    const help = await run([], main, ["--help"]);
    assert.deepEqual([help.code, help.err], [0, ""]);
    const unread = await run([], main, ["check", config]);
    assert.equal(unread.code, 1);
    assert.match(unread.out, /gateway\.yaml: .*--allow-read/);
    const checked = await run(["--allow-read"], main, ["check", config]);
    assert.deepEqual([checked.code, checked.out], [0, `${config}: no faults; 1 endpoint\n`], checked.err);
    const closed = await run(["--allow-read"], main, ["gateway", config]);
    assert.equal(closed.code, 1);
    assert.match(closed.err, /^millrace: .*--allow-net/m);
    const ran = await run(["--allow-read", "--allow-net"], main, ["gateway", config], /runs on deno/);
    assert.equal(ran.code, 0, ran.err);
  });

  it("S-60: the commands say which permission they need", async () => {
    const main = "src/gateway/main.ts";
    const made = join(folder, "made");
    mkdirSync(made);
    const rows = [
      [[], ["serve", "--port", "0"], /--allow-net/],
      [[], ["serve", "--unix", join(folder, "b.sock")], /--allow-read.*--allow-write for its directory/],
      [[], ["connect", "127.0.0.1:1"], /--allow-net/],
      [["--allow-read"], ["cert", "--out", made], /--allow-write/],
    ] as const;
    await Promise.all(rows.map(async ([permissions, args, message]) => {
      const { code, out, err } = await run(permissions, main, args);
      assert.equal(code, 1, `${args.join(" ")}: ${out}${err}`);
      assert.match(err, message);
      assert.equal(err.trim().split("\n").length, 1, err);
    }));
  });

  it("S-60: the gateway as a library is imported and checks YAML with none", async () => {
    const { code, out, err } = await run([], "tests/adapters/programs/check_yaml.ts", []);
    assert.deepEqual([code, out, err], [0, "one endpoint\n", ""]);
  });
});
