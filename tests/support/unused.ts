/**
 * What stands in the sources and is used by nobody: files, exported names, and reasons of errors.
 *
 * Called by unused_test.ts, with the real sources and with made-up ones. Knows the compiler, which alone can tell one
 * `"closed"` from another; version 6, the last one that is a library.
 */
import { dirname } from "node:path";
import ts from "typescript6";

/** A program over files, as paths from `root`. */
export interface Sources {
  readonly files: readonly ts.SourceFile[];
  readonly checker: ts.TypeChecker;
  nameOf(file: ts.SourceFile): string;
}

/** The program of a tsconfig.json, or of made-up files in the place of those it names. */
export function load(config: string, made?: Readonly<Record<string, string>>): Sources {
  const root = dirname(config).replaceAll("\\", "/");
  const { options, fileNames } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, ts.sys.readFile).config,
    ts.sys,
    root,
  );
  const texts = new Map(Object.entries(made ?? {}).map(([name, text]) => [`${root}/${name}`, text]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  if (made !== undefined) {
    host.fileExists = (name) => texts.has(name) || fileExists(name);
    host.readFile = (name) => texts.get(name) ?? readFile(name);
  }
  const program = ts.createProgram(made === undefined ? fileNames : [...texts.keys()], options, host);
  const nameOf = (file: ts.SourceFile): string => file.fileName.slice(root.length + 1);
  const files = program.getSourceFiles().filter((file) =>
    file.fileName.startsWith(`${root}/`) && !file.fileName.includes("/node_modules/")
  );
  return { files, checker: program.getTypeChecker(), nameOf };
}

function visitAll(file: ts.SourceFile, visit: (node: ts.Node) => void): void {
  const walk = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, walk);
  };
  walk(file);
}

/** Files that nothing leads to from these, by an import of values or of types. */
export function unreachable({ files, checker, nameOf }: Sources, roots: readonly string[]): string[] {
  const left = new Map(files.map((file) => [nameOf(file), file]));
  const next = [...roots];
  for (let name = next.pop(); name !== undefined; name = next.pop()) {
    const file = left.get(name);
    if (file === undefined) continue;
    left.delete(name);
    visitAll(file, (node) => {
      if (!ts.isStringLiteralLike(node)) return;
      const module = checker.getSymbolAtLocation(node)?.declarations?.find(ts.isSourceFile);
      if (module !== undefined) next.push(nameOf(module));
    });
  }
  return [...left.keys()];
}

/** Where a name comes from in the end, past all that hand it on. */
function origin(checker: ts.TypeChecker, symbol: ts.Symbol | undefined): ts.Symbol | undefined {
  return symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0
    ? checker.getAliasedSymbol(symbol)
    : symbol;
}

function named(checker: ts.TypeChecker, node: ts.Identifier): ts.Symbol | undefined {
  const { parent } = node;
  if (ts.isShorthandPropertyAssignment(parent)) return checker.getShorthandAssignmentValueSymbol(parent);
  // `const { name } = await import("…")` names what is exported there.
  if (ts.isBindingElement(parent) && ts.isObjectBindingPattern(parent.parent)) {
    const { propertyName, name } = parent;
    const key = propertyName ?? name;
    if (key === node) return checker.getTypeAtLocation(parent.parent).getProperty(node.text);
  }
  return checker.getSymbolAtLocation(node);
}

/** Exports of the files that `counts` is true for which no other file names, as "file: name". */
export function unusedExports(
  { files, checker, nameOf }: Sources,
  counts: (file: string) => boolean,
): string[] {
  const users = new Map<ts.Symbol, Set<ts.SourceFile>>();
  for (const file of files) {
    visitAll(file, (node) => {
      const symbol = ts.isIdentifier(node) ? origin(checker, named(checker, node)) : undefined;
      if (symbol === undefined) return;
      const known = users.get(symbol);
      if (known === undefined) users.set(symbol, new Set([file]));
      else known.add(file);
    });
  }
  return files.filter((file) => counts(nameOf(file))).flatMap((file) => {
    const module = checker.getSymbolAtLocation(file);
    if (module === undefined) return [];
    return checker.getExportsOfModule(module)
      .filter((name) => ![...users.get(origin(checker, name)!) ?? []].some((user) => user !== file))
      .map((name) => `${nameOf(file)}: ${name.name}`);
  });
}

