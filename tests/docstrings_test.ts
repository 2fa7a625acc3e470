// What is public shows how it is used: each exported function and class has an example, which compiles and runs to its end.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { before, describe } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findDeno } from "../scripts/runtimes.mjs";
import { compile } from "./support/compile.ts";
import { it } from "./support/it.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { name: packageName, exports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
};
const entryPoints = Object.entries(exports).filter(([entry]) => entry !== "./cli");

interface Docs {
  readonly jsDoc?: {
    readonly doc?: string;
    readonly tags?: readonly { readonly kind: string; readonly doc?: string }[];
  };
}

interface Declaration extends Docs {
  readonly kind: string;
  readonly location: { readonly filename: string; readonly line: number };
  readonly def?: { readonly extends?: string };
}

interface Module {
  readonly module_doc?: Docs["jsDoc"];
  readonly symbols: readonly { readonly name: string; readonly declarations: readonly Declaration[] }[];
}

interface Example {
  /** Which name it belongs to, and where that is. */
  readonly of: string;
  readonly code: string;
  /** What the outside must give first, such as a signal: it is compiled only. */
  readonly runs: boolean;
}

/** The public names of all entry points with their comments, as a reader of the documentation gets them. */
function readModules(): { readonly text: string; readonly modules: readonly Module[] } {
  const { stdout, stderr, status } = spawnSync(
    findDeno().program,
    ["doc", "--json", ...entryPoints.map(([, file]) => file)],
    {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 2 ** 28,
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    },
  );
  assert.equal(status, 0, stderr);
  const { nodes } = JSON.parse(stdout) as { readonly nodes: Readonly<Record<string, Module>> };
  return { text: stdout, modules: Object.values(nodes) };
}

/** Each place once, though several entry points may have it. */
function declarations(modules: readonly Module[]): ReadonlyMap<string, Declaration[]> {
  const found = new Map<string, Declaration[]>();
  const seen = new Set<string>();
  for (const { name, declarations } of modules.flatMap(({ symbols }) => symbols)) {
    for (const declaration of declarations) {
      const { filename, line } = declaration.location;
      const file = relative(root, fileURLToPath(filename));
      if (file.startsWith("..") || file.includes("node_modules") || seen.has(`${file}:${line}`)) continue;
      seen.add(`${file}:${line}`);
      const key = `${name} of ${file}`;
      found.set(key, [...found.get(key) ?? [], declaration]);
    }
  }
  return found;
}

function examplesIn(of: string, { jsDoc }: Docs): Example[] {
  const shown = (jsDoc?.tags ?? []).filter(({ kind }) => kind === "example").map(({ doc = "" }) => doc);
  return shown.flatMap((doc) =>
    [...doc.matchAll(/^```ts( no_run)?\n(.*?)^```/gms)].map(([, only, code]) => ({
      of,
      code: code!,
      runs: only === undefined,
    }))
  );
}

/** With imports that hold in any folder, made by `place` of paths from the root. */
function placed(code: string, place: (path: string) => string): string {
  return code
    .replaceAll(
      new RegExp(`from "${packageName}(/[\\w/]+)?"`, "g"),
      (_, entry: string = "") => `from ${JSON.stringify(place(exports[`.${entry}`]!))}`,
    )
    .replaceAll(
      /from "effect\/([\w/]+)"/g,
      (_, name: string) => `from ${JSON.stringify(place(`node_modules/effect/dist/${name}.js`))}`,
    );
}

/** What an example says that it prints, in a comment behind the call or in the lines below it. */
function promised(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\/\/ (.*)$|^\/\/ (.*)$/gm)].map(([, behind, below]) =>
    (behind ?? below)!
  );
}

