// @once: it builds, packs and installs the package once, and starts Bun, Deno and Node itself
//
// The package that users get from npm, from its tarball: installed into an empty project, it works on Bun, Deno and
// Node. What it needs is linked from this project's node_modules, so that nothing is fetched.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { findBun, findDeno, findNode } from "../scripts/runtimes.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

interface Exit {
  readonly code: number | null;
  readonly stdout: string;
  readonly all: string;
}

/** Runs a program to its end, for a minute at most. */
function run(program: string, args: readonly string[], cwd: string): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
      killSignal: "SIGKILL",
      env: { ...env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    });
    let [stdout, all] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      all += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      all += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, all }));
  });
}

async function mustRun(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, all } = await run(program, args, cwd);
  assert.equal(code, 0, `${program} ${args.join(" ")}: exit code ${code}\n${all}`);
  return stdout;
}

const echo = `
import { connect, lines, serve } from "${manifest.name}";

const server = await serve({
  host: "127.0.0.1",
  port: 0,
  framing: lines(),
  handler: async (connection) => {
    for await (const line of connection) await connection.send(line);
  },
});
const client = await connect({ host: "127.0.0.1", port: server.address.port, framing: lines() });
await client.send(new TextEncoder().encode("packed"));
for await (const line of client) {
  console.log("echo", new TextDecoder().decode(line));
  break;
}
await client.close();
await server.close();
`;
const embedded = `
import { connect, lines } from "${manifest.name}";
import { checkConfig, memoryBus, startGateway } from "${manifest.name}/gateway";

const check = checkConfig({ endpoints: [{ name: "a", listen: "127.0.0.1:0", framing: "lines" }] });
const bus = memoryBus();
bus.subscribe("millrace.a.in", ({ payload, reply }) => bus.publish({ subject: reply, payload, metadata: {} }));
const gateway = await startGateway(check.config, { bus });
const client = await connect({ port: gateway.endpoints.get("a").address.port, framing: lines() });
await client.send(new TextEncoder().encode("embedded"));
for await (const line of client) {
  console.log("reply", new TextDecoder().decode(line));
  break;
}
await client.close();
await gateway.shutdown();
`;
const doors = Object.keys(manifest.exports).filter((door) => door !== "./package.json");
const everyDoor = [
  ...doors.map((door, at) => `import * as door${at} from "${manifest.name}${door.slice(1)}";`),
  `console.log(JSON.stringify([${doors.map((_, at) => `Object.keys(door${at}).length`).join(", ")}]));`,
].join("\n");

const consumer = `
import { type Connection, connect, lines, serve, type Server } from "${manifest.name}";
import * as effect from "${manifest.name}/effect";
import * as testing from "${manifest.name}/testing";
import { type CheckedConfig, checkConfig, memoryBus, startGateway } from "${manifest.name}/gateway";

export const server: Server<Uint8Array> = await serve({
  port: 0,
  framing: lines(),
  handler: async (connection) => {
    for await (const line of connection) await connection.send(line satisfies Uint8Array);
  },
});
export const client: Connection<Uint8Array> = await connect({ port: 1, framing: lines() });
const check = checkConfig({ endpoints: [{ name: "a", listen: 0 }] });
if (check.ok) {
  const config: CheckedConfig = check.config;
  await (await startGateway(config, { bus: memoryBus() })).shutdown({ deadline: "1 second" });
}
// @ts-expect-error Only what has passed the check can be started.
await startGateway({ endpoints: [] });
// @ts-expect-error There is no such option.
await serve({ port: 0, framing: lines(), handler: () => {}, prot: 1 });
export const names: string[] = [...Object.keys(effect), ...Object.keys(testing)];
`;

