// @once: it builds, packs and installs the package once, and starts Bun, Deno and Node itself
//
// The package that users get from npm, from its tarball: installed into an empty project, it is the only package there,
// and works on Bun, Deno and Node, beside no Effect, Effect 3 and Effect 4.
import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findBun, findDeno, findNode } from "../scripts/runtimes.mjs";
import {
  installLikePnpm,
  installWithNpm,
  link,
  makeProject,
  mustRun,
  pack,
  packagesIn,
  type Packed,
  root,
} from "./support/package.ts";
import { serveRegistry } from "./support/registry.ts";
import { describeEdge } from "./support/package_edge.ts";
import { describeTypes } from "./support/package_types.ts";

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin: Readonly<Record<string, string>>;
};

/** Bytes that the package may have on disk. */
const largest = 2_000_000;

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
await gateway.close();
`;
const identity = `
import * as whole from "${manifest.name}";
import * as effect from "${manifest.name}/effect";
import * as Effect from "effect/Effect";
import { SocketServer } from "effect/socket/SocketServer";
import { lines, OptionsError, serve } from "${manifest.name}";

const program = Effect.gen(function* () {
  const refused = yield* Effect.flip(effect.serve({ port: -1, framing: lines(), handler: () => {} }));
  const server = yield* effect.serve({
    port: 0,
    logger: () => {},
    framing: lines({ encoding: "utf-8" }),
    handler: (connection) => effect.send(connection, "from an Effect"),
  });
  const client = yield* effect.connect({ port: server.address.port, framing: lines({ encoding: "utf-8" }) });
  const { value } = yield* Effect.promise(() => client[Symbol.asyncIterator]().next());
  const plain = yield* Effect.promise(() => whole.connect({ port: server.address.port, framing: lines() }));
  const same = plain.constructor === client.constructor;
  plain.destroy();
  const { address } = yield* Effect.provide(SocketServer, effect.layerSocketServer({ port: 0, logger: () => {} }));
  return [value, refused instanceof OptionsError, same, address._tag];
});
console.log(JSON.stringify(await Effect.runPromise(Effect.scoped(program))));
`;
const tooOld = `
import { lines } from "${manifest.name}";
import { serve } from "${manifest.name}/effect";

