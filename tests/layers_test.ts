// The structure stands: arrows point down, runtimes are named in one place, files stay short.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix, sep } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  blank,
  entryPoints,
  faultsIn,
  foreignIn,
  globalsOf,
  importsOf,
  maxLines,
  maxMedianLines,
  type Sources,
} from "./support/layers.ts";
import { walkLimits, walkOf } from "./support/walks.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

function realSources(): Map<string, string> {
  const sources = new Map<string, string>();
  const add = (file: string): void => void sources.set(file, readFileSync(join(root, file), "utf8"));
  for (const entry of readdirSync(join(root, "src"), { recursive: true }).map(String).sort()) {
    const file = `src/${entry.split(sep).join("/")}`;
    if (file.endsWith(".ts")) add(file);
  }
  for (const entryPoint of entryPoints.filter((file) => !file.includes("/"))) {
    if (existsSync(join(root, entryPoint))) add(entryPoint);
  }
  return sources;
}

/** Every text file of the project, as a clone has it and as it is being written: not what is installed or built. */
function projectFiles(): string[] {
  const left = new Set(["node_modules", "dist", ".git", ".cache"]);
  const files: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (left.has(entry.name)) continue;
      if (entry.isDirectory()) walk(path);
      else if (/\.(?:ts|mts|mjs|js|json|md|yaml|yml|toml|html|css|txt)$|^\.ci\/|^\.?[A-Za-z]+$/.test(path)) {
        files.push(path);
      }
    }
  };
  walk("");
  return files.sort();
}

/** A structure of these files, each with a head comment, and the rules it breaks as "file: rule". */
function broken(files: Record<string, string>): string[] {
  const sources: Sources = new Map(
    Object.entries(files).map(([file, text]) => [file, `// A file.\n${text}\n`]),
  );
  return faultsIn(sources).map((fault) => `${fault.file}: ${fault.rule}`);
}

describe("the structure", () => {
  it("has its arrows pointing down, its runtimes in one place and its files short", (t) => {
    const sources = realSources();
    assert.ok(sources.size > 0, "no source was found");
    const lengths = [...sources].map(([file, text]) => ({ file, lines: text.split("\n").length - 1 }));
    lengths.sort((a, b) => a.lines - b.lines);
    const median = lengths[Math.floor(lengths.length / 2)]?.lines;
    const longest = lengths.at(-1);
    t.diagnostic(
      `${lengths.length} files, median ${median} lines, longest ${longest?.file} with ${longest?.lines}`,
    );
    const faults = faultsIn(sources).map((fault) => `${fault.file} ${fault.message}`);
    assert.deepEqual(faults, []);
    assert.ok(
      median !== undefined && median < maxMedianLines,
      `half of the files have ${median} lines or more`,
    );
  });

  it("has exactly the entryPoints that are published, and one program", () => {
    const published = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as {
      exports: Record<string, string>;
    };
    const sources = Object.values(published.exports).map((path) => path.replace("./", ""));
    assert.deepEqual(sources.sort(), [...entryPoints, "src/gateway/main.ts"].sort());
  });

  it("names no machine, no registry and no credentials in any file", () => {
    const files = projectFiles();
    for (
      const known of [
        "package-lock.json",
        "tools/node24/package-lock.json",
        ".ci/run",
        "src/host/process.ts",
        "LICENSE",
      ]
    ) {
      assert.ok(files.includes(known), `${known} was not looked at`);
    }
    // This file's own examples are such names.
    const found = files.filter((file) => file !== "tests/layers_test.ts").flatMap((file) =>
      foreignIn(readFileSync(join(root, file), "utf8")).map((fault) => `${file} ${fault}`)
    );
    assert.deepEqual(found, []);
  });
});

