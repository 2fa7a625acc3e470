/**
 * The rules of the layers as one function over a map of files: which layer may import which, which names a
 * layer must not touch, how long a file may be.
 *
 * Called by layers_test.ts, with the real sources and with made-up ones. Knows no compiler: it reads text,
 * with comments and strings blanked first.
 */

/** Path from the project's root, with `/`, to the text of the file. */
export type Sources = ReadonlyMap<string, string>;

/** A rule that a file breaks. */
export interface Fault {
  readonly file: string;
  readonly rule:
    | "arrow"
    | "barrel"
    | "cycle"
    | "default export"
    | "entry point"
    | "extension"
    | "global"
    | "head comment"
    | "length"
    | "missing file"
    | "name"
    | "package";
  readonly message: string;
}

/** One layer: what it may import besides itself, and what it may use. */
interface Layer {
  readonly imports: readonly string[];
  /** Packages by name; `effect` stands for its subpaths. */
  readonly packages: readonly string[];
  /** True where the runtime itself may be named: globals and `node:` modules. */
  readonly runtime: boolean;
}

/** The layers from the bottom up. A layer that is not listed may not exist. */
export const layers: Readonly<Record<string, Layer>> = {
  "src/core": { imports: [], packages: [], runtime: false },
  "src/protocols": { imports: ["src/core"], packages: [], runtime: false },
  "src/adapters": { imports: ["src/core"], packages: [], runtime: true },
  "src/host": { imports: ["src/core"], packages: [], runtime: true },
  "src/recording": { imports: ["src/core"], packages: [], runtime: false },
  "src/testing": {
    imports: ["src/core", "src/adapters/memory", "src/recording"],
    packages: [],
    runtime: false,
  },
  "src/connection": { imports: ["src/core"], packages: ["effect"], runtime: false },
  "src/certificates": { imports: ["src/core", "src/host"], packages: [], runtime: false },
  "src/server": {
    imports: ["src/core", "src/adapters", "src/host", "src/connection", "src/certificates"],
    packages: ["effect"],
    runtime: false,
  },
  "src/client": {
    imports: ["src/core", "src/adapters", "src/host", "src/connection"],
    packages: ["effect"],
    runtime: false,
  },
  "src/workers": {
    imports: ["src/core", "src/host", "src/connection", "src/server"],
    packages: [],
    runtime: false,
  },
  "src/gateway": {
    imports: [
      "src/core",
      "src/protocols",
      "src/recording",
      "src/adapters",
      "src/host",
      "src/connection",
      "src/certificates",
      "src/server",
      "src/client",
    ],
    packages: [
      "effect",
      "@nats-io/jetstream",
      "@nats-io/transport-node",
      "commander",
      "ioredis",
      "smol-toml",
      "yaml",
    ],
    runtime: false,
  },
  "src/sockets": { imports: ["src/core", "src/adapters", "src/connection"], packages: [], runtime: false },
  // Framings of protocols are a third of what it would load.
  "mod.ts": {
    imports: [
      "src/core",
      "src/adapters",
      "src/connection",
      "src/certificates",
      "src/server",
      "src/client",
    ],
    packages: [],
    runtime: false,
  },
  "workers.ts": { imports: ["src/workers"], packages: [], runtime: false },
  "streams.ts": { imports: ["src/core", "src/protocols"], packages: [], runtime: false },
  "protocols.ts": { imports: ["src/core", "src/protocols"], packages: [], runtime: false },
  "client.ts": { imports: ["src/core", "src/client"], packages: [], runtime: false },
  "adapter.ts": { imports: ["src/core", "src/adapters"], packages: [], runtime: false },
  "sockets.ts": {
    imports: ["src/core", "src/connection", "src/sockets"],
    packages: [],
    runtime: false,
  },
  "effect.ts": {
    imports: [
      "src/core",
      "src/adapters",
      "src/connection",
      "src/certificates",
      "src/server",
      "src/client",
      "mod.ts",
    ],
    packages: ["effect"],
    runtime: false,
  },
};

