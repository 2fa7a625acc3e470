/**
 * Takes out of declarations what no entry point leads to: what only the sources use of each other, and the comments on it.
 *
 * Called by build.mjs with files that name each other as the sources do. Knows names and no types: an identifier that is
 * also the name of something in its file leads there, so that it keeps rather too much.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript5";

/** Rewrites `files`; `entries` are those of them that users import. */
export function shakeDeclarations(files, entries) {
  const modules = new Map(files.map((path) => [path, read(path)]));
  const kept = new Map(files.map((path) => [path, new Set()]));

  const keep = (path, name) => {
    const [module, names] = [modules.get(path), kept.get(path)];
    if (module === undefined || names.has(name)) return;
    const { statements = [], from, original } = module.get(name) ?? {};
    names.add(name);
    for (const statement of statements) visit(path, statement);
    if (original === undefined) return;
    if (from === undefined) keep(path, original);
    else if (from.startsWith(".")) keep(join(dirname(path), from.replace(/\.ts$/, ".d.ts")), original);
  };
  const visit = (path, node) => {
    if (ts.isIdentifier(node) && modules.get(path).has(node.text)) keep(path, node.text);
    if (ts.isImportTypeNode(node)) {
      const [from] = [node.argument.literal.text];
      const file = join(dirname(path), from.replace(/\.ts$/, ".d.ts"));
      for (const name of modules.get(file)?.keys() ?? []) keep(file, name);
    }
    ts.forEachChild(node, (inner) => visit(path, inner));
  };
  for (const path of entries) for (const name of modules.get(path).keys()) keep(path, name);
  for (const path of files) rewrite(path, kept.get(path), entries.includes(path));
}

/** What the names in a file stand for: statements of its own, or a name elsewhere. */
function read(path) {
  const names = new Map();
  for (const statement of parse(path).statements) {
    const from = statement.moduleSpecifier?.text;
    if (ts.isImportDeclaration(statement)) {
      const bindings = statement.importClause?.namedBindings;
      if (bindings !== undefined && ts.isNamespaceImport(bindings)) names.set(bindings.name.text, { from });
      else {for (const one of bindings?.elements ?? []) {
          names.set(one.name.text, { from, original: nameOf(one) });
        }}
    } else if (ts.isExportDeclaration(statement)) {
      if (statement.exportClause === undefined) throw new Error(`${path}: export * names nothing`);
      for (const one of statement.exportClause.elements) {
        if (from !== undefined || nameOf(one) !== one.name.text) {
          names.set(one.name.text, { from, original: nameOf(one) });
        }
      }
    } else {
      for (const name of declaredBy(statement)) {
        const statements = [...names.get(name)?.statements ?? [], statement];
        names.set(name, { statements });
      }
    }
  }
  return names;
}

const parse = (path) => ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
const nameOf = ({ propertyName, name }) => (propertyName ?? name).text;
const declaredBy = (statement) =>
  ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.map(({ name }) => name.text)
    : statement.name === undefined
    ? []
    : [statement.name.text];

function rewrite(path, kept, isEntry) {
  const source = parse(path);
  const parts = source.statements.map((statement, at) => {
    // What stands above the first statement is about the file, which users do not see.
    const text = at > 0 || isEntry || !ts.isImportDeclaration(statement)
      ? statement.getFullText()
      : statement.getText();
    const isImport = ts.isImportDeclaration(statement);
    if (!isImport && !ts.isExportDeclaration(statement)) {
      const names = declaredBy(statement);
      return names.length === 0 || names.some((name) => kept.has(name)) ? text : "";
    }
    const list = isImport ? statement.importClause?.namedBindings : statement.exportClause;
    if (list === undefined || (!isImport && list.elements.length === 0)) return text;
    if (ts.isNamespaceImport(list)) return kept.has(list.name.text) ? text : "";
    const used = list.elements.filter(({ name }) => kept.has(name.text));
    if (used.length === list.elements.length) return text;
    if (used.length === 0) return "";
    const names = used.map((each) => each.getText()).join(", ");
    return text.replace(list.getText(), () => `{ ${names} }`);
  });
  const text = parts.join("").trim();
  if (text === "" || text === "export {};") rmSync(path);
  else writeFileSync(path, `${text}\n`);
}