describe("the ways through the files in ARCHITECTURE.md", () => {
  for (const [title, most] of Object.entries(walkLimits) as [keyof typeof walkLimits, number][]) {
    it(`${title}: ${most} files at the most, each of which is there and known to one of the others`, () => {
      const sources = realSources();
      const { files, besides } = walkOf(title);
      assert.ok(files.length > 3 && files.length <= most, `${files.length} files: ${files.join(", ")}`);
      assert.equal(new Set([...files, ...besides]).size, files.length + besides.length, "one is named twice");
      assert.deepEqual([...files, ...besides].filter((file) => !sources.has(file)), []);
      const importsIn = (file: string): string[] =>
        importsOf(sources.get(file)!).map((path) => posix.join(posix.dirname(file), path));
      // Sockets and framings are known by their seams alone.
      const known = (file: string): boolean =>
        /^src\/(?:adapters|core\/framing)\//.test(file) || importsIn(file).some((path) =>
          files.includes(path)
        ) ||
        files.some((other) => importsIn(other).includes(file));
      assert.deepEqual(files.filter((file) => !known(file)), []);
    });
  }
});

describe("the rules of the layers", () => {
  it("let through what is allowed", () => {
    const files = {
      "src/core/bytes.ts": "export const one: number = 1;",
      "src/core/framing/lines.ts": 'import { one } from "../bytes.ts";\nexport const two: number = one + 1;',
      "src/adapters/bun/adapter.ts":
        'import { one } from "../../core/bytes.ts";\nimport * as net from "node:net";\nBun.listen(net, one);',
      "src/adapters/memory/memory.ts":
        'import type { one } from "../../core/bytes.ts";\nexport type Memory = typeof one;',
      "src/host/process.ts": "export const env = process.env;",
      "src/testing/network.ts":
        'import type { Memory } from "../adapters/memory/memory.ts";\nexport type Network = Memory;',
      "src/connection/connection.ts":
        'import * as Effect from "effect/Effect";\nimport "../core/bytes.ts";\nEffect.void;',
      "src/server/server.ts": 'import "../connection/connection.ts";\nimport "../adapters/bun/adapter.ts";',
      "src/client/client.ts": 'import "../connection/connection.ts";',
      "src/gateway/main.ts":
        'import "../server/server.ts";\nimport "../client/client.ts";\nimport "../host/process.ts";\nimport "yaml";',
      "mod.ts": 'export * from "./src/server/server.ts";\nexport type { one } from "./src/core/bytes.ts";',
      "effect.ts": 'export { Layer } from "effect/Layer";\nexport * from "./src/client/client.ts";',
    };
    assert.deepEqual(broken(files), []);
  });

  const target = "export const x: number = 1;";
  const arrows: Array<[from: string, to: string, why: string]> = [
    ["src/core/a.ts", "src/adapters/b.ts", "up"],
    ["src/core/a.ts", "src/host/process.ts", "up"],
    ["src/core/framing/a.ts", "src/connection/b.ts", "up, from a folder below"],
    ["src/adapters/a.ts", "src/connection/b.ts", "up"],
    ["src/connection/a.ts", "src/adapters/b.ts", "sideways"],
    ["src/connection/a.ts", "src/server/b.ts", "up"],
    ["src/server/a.ts", "src/client/b.ts", "sideways"],
    ["src/client/a.ts", "src/server/b.ts", "sideways"],
    ["src/server/a.ts", "src/gateway/b.ts", "up"],
    ["src/server/a.ts", "mod.ts", "up, to an entry point"],
    ["src/core/a.ts", "src/testing/b.ts", "from production code to the test kit"],
    ["src/testing/a.ts", "src/adapters/node.ts", "from the test kit to a real runtime"],
    ["src/testing/a.ts", "src/server/b.ts", "from the test kit up"],
  ];
  for (const [from, to, why] of arrows) {
    it(`catch an import ${why}: ${from} -> ${to}`, () => {
      const path = "../".repeat(from.split("/").length - 1) + to;
      for (
        const statement of [
          `import { x } from "${path}";`,
          `import type { x } from '${path}';`,
          `export * from "${path}";`,
        ]
      ) {
        assert.deepEqual(broken({ [from]: statement, [to]: to === "mod.ts" ? "" : target }), [
          `${from}: arrow`,
        ]);
      }
      assert.deepEqual(
        broken({ [from]: `const x = await import("${path}");`, [to]: to === "mod.ts" ? "" : target }),
        [
          `${from}: arrow`,
        ],
      );
    });
  }

  it("catch a layer that nobody planned", () => {
    assert.deepEqual(broken({ "src/misc/a.ts": target }), ["src/misc/a.ts: arrow"]);
  });

  const uses: Array<[text: string, name: string]> = [
    ["const x = process.env.HOME;", "process"],
    ["const x = Buffer.from([1]);", "Buffer"],
    ["export function f(x: Buffer): void { x; }", "Buffer"],
    ['if (typeof Bun !== "undefined") f();', "Bun"],
    ["const x = [...process.argv];", "process"],
    ["const x = `${Deno.pid}`;", "Deno"],
    ["const x = `${`${Deno.pid}`} text`;", "Deno"],
    ['const x = globalThis["Deno"];', "Deno"],
    ["const x = (globalThis as { Bun?: unknown }).Bun;", "Bun"],
    ['const net = require("net");', "require"],
    ["const x = y ? process : z;", "process"],
    ["f(a, process);", "process"],
    ["declare const Bun: { listen(): void };\nBun.listen();", "Bun"],
    ['const r = /[/"]/; const x = process.pid;', "process"],
  ];
  for (const [text, name] of uses) {
    it(`catch a runtime's name: ${text}`, () => {
      assert.deepEqual(globalsOf(text), [name]);
      assert.deepEqual(broken({ "src/core/a.ts": text }), ["src/core/a.ts: global"]);
      assert.deepEqual(broken({ "src/server/a.ts": text }), ["src/server/a.ts: global"]);
      assert.deepEqual(broken({ "src/adapters/a.ts": text, "src/host/process.ts": text }), []);
    });
  }

  const mentions = [
    "// process and Buffer in a comment",
    "/* Deno.listen */ const x = 1;",
    'const x = "Bun.listen";',
    "const x = `process`;",
    "stage.process(chunk);",
    "const process: string = id();\nf(process);",
    "stage\n  .process(chunk);",
    "class A { process(chunk: number): void { chunk; } }",
    "class A { require<T>(key: string, read: Read<T>): T { return read(key); } }",
    "const x = { process: 1 };",
    "interface X { process?: number }",
    "const x = /process/;",
    "const x = 4 / 2; // process / 2",
    "class A { #process = 1; }",
    'const url = "http://x/"; const y = 1; // "Deno"',
  ];
  for (const text of mentions) {
    it(`do not mistake a mention for a use: ${text}`, () => assert.deepEqual(globalsOf(text), []));
  }

  it("catch a node: import outside the adapters, even one of types only", () => {
    const text = 'import type { Socket } from "node:net";';
    assert.deepEqual(broken({ "src/server/a.ts": text }), ["src/server/a.ts: global"]);
  });

  it("catch Effect below the connection, its barrel anywhere, and a package where none is wanted", () => {
    assert.deepEqual(
      broken({
        "src/core/a.ts": 'import * as Effect from "effect/Effect";',
        "src/adapters/a.ts": 'import * as Effect from "effect/Effect";',
        "src/server/a.ts": 'import { Effect } from "effect";',
        "src/server/b.ts": 'import yaml from "yaml";',
        "src/gateway/a.ts": 'import { z } from "@scope/zod/mini";',
      }),
      [
        "src/core/a.ts: package",
        "src/adapters/a.ts: package",
        "src/server/a.ts: barrel",
        "src/server/b.ts: package",
        "src/gateway/a.ts: package",
      ],
    );
  });

  it("catch a file that is one line too long", () => {
    const lines = (count: number): string => Array(count - 2).fill("export {};").join("\n") + "\n";
    assert.deepEqual(broken({ "src/core/a.ts": lines(maxLines) }), []);
    assert.deepEqual(broken({ "src/core/a.ts": lines(maxLines + 1) }), ["src/core/a.ts: length"]);
  });

  for (
    const last of [
      'import { a } from "./a.ts";',
      'import type { A } from "./a.ts";',
      'type A = import("./a.ts").A;',
    ]
  ) {
    it(`catch a circle of imports that is closed by ${last}`, () => {
      const files = {
        "src/core/a.ts": 'import "./b.ts";',
        "src/core/b.ts": 'import "./c.ts";',
        "src/core/c.ts": last,
      };
      assert.deepEqual(broken(files), ["src/core/a.ts: cycle"]);
      assert.deepEqual(broken({ ...files, "src/core/c.ts": "" }), []);
    });
  }

  it("catch an entry point with code of its own", () => {
    const server = { "src/server/server.ts": target };
    const entryPoint = 'export { x } from "./src/server/server.ts";\nexport const y: number = 2;';
    assert.deepEqual(broken({ ...server, "mod.ts": entryPoint }), ["mod.ts: entry point"]);
  });

  it("catch a missing file, a missing extension, a default export, a vague name and a bare head", () => {
    assert.deepEqual(
      broken({
        "src/core/a.ts": 'import "./gone.ts";',
        "src/core/b.ts": 'import "./a";',
        "src/core/c.ts": "export default 1;",
        "src/core/d.ts": "export class SocketManager {}",
        "src/core/camelCase.ts": target,
      }),
      [
        "src/core/a.ts: missing file",
        "src/core/b.ts: extension",
        "src/core/c.ts: default export",
        "src/core/d.ts: name",
        "src/core/camelCase.ts: name",
      ],
    );
    const faults = faultsIn(new Map([["src/core/a.ts", target]]));
    assert.deepEqual(faults.map((fault) => fault.rule), ["head comment"]);
  });

  it("read imports over several lines and not out of comments or strings", () => {
    const text = [
      'import {\n  a,\n  b,\n} from "./one.ts";',
      '// import { c } from "./two.ts";',
      'const text = `import d from "x"`;',
      'export type { e } from "./three.ts";',
      'type F = import("./four.ts").F;',
      'export const from = "./five.ts";',
    ].join("\n");
    assert.deepEqual(importsOf(text).sort(), ["./four.ts", "./one.ts", "./three.ts"]);
  });

  const strangers = [
    ["a path", "/home/someone/project"],
    ["a path in a string", 'const x = "/root/.cache";'],
    ["a registry", "https://registry.example.com/yaml"],
    ["a mirror", "http://127.0.0.1:4873/npm/yaml"],
    ["the source of a package", '"resolved": "https://example.com/yaml.tgz"'],
    ["credentials", "//example.com/:_authToken=abc"],
  ] as const;
  for (const [what, text] of strangers) {
    it(`catch ${what} that belongs to one machine or network`, () => {
      assert.equal(foreignIn(text).length, 1, text);
    });
  }

  it("take a connection registry, a socket's path and a web page for none of these", () => {
    const text =
      "registry.connections.size; /tmp/millrace.sock; https://example.com/home/me; ./work/x; src/root/y";
    assert.deepEqual(foreignIn(text), []);
  });

  it("keep every line and column when blanking", () => {
    const text =
      'const a = "x\\"y"; // c\n/* d\n */ const b = `e${1 + `f`.length}g`;\nconst c = a / 2 / 3;\n';
    const code = blank(text, true);
    assert.equal(code.length, text.length);
    assert.equal(code.split("\n").length, text.split("\n").length);
    assert.ok(code.includes("1 + `"), code);
    assert.ok(code.includes("const c = a / 2 / 3;"), code);
    assert.ok(!/[cdefgxy](?= *\n| *`|")/.test(code.split("\n")[0]?.slice(10) ?? ""), code);
  });
});