/** Files that only hand names on. */
export const entryPoints: readonly string[] = [
  "mod.ts",
  "streams.ts",
  "protocols.ts",
  "client.ts",
  "adapter.ts",
  "effect.ts",
  "workers.ts",
  "sockets.ts",
  "src/sockets/edge.ts",
  "src/testing/mod.ts",
  "src/gateway/mod.ts",
];

/** Lines a source file may have. */
export const maxLines = 350;

/** Lines that half of the source files stay below. */
export const maxMedianLines = 130;

/** What may be looked for in the global scope outside of the layers that name runtimes, and why. */
const globalsByFile: Readonly<Record<string, readonly string[]>> = {
  // `millrace/streams` runs without an adapter that could tell it of Node's faster search.
  "src/core/bytes/byte_search.ts": ["Buffer", "Bun", "Deno"],
};
const runtimeGlobals = ["process", "Buffer", "Bun", "Deno", "require", "__dirname", "__filename"];
const vagueName = /(?:Manager|Helpers?|Utils?|Base|Impl)$/;

/** The text with comments (and strings, if asked) blanked, line breaks and lengths kept. */
export function blank(text: string, strings: boolean): string {
  let out = "";
  let at = 0;
  /** For each open `${`, the number of open braces inside it. */
  const templates: number[] = [];
  const keep = (to: number): void => {
    out += text.slice(at, to);
    at = to;
  };
  const wipe = (to: number): void => {
    out += text.slice(at, to).replace(/[^\n]/g, " ");
    at = to;
  };
  const endOfQuoted = (quote: string): number => {
    let end = at + 1;
    while (end < text.length && text[end] !== quote && text[end] !== "\n") end += text[end] === "\\" ? 2 : 1;
    return Math.min(end + 1, text.length);
  };
  /** From behind a backtick or a closing `}` to behind the closing backtick or the next `${`. */
  const template = (): void => {
    let end = at;
    while (end < text.length && text[end] !== "`" && !text.startsWith("${", end)) {
      end += text[end] === "\\" ? 2 : 1;
    }
    (strings ? wipe : keep)(Math.min(end, text.length));
    if (text[at] === "`") keep(at + 1);
    else if (at < text.length) {
      keep(at + 2);
      templates.push(0);
    }
  };
  const startsRegExp = (): boolean =>
    /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|void|delete|throw|yield|await))\s*$/.test(
      out.slice(-60),
    );
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const one = text[at];
    if (two === "//") {
      const end = text.indexOf("\n", at);
      wipe(end < 0 ? text.length : end);
    } else if (two === "/*") {
      const end = text.indexOf("*/", at + 2);
      wipe(end < 0 ? text.length : end + 2);
    } else if (one === '"' || one === "'") {
      const end = endOfQuoted(one);
      if (strings) {
        keep(at + 1);
        wipe(Math.max(at, end - 1));
      }
      keep(end);
    } else if (one === "`") {
      keep(at + 1);
      template();
    } else if (one === "{" && templates.length > 0) {
      templates[templates.length - 1] = (templates.at(-1) ?? 0) + 1;
      keep(at + 1);
    } else if (one === "}" && templates.length > 0) {
      const open = templates.at(-1) ?? 0;
      keep(at + 1);
      if (open > 0) templates[templates.length - 1] = open - 1;
      else {
        templates.pop();
        template();
      }
    } else if (one === "/" && startsRegExp()) {
      let end = at + 1;
      let inClass = false;
      while (end < text.length && text[end] !== "\n" && (inClass || text[end] !== "/")) {
        if (text[end] === "[") inClass = true;
        else if (text[end] === "]") inClass = false;
        end += text[end] === "\\" ? 2 : 1;
      }
      wipe(Math.min(end + 1, text.length));
    } else keep(at + 1);
  }
  return out;
}