/** The strings of a union, sorted and joined, whatever else is in it; undefined where there are not two. */
function stringsOf(type: ts.Type | undefined): string | undefined {
  if (type === undefined || !type.isUnion()) return undefined;
  const members = type.types.filter((member) => member.isStringLiteral()) as ts.StringLiteralType[];
  return members.length < 2 ? undefined : members.map(({ value }) => value).sort().join("|");
}

/** A string that is only asked for: compared with, or in a list of some that are looked for. */
function isAsked(checker: ts.TypeChecker, node: ts.StringLiteralLike): boolean {
  const { parent } = node;
  if (ts.isCaseClause(parent)) return true;
  if (ts.isBinaryExpression(parent)) return /^[!=]==?$/.test(parent.operatorToken.getText());
  if (!ts.isArrayLiteralExpression(parent)) return false;
  const list = checker.getContextualType(parent);
  return list !== undefined && checker.isArrayType(list);
}

/** The type that a string is given to, be it that of a variable which takes its own from what it is given. */
function wantedAt(checker: ts.TypeChecker, node: ts.StringLiteralLike): ts.Type | undefined {
  const contextual = checker.getContextualType(node);
  if (contextual !== undefined) return contextual;
  let parent: ts.Node = node.parent;
  while (ts.isConditionalExpression(parent) || ts.isParenthesizedExpression(parent)) parent = parent.parent;
  return ts.isVariableDeclaration(parent) ? checker.getTypeAtLocation(parent.name) : undefined;
}

/**
 * Members of the unions called `…Reason`, and of the field `reason` of a class, that are nowhere given to one, as
 * "name: member". A key of a table `Record<…Reason, …>` counts as given.
 */
export function unraisedReasons({ files, checker }: Sources): string[] {
  const unions = new Map<string, { readonly name: string; readonly raised: Set<string> }>();
  for (const file of files) {
    visitAll(file, (node) => {
      const isUnion = ts.isTypeAliasDeclaration(node)
        ? node.name.text.endsWith("Reason")
        : ts.isPropertyDeclaration(node) && node.name.getText() === "reason";
      const members = isUnion ? stringsOf(checker.getTypeAtLocation(node)) : undefined;
      if (members === undefined || unions.has(members)) return;
      const name = ts.isTypeAliasDeclaration(node)
        ? node.name.text
        : (node.parent as ts.ClassDeclaration).name?.text;
      unions.set(members, { name: name ?? "", raised: new Set() });
    });
  }
  for (const file of files) {
    visitAll(file, (node) => {
      if (ts.isStringLiteralLike(node)) {
        if (ts.isLiteralTypeNode(node.parent) || isAsked(checker, node)) return;
        const wanted = stringsOf(wantedAt(checker, node))?.split("|");
        if (wanted === undefined) return;
        // A narrower union, such as that of the idle times, is handed on to the wider one.
        for (const [members, { raised }] of unions) {
          if (wanted.every((member) => members.split("|").includes(member))) raised.add(node.text);
        }
      } else if (ts.isObjectLiteralExpression(node)) {
        const type = checker.getContextualType(node);
        const keys = type?.getProperties().map(({ name }) => name).sort().join("|");
        const union = keys === undefined ? undefined : unions.get(keys);
        for (const { name } of union === undefined ? [] : node.properties) {
          union?.raised.add(name?.getText() ?? "");
        }
      }
    });
  }
  return [...unions].flatMap(([members, { name, raised }]) =>
    members.split("|").filter((member) => !raised.has(member)).map((member) => `${name}: ${member}`)
  );
}