describe("the comments on what is public", () => {
  let text = "";
  let all!: ReadonlyMap<string, Declaration[]>;
  let examples: readonly Example[] = [];

  before(() => {
    const { text: found, modules } = readModules();
    text = found;
    all = declarations(modules);
    // Those of whole entry points are programs that run until they are told to stop.
    const ofModules = modules.flatMap((module) =>
      examplesIn("an entry point", { jsDoc: module.module_doc ?? {} })
    )
      .map((example) => ({ ...example, runs: false }));
    const ofNames = [...all].flatMap(([of, declared]) => declared.flatMap((one) => examplesIn(of, one)));
    examples = [...ofModules, ...ofNames];
    assert.ok(ofModules.length >= 4, `${ofModules.length} examples of entry points`);
  }, { timeout: 60_000 });

  it("have an example of each function and class, errors excepted", async () => {
    const values = new Set<string>();
    for (const [, file] of entryPoints) {
      for (const name of Object.keys(await import(pathToFileURL(join(root, file)).href))) values.add(name);
    }
    const wanted = [...all].filter(([of, declared]) => {
      const [name = ""] = of.split(" ");
      // A class of which only the type is public is made by nobody.
      const used = values.has(name) && !name.endsWith("Error");
      return used && declared.some(({ kind }) => kind === "function" || kind === "class");
    });
    assert.ok(wanted.length > 20, `${wanted.length} functions and classes`);
    const without = wanted.map(([of]) => of).filter((of) => !examples.some((example) => example.of === of));
    assert.deepEqual(without, []);
  });

  it("name no id of the project's own lists", () => {
    assert.ok(text.length > 100_000);
    assert.deepEqual(text.match(/.{0,60}\b[FSW]-\d+\b/g) ?? [], []);
  });

  it("and all pages and examples use the field's words", () => {
    const words =
      /\b(?:turned away|lets? in|given up|dial(?:s|led|ling)?|most number|whoever|nobody|somebody|anybody|of one's own|in the clear|makes? no sense)\b.*/gi;
    const pages = ["README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md"]
      .concat(
        ...["docs", "examples"].map((folder) =>
          readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => relative(root, join(entry.parentPath, entry.name)))
        ),
      );
    const texts = [text, ...pages.map((page) => readFileSync(join(root, page), "utf8"))];
    assert.deepEqual(texts.flatMap((text) => text.match(words) ?? []), []);
  });

  it("name the class of the error wherever they say that one is thrown", () => {
    const tags = [...all].flatMap(([of, declared]) =>
      declared.flatMap(({ jsDoc }) =>
        (jsDoc?.tags ?? []).filter(({ kind }) => kind === "throws").map((tag) => ({
          of,
          tag: JSON.stringify(tag),
        }))
      )
    );
    assert.ok(tags.length > 5);
    for (const { of, tag } of tags) assert.match(tag, /\w*Error\b/, of);
  });

  it("have examples that compile", { timeout: 120_000 }, async (t) => {
    const made = mkdtempSync(join(tmpdir(), "millrace-docstrings-"));
    t.after(() => rmSync(made, { recursive: true, force: true }));
    symlinkSync(join(root, "node_modules"), join(made, "node_modules"));
    const files = examples.map(({ of, code }, at) => {
      const file = join(made, `example_${at}.mts`);
      const local = code.replaceAll(
        new RegExp(`from "${packageName}(/[\\w/]+)?"`, "g"),
        (_, entry: string = "") =>
          `from ${JSON.stringify(relative(made, join(root, exports[`.${entry}`]!)))}`,
      );
      const unused = [...code.matchAll(/^const (\w+) =/gm)].map(([, name]) => `void ${name};`).join(" ");
      writeFileSync(file, `// ${of}\n${local}\n${unused}\nexport {};\n`);
      return file;
    });
    assert.equal(await compile(...files), "0");
  });

  it("have examples that run to their end, and print what they say", { timeout: 120_000 }, async (t) => {
    const made = mkdtempSync(join(tmpdir(), "millrace-docstrings-"));
    t.after(() => rmSync(made, { recursive: true, force: true }));
    const here = (path: string) => pathToFileURL(join(root, path)).href;
    const printed: string[] = [];
    t.mock.method(console, "log", (...what: unknown[]) => {
      const line = what.map(String).join(" ");
      // Effect's own logger prints there too.
      if (!/^\[\d\d:\d\d/.test(line)) printed.push(line);
    });
    t.mock.method(console, "error", () => {});
    const runs = examples.filter(({ runs }) => runs);
    assert.ok(runs.length > 20, `${runs.length} examples`);
    for (const [at, { of, code }] of runs.entries()) {
      printed.length = 0;
      const file = join(made, `example_${at}.mts`);
      writeFileSync(file, placed(code, here));
      try {
        await import(pathToFileURL(file).href);
      } catch (cause) {
        throw new Error(`the example of ${of} failed`, { cause });
      }
      const wanted = promised(code);
      if (wanted.length > 0) assert.deepEqual(printed, wanted, of);
    }
  });
});
