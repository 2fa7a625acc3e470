// @once: it reads the types of the sources with the compiler, which answers alike on every runtime
//
// docs/names.md is true: each name that it says is ours is one that the entry points show.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript5";
import { pageText } from "./support/page.ts";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const { exports } = JSON.parse(readFileSync(`${root}/deno.json`, "utf8")) as {
  exports: Record<string, string>;
};
const entryPoints = Object.entries(exports).filter(([name]) => name !== "./cli").map(([, file]) =>
  `${root}/${file}`
);
/** What a name before a dot stands for. */
const objects: Readonly<Record<string, string>> = { server: "Server", connection: "Connection" };
/** Whose properties are the options that the page speaks of. */
const optionTypes = /^(?:.*Options|RateLimits)$/;

/** The names in the last column of each row. */
function namesIn(page: string): string[] {
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| --"));
  return rows.flatMap((row) => {
    const cells = row.split("|");
    return [...cells.at(-2)!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
  });
}

describe("docs/names.md", () => {
  const exported = new Map<string, ts.Symbol>();
  const options = new Set<string>();
  let checker: ts.TypeChecker;

  before(() => {
    const program = ts.createProgram(entryPoints, {
      allowImportingTsExtensions: true,
      noEmit: true,
      strict: true,
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"],
      types: ["node"],
    });
    checker = program.getTypeChecker();
    for (const file of entryPoints) {
      for (
        const one of checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!)
      ) {
        // The main entry point is the first; a draft that another one follows may call something of its own so.
        if (exported.has(one.name)) continue;
        exported.set(one.name, one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one);
      }
    }
    for (const [name, symbol] of exported) {
      if (optionTypes.test(name)) addOptions(checker.getDeclaredTypeOfSymbol(symbol));
    }
  });

  function addOptions(type: ts.Type): void {
    for (const member of type.isUnion() ? type.types : [type]) {
      for (const { name } of checker.getPropertiesOfType(member)) options.add(name);
    }
  }

  function membersOf(name: string): ts.Symbol[] {
    const symbol = exported.get(name);
    return symbol === undefined ? [] : checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol));
  }

  /** What `reason` of an error may be. */
  function reasonsOf(name: string): string[] {
    const reason = membersOf(name).find((member) => member.name === "reason");
    if (reason === undefined) return [];
    const type = checker.getTypeOfSymbol(reason);
    return (type.isUnion() ? type.types : [type]).flatMap((one) => one.isStringLiteral() ? [one.value] : []);
  }

  function isShown(name: string): boolean {
    const [, object, member] = /^(\w+)\.(\w+)$/.exec(name) ?? [];
    if (member !== undefined) return membersOf(objects[object!] ?? "").some((one) => one.name === member);
    const [, error, reason] = /^(\w+Error): (\w+)$/.exec(name) ?? [];
    if (reason !== undefined) return reasonsOf(error!).includes(reason);
    return exported.has(name) || options.has(name);
  }

  it("says of nothing that it is ours that the entry points do not show", () => {
    const names = namesIn(pageText("docs/names.md"));
    assert.ok(names.length > 150, `${names.length} names`);
    assert.deepEqual(names.filter((name) => !isShown(name)), []);
  });

  it("would not say so of other names", () => {
    const others = [
      "server.shutdown",
      "socket.close",
      "SocketError: gone",
      "TcpError: closed",
      "readDeadline",
    ];
    assert.deepEqual(others.filter(isShown), []);
  });
});