/** Every module that the file names: in `import`, `export … from` and `import()`, be it for types alone. */
export function importsOf(text: string): string[] {
  const code = blank(text, false);
  const patterns = [
    /(?:^|[;}\s])(?:import|export)\b[^;"'()`]*?\bfrom\s*["']([^"'\n]+)["']/g,
    /(?:^|[;}\s])import\s*["']([^"'\n]+)["']/g,
    /\bimport\s*\(\s*["'`]([^"'`\n]+)["'`]/g,
  ];
  return [
    ...new Set(patterns.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name = ""]) => name))),
  ];
}

/** The layer that a file belongs to, or undefined. */
export function layerOf(file: string): string | undefined {
  return Object.keys(layers).find((layer) => file === layer || file.startsWith(`${layer}/`));
}

function resolveRelative(file: string, specifier: string): string {
  const parts = file.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

const packageOf = (specifier: string): string =>
  specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");

/** Runtime names that the file uses as values or types; `value.process()` and `{ process: 1 }` are not uses. */
export function globalsOf(text: string): string[] {
  const code = blank(text, true);
  const withStrings = blank(text, false);
  return runtimeGlobals.filter((name) => {
    // A value of the file's own with such a name is no runtime; a `declare` of it is.
    if (new RegExp(String.raw`(?<!\bdeclare\s+)\bconst\s+${name}\b[^=;\n]*=`).test(code)) return false;
    for (const match of code.matchAll(new RegExp(String.raw`(?<![\w$#])${name}(?![\w$])`, "g"))) {
      const before = code.slice(0, match.index).trimEnd();
      const after = code.slice(match.index + name.length).trimStart();
      const isMember = before.endsWith(".") && !before.endsWith("...");
      const isKey = /(?:[{,(;]|\breadonly)$/.test(before) && /^\??:/.test(after);
      const isMethod = (name === "process" && after.startsWith("(")) || /^<[\w\s,]+>\s*\(/.test(after);
      if (!isMember && !isKey && !isMethod) return true;
    }
    return new RegExp(String.raw`\bglobalThis\b[^;\n]*?(?:\.\s*|\[\s*["'\x60])${name}\b`).test(withStrings);
  });
}

function faultsOfFile(file: string, text: string, sources: Sources): Fault[] {
  const faults: Fault[] = [];
  const fault = (rule: Fault["rule"], message: string): void => void faults.push({ file, rule, message });
  const name = layerOf(file);
  const layer = name === undefined ? undefined : layers[name];
  if (name === undefined || layer === undefined) {
    fault("arrow", `is in no known layer: ${Object.keys(layers).join(", ")}`);
    return faults;
  }
  const code = blank(text, true);

  for (const specifier of importsOf(text)) {
    if (specifier.startsWith(".")) {
      const target = resolveRelative(file, specifier);
      if (!specifier.endsWith(".ts")) fault("extension", `imports ${specifier}: relative imports end in .ts`);
      else if (!sources.has(target)) fault("missing file", `imports ${target}, which is not there`);
      const allowed = [name, ...layer.imports];
      if (!allowed.some((other) => target === other || target.startsWith(`${other}/`))) {
        fault("arrow", `imports ${target}: ${name} may import ${allowed.join(", ")}`);
      }
    } else if (specifier.startsWith("node:") || specifier.startsWith("bun:") || specifier === "bun") {
      if (!layer.runtime) {
        fault("global", `imports ${specifier}: only src/adapters and src/host name a runtime`);
      }
    } else if (specifier === "effect") {
      fault("barrel", "imports effect: import its subpaths, the barrel costs 200 ms at start");
    } else if (!layer.packages.includes(packageOf(specifier))) {
      fault(
        "package",
        `imports ${specifier}: ${name} may import ${layer.packages.join(", ") || "no package"}`,
      );
    }
  }

  if (!layer.runtime) {
    for (const global of globalsOf(text).filter((global) => !globalsByFile[file]?.includes(global))) {
      fault("global", `uses ${global}: only src/adapters and src/host name a runtime`);
    }
  }
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  if (lines > maxLines) fault("length", `has ${lines} lines: at most ${maxLines}`);
  if (!/^(?:#!.*\n)?\s*\/[/*]/.test(text)) {
    fault("head comment", "must open with a comment: what it is, who calls it, what it must not know");
  }
  if (/(?:^|[;}\s])export\s+default\b/.test(code)) fault("default export", "has a default export: name it");
  if (!/^[a-z0-9_]+\.ts$/.test(file.split("/").at(-1) ?? "")) fault("name", "file names are snake_case");
  for (
    const match of code.matchAll(
      /\bexport\s+(?:abstract\s+)?(?:class|interface|type|const|function)\s+(\w+)/g,
    )
  ) {
    if (vagueName.test(match[1] ?? "")) {
      fault("name", `exports ${match[1]}: say what it is, not that it helps`);
    }
  }
  if (entryPoints.includes(file)) {
    const rest = code.replace(/\bexport\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s*"\s*";?/g, "")
      .trim();
    if (rest !== "") fault("entry point", `has more than re-exports: ${rest.split("\n")[0]?.trim()}`);
  }
  return faults;
}

/** Import circles, those of types included, each as its sorted files. */
function cyclesIn(sources: Sources): string[][] {
  const targets = new Map<string, string[]>();
  for (const [file, text] of sources) {
    const relative = importsOf(text).filter((specifier) => specifier.startsWith("."));
    targets.set(
      file,
      relative.map((specifier) => resolveRelative(file, specifier)).filter((to) => sources.has(to)),
    );
  }
  // Tarjan's strongly connected components.
  const cycles: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file) ?? 0);
    stack.push(file);
    for (const to of targets.get(file) ?? []) {
      if (!index.has(to)) {
        visit(to);
        low.set(file, Math.min(low.get(file) ?? 0, low.get(to) ?? 0));
      } else if (stack.includes(to)) low.set(file, Math.min(low.get(file) ?? 0, index.get(to) ?? 0));
    }
    if (low.get(file) !== index.get(file)) return;
    const members = stack.splice(stack.indexOf(file));
    if (members.length > 1 || targets.get(file)?.includes(file)) cycles.push(members.sort());
  };
  for (const file of sources.keys()) if (!index.has(file)) visit(file);
  return cycles;
}