try {
  serve({ port: 0, framing: lines(), handler: () => {} });
} catch (error) {
  console.log(error.message);
}
`;
const entryPoints = Object.keys(manifest.exports).filter((entry) => entry !== "./package.json");
/** Those that need no Effect of their user. */
const alone = entryPoints.filter((entry) => entry !== "./effect");
const everyEntry = [
  ...alone.map((entry, at) => `import * as entry${at} from "${manifest.name}${entry.slice(1)}";`),
  `console.log(JSON.stringify([${alone.map((_, at) => `Object.keys(entry${at}).length`).join(", ")}]));`,
].join("\n");

/** What a made file loads from outside of the package at once: its own imports and those of the files it names. */
function loadedBy(file: string, seen: Set<string> = new Set()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const named = readFileSync(file, "utf8").matchAll(
    /(?:^|[;}\n])(?:import|export)(?:[^"'();]*?from)?\s*"([^"\n]+)"/g,
  );
  return [...named].flatMap(([, name = ""]) =>
    name.startsWith(".") ? loadedBy(join(file, "..", name), seen) : [name]
  );
}

/** The file and all that it loads, at once or later. */
function addLater(file: string, seen: Set<string>): void {
  if (seen.has(file)) return;
  seen.add(file);
  for (
    const [, path = ""] of readFileSync(file, "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"\n]+)"/g)
  ) {
    addLater(join(file, "..", path), seen);
  }
}

describe("the packed package", { timeout: 600_000 }, () => {
  let packed!: Packed;
  let project = "";

  before(async () => {
    packed = await pack();
    const files = { "echo.mjs": echo, "embedded.mjs": embedded, "entries.mjs": everyEntry };
    project = makeProject(packed, "project", files);
    await installWithNpm(packed, project);
  }, { timeout: 300_000 });
  after(() => rmSync(packed.folder, { recursive: true, force: true }));

  it("contains what is built and what is read, and no source, test or script", () => {
    const outside = packed.paths.filter((path) => !/^(?:dist|docs|examples)\//.test(path));
    assert.deepEqual(outside.sort(), [
      "LICENSE",
      "README.md",
      "SECURITY.md",
      "package.json",
    ]);
    const made = packed.paths.filter((path) => path.startsWith("dist/"));
    const strange = made.filter((path) => !/\.js$|\.d\.ts$|THIRD_PARTY_LICENSES\.txt$/.test(path));
    assert.deepEqual(strange, []);
    // What only the sources use of each other is not declared.
    assert.ok(packed.paths.includes("dist/types/src/connection/connection.d.ts"));
    assert.ok(!packed.paths.includes("dist/types/src/connection/session.d.ts"));
    assert.ok(packed.paths.includes("docs/gateway.md") && packed.paths.includes("examples/echo.ts"));
  });

  it("is one package, of at most two megabytes, and names the licence of all that it carries", () => {
    assert.deepEqual(packagesIn(project), [`node_modules/${manifest.name}`]);
    assert.ok(packed.unpackedBytes <= largest, `${packed.unpackedBytes} bytes`);
    const licences = join(project, "node_modules", manifest.name, "dist/THIRD_PARTY_LICENSES.txt");
    const text = readFileSync(licences, "utf8");
    for (const name of ["commander", "effect", "smol-toml", "yaml"]) {
      assert.match(text, new RegExp(`^${name} \\d`, "m"));
    }
  });

  it("names errors by their classes, though the code is minified, and no map leads to one that is not there", async () => {
    const dist = join(project, "node_modules", manifest.name, "dist");
    const made = packed.paths.filter((path) => path.endsWith(".js")).map((path) =>
      readFileSync(join(dist, "..", path), "utf8")
    );
    assert.ok(made.every((code) => !code.includes("sourceMappingURL")));
    const program =
      `import { OptionsError, SocketError, TimeoutError, TlsError, lines } from "${manifest.name}";
      const of = (make) => { try { make(); } catch (error) { return [error.name, String(error).split(":")[0]]; } };
      console.log(JSON.stringify([
        of(() => lines({ wrong: 1 })),
        ...[SocketError, TimeoutError, TlsError].map((Kind) => of(() => { throw new Kind("closed", "x"); })),
      ]));`;
    writeFileSync(join(project, "names.mjs"), program);
    const names: unknown = JSON.parse(await mustRun(findNode().program, ["names.mjs"], project));
    assert.deepEqual(
      names,
      ["OptionsError", "SocketError", "TimeoutError", "TlsError"].map((name) => [name, name]),
    );
  });

  it("has sockets for Bun that need none of node:net, which takes Bun a quarter of a server's start to load", () => {
    const dist = join(project, "node_modules", manifest.name, "dist");
    const adapters = packed.paths.filter((path) => /^dist\/chunks\/adapter-[^/]+\.js$/.test(path))
      .map((path) => join(dist, "..", path));
    const ofNet = adapters.map((file) => loadedBy(file).includes("node:net"));
    assert.deepEqual(ofNet.sort(), [false, false, true]);
  });

  it("loads nothing through its main entry point, and Effect from outside through that for Effect alone", () => {
    const dist = join(project, "node_modules", manifest.name, "dist");
    assert.ok(loadedBy(join(dist, "effect.js")).includes("effect/Effect"));
    assert.deepEqual(loadedBy(join(dist, "mod.js")), []);
    const others = packed.paths.filter((path) => /^dist\/\w+\.js$/.test(path) && path !== "dist/effect.js")
      .map((path) => join(dist, "..", path));
    const loaded = new Set<string>();
    for (const file of others) addLater(file, loaded);
    assert.ok(loaded.size > 50, `${loaded.size} files`);
    const outside = [...loaded].flatMap((file) => loadedBy(file)).filter((name) => !name.startsWith("node:"));
    assert.deepEqual(outside, []);
  });

  const runtimes = [
    { name: "Bun", find: findBun, args: [] },
    { name: "Deno", find: findDeno, args: ["run", "-A", "--node-modules-dir=manual"] },
    { name: "Node", find: findNode, args: [] },
  ];
  for (const { name, find, args } of runtimes) {
    const started = (file: string, ...more: readonly string[]): Promise<string> =>
      mustRun(find().program, [...args, file, ...more], project);

    it(`echoes a line on ${name}`, async () => {
      assert.equal(await started("echo.mjs"), "echo packed\n");
    });

    it(`runs a gateway as a library on ${name}`, async () => {
      assert.equal(await started("embedded.mjs"), "reply embedded\n");
    });

    it(`has no empty entry point on ${name}`, async () => {
      const counts = JSON.parse(await started("entries.mjs")) as number[];
      assert.equal(counts.length, alone.length);
      assert.ok(counts.every((count) => count > 0), `names of ${alone.join(", ")}: ${counts.join(", ")}`);
    });

    it(`has a program that tells its version and makes certificates on ${name}`, async () => {
      const program = join("node_modules", manifest.name, manifest.bin["millrace"] ?? "");
      assert.match(
        await started(program, "--version"),
        new RegExp(`\\b${manifest.version.replaceAll(".", "\\.")}\\b`),
      );
      assert.match(await started(program, "cert", "--out", `certs-${name}`), /certs-/);
    });
  }

  it("has examples that compile, and run where they have been copied to", async () => {
    const copy = makeProject(packed, "copy", {
      "frames.ts": `import { FramerStream } from "${manifest.name}/streams";