/** What a made file loads from outside of the package at once: its own imports and those of the files it names. */
function loadedBy(file: string, seen: Set<string> = new Set()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const named = readFileSync(file, "utf8").matchAll(/^(?:import|export|\})[^"()\n]*"([^"\n]+)";$/gm);
  return [...named].flatMap(([, name = ""]) =>
    name.startsWith(".") ? loadedBy(join(file, "..", name), seen) : [name]
  );
}

describe("the packed package", () => {
  let folder = "";
  let project = "";
  let packed: readonly string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "millrace-package-"));
    project = join(folder, "project");
    mkdirSync(project);
    const report = await mustRun("npm", ["pack", "--json", "--pack-destination", folder], root);
    const [tarball] = JSON.parse(report.slice(report.search(/^\[/m))) as [{ files: { path: string }[] }];
    packed = tarball.files.map(({ path }) => path);
    const file = readdirSync(folder).find((name) => name.endsWith(".tgz"));
    const linked = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
      .map((name) => [name, `file:${join(root, "node_modules", name)}`]);
    writeFileSync(
      join(project, "package.json"),
      JSON.stringify({
        type: "module",
        private: true,
        dependencies: { ...Object.fromEntries(linked), [manifest.name]: `file:../${file}` },
      }),
    );
    await mustRun("npm", ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"], project);
    writeFileSync(join(project, "echo.mjs"), echo);
    writeFileSync(join(project, "embedded.mjs"), embedded);
    writeFileSync(join(project, "doors.mjs"), everyDoor);
    writeFileSync(join(project, "consumer.ts"), consumer);
  }, { timeout: 120_000 });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("contains what is built and what is read, and no source, test or script", () => {
    const outside = packed.filter((path) => !path.startsWith("dist/"));
    assert.deepEqual(outside.sort(), ["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    const strange = packed.filter((path) => path.startsWith("dist/") && !/\.js$|\.d\.ts$/.test(path));
    assert.deepEqual(strange, []);
  });

  it("loads Effect through its main door only once something is served or connected", () => {
    const dist = join(project, "node_modules", manifest.name, "dist");
    assert.ok(loadedBy(join(dist, "effect.js")).includes("effect/Effect"));
    assert.deepEqual(loadedBy(join(dist, "mod.js")), []);
  });

  const runtimes = [
    { name: "Bun", find: findBun, args: [] },
    { name: "Deno", find: findDeno, args: ["run", "-A", "--node-modules-dir=manual"] },
    { name: "Node", find: findNode, args: [] },
  ];
  for (const { name, find, args } of runtimes) {
    const started = (file: string, ...more: readonly string[]): Promise<string> =>
      mustRun(find().program, [...args, file, ...more], project);

    it(`echoes a line on ${name}`, { timeout: 60_000 }, async () => {
      assert.equal(await started("echo.mjs"), "echo packed\n");
    });

    it(`runs a gateway as a library on ${name}`, { timeout: 60_000 }, async () => {
      assert.equal(await started("embedded.mjs"), "reply embedded\n");
    });

    it(`has no empty door on ${name}`, { timeout: 60_000 }, async () => {
      const counts = JSON.parse(await started("doors.mjs")) as number[];
      assert.equal(counts.length, doors.length);
      assert.ok(counts.every((count) => count > 0), `names behind ${doors.join(", ")}: ${counts.join(", ")}`);
    });

    it(`has a program that tells its version on ${name}`, { timeout: 60_000 }, async () => {
      const program = join("node_modules", manifest.name, manifest.bin["millrace"] ?? "");
      assert.match(
        await started(program, "--version"),
        new RegExp(`\\b${manifest.version.replaceAll(".", "\\.")}\\b`),
      );
    });
  }

  it("puts the program millrace on the path, executable", { timeout: 60_000 }, async () => {
    assert.match(await mustRun(join(project, "node_modules/.bin/millrace"), ["--help"], project), /gateway/);
  });

  it("has types that a strict program compiles with", { timeout: 60_000 }, async () => {
    const options = [
      ...["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noEmit"],
      ...["--module", "nodenext", "--target", "es2022", "--lib", "es2023,esnext.disposable,dom,dom.iterable"],
      ...["--types", ""],
    ];
    const tsc = join(root, "node_modules/typescript/lib/tsc.js");
    await mustRun(findNode().program, [tsc, ...options, "consumer.ts"], project);
  });
});