/** Every rule that the structure breaks. */
export function faultsIn(sources: Sources): Fault[] {
  const faults = [...sources].flatMap(([file, text]) => faultsOfFile(file, text, sources));
  for (const members of cyclesIn(sources)) {
    const message = `imports itself in a circle: ${members.join(" <-> ")}`;
    faults.push({ file: members[0] ?? "", rule: "cycle", message });
  }
  return faults;
}

const foreign: ReadonlyArray<readonly [pattern: RegExp, what: string]> = [
  [/(?<![\w.:/-])\/(?:work|root|home|Users)\/[\w.-]+/, "a path of one machine"],
  [/https?:\/\/[^\s"'`)]*\b(?:registry|npm|artifactory|nexus|verdaccio)\b[^\s"'`)]*/i, "a registry's host"],
  [/\bregistry\.(?:npmjs|yarnpkg|npmmirror)\b[\w.]*/i, "a registry's host"],
  [/"resolved":\s*"https?:[^"]*/, "where a package was fetched from"],
  [/_auth(?:Token)?\s*=|\/\/[\w.-]+\/:_\w+/, "a registry's credentials"],
];

/** What in a file belongs to one machine or one network and not to the project, as sentences. */
export function foreignIn(text: string): string[] {
  return foreign.flatMap(([pattern, what]) => {
    const found = pattern.exec(text)?.[0];
    return found === undefined ? [] : [`names ${what}: ${found}`];
  });
}