import { varint } from "./examples/varint.ts";
const bytes: ReadableStream<Uint8Array<ArrayBuffer>> = new Blob([Uint8Array.of(2, 7, 8, 1, 9)]).stream();
for await (const frame of bytes.pipeThrough(new FramerStream(varint))) console.log(frame.join());
`,
    });
    await installWithNpm(packed, copy);
    cpSync(join(copy, "node_modules", manifest.name, "examples"), join(copy, "examples"), {
      recursive: true,
    });
    for (const name of ["@types/node", "undici-types", "@nats-io/transport-node"]) link(copy, name);
    // One of them imports what is on JSR alone.
    const names = packed.paths.filter((path) => /^examples\/(?!std_).*\.ts$/.test(path));
    assert.ok(names.length >= 8);
    const settings = [
      "--noEmit",
      "--strict",
      "--target",
      "es2024",
      "--module",
      "nodenext",
      "--types",
      "node",
    ];
    const tsc = join(root, "node_modules/typescript/lib/tsc.js");
    const flags = [
      ...settings,
      "--lib",
      "es2024,esnext.disposable,dom,dom.asynciterable",
      "--allowImportingTsExtensions",
    ];
    await mustRun(findNode().program, [tsc, ...flags, "frames.ts", ...names], copy);
    for (const { find, args } of runtimes.filter(({ name }) => name !== "Node")) {
      assert.equal(await mustRun(find().program, [...args, "frames.ts"], copy), "7,8\n9\n");
    }
  });

  it("puts the program millrace on the path, executable", async () => {
    assert.match(await mustRun(join(project, "node_modules/.bin/millrace"), ["--help"], project), /gateway/);
  });

  it("is installed beside Effect 4, which runs millrace/effect with the same errors and connections", async () => {
    const beside = makeProject(packed, "effect-4", { "identity.mjs": identity });
    await installWithNpm(packed, beside);
    link(beside, "effect");
    for (const { find, args } of runtimes) {
      const printed = await mustRun(find().program, [...args, "identity.mjs"], beside);
      assert.equal(printed, '["from an Effect",true,true,"InetAddressV4"]\n');
    }
  });

  it("is installed beside Effect 3, works, and says what millrace/effect needs", async () => {
    const files = { "echo.mjs": echo, "too_old.mjs": tooOld };
    const beside = makeProject(packed, "effect-3", files, { effect: "effect3" });
    await installWithNpm(packed, beside);
    assert.equal(await mustRun(findNode().program, ["echo.mjs"], beside), "echo packed\n");
    assert.match(await mustRun(findNode().program, ["too_old.mjs"], beside), /install effect@4/);
  });

  it("works in a layout of links, as pnpm makes it, and installed by Bun", async () => {
    const linked = makeProject(packed, "linked", { "echo.mjs": echo });
    installLikePnpm(join(project, "node_modules", manifest.name), linked);
    assert.equal(await mustRun(findNode().program, ["echo.mjs"], linked), "echo packed\n");
    const bun = findBun().program;
    const added = makeProject(packed, "added", { "echo.mjs": echo });
    await mustRun(bun, ["add", packed.tarball], added);
    assert.equal(await mustRun(bun, ["echo.mjs"], added), "echo packed\n");
  });

  it("works on Deno from a checkout that a script elsewhere names in its deno.json, without flags", async (t) => {
    const outside = makeProject(packed, "outside", {
      "by_map.ts": echo.replace(`"${manifest.name}"`, '"@millrace/millrace"'),
      "by_path.ts": echo.replace(`"${manifest.name}"`, JSON.stringify(join(root, "mod.ts"))),
      "deno.json": JSON.stringify({ imports: { "@millrace/millrace": join(root, "mod.ts") } }),
    });
    // With a package.json, Deno would look for packages in folders of node_modules, and find the checkout's.
    rmSync(join(outside, "package.json"));
    const fetched = {
      DENO_DIR: join(outside, "cache"),
      NPM_CONFIG_REGISTRY: await serveRegistry(t, packed.folder, ["effect"]),
    };
    const deno = findDeno().program;
    for (const file of ["by_map.ts", "by_path.ts"]) {
      assert.equal(await mustRun(deno, ["run", "-A", "--no-check", file], outside, fetched), "echo packed\n");
    }
  });

  it("works on Deno from a checkout that a script beside a package.json imports by its path, without flags", async () => {
    const path = JSON.stringify(join(root, "mod.ts"));
    const outside = makeProject(packed, "outside-npm", {
      "by_path.ts": echo.replace(`"${manifest.name}"`, path),
    });
    const args = ["run", "-A", "--no-check", "by_path.ts"];
    assert.equal(await mustRun(findDeno().program, args, outside), "echo packed\n");
  });

  describeEdge(() => project);
  describeTypes(() => packed);
});
