/**
 * Text to a plain value, and back from a path to a line: YAML, JSON and TOML.
 *
 * Called by `config.ts`. Knows formats and nothing of what a gateway is.
 */
import { parse as parseToml, TomlError } from "smol-toml";
import { isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import { withEnvironment } from "../../host/environment.ts";
import type { ConfigFault, ConfigPath, Locate } from "./fault.ts";

/** Formats of a config file. */
export type ConfigFormat = "yaml" | "json" | "toml";

/** A text that was read, or why it cannot be. */
type ParsedText =
  | { readonly ok: true; readonly value: unknown; readonly locate: Locate }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** The format that a file's name asks for; undefined when it does not say. */
export function formatOfFile(path: string): ConfigFormat | undefined {
  const ending = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase();
  if (ending === "yml") return "yaml";
  return ending === "yaml" || ending === "json" || ending === "toml" ? ending : undefined;
}

/** Parses; faults of the text's own grammar are all reported where the format allows to go on. */
export function parseText(whole: string, format: ConfigFormat): ParsedText {
  // Editors on Windows begin a file with it; only YAML has a word for it.
  const text = whole.startsWith("\uFEFF") ? whole.slice(1) : whole;
  if (format === "toml") return parseTomlText(text);
  // JSON is YAML too, and only the YAML parser tells where things stand.
  const lines = new LineCounter();
  const document = withEnvironment(() =>
    parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      version: "1.2",
      strict: true,
    })
  );
  const strict = format === "json" ? jsonFault(text, lines) : undefined;
  const problems = strict === undefined || document.errors.length > 0
    ? [...document.errors, ...document.warnings].map(({ message, pos }) => {
      const { line, col } = lines.linePos(pos[0]);
      const found = lineAt(text, line);
      return { path: "", found, expected: `valid ${format.toUpperCase()}`, hint: message, line, column: col };
    })
    : [strict];
  if (problems.length > 0) return { ok: false, faults: problems };
  const locate: Locate = (path, what) => {
    const offset = what === "key" ? keyOffset(document, path) : valueOffset(document.getIn(path, true));
    if (offset === undefined) return undefined;
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) as unknown, locate };
  } catch (error) {
    const hint = error instanceof Error ? error.message : String(error);
    return {
      ok: false,
      faults: [{ path: "", found: "aliases", expected: "a smaller document", hint }],
    };
  }
}

function valueOffset(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function keyOffset(document: ReturnType<typeof parseDocument>, path: ConfigPath): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find(({ key }) =>
    (isScalar(key) ? String(key.value) : undefined) === path.at(-1)
  );
  return valueOffset(pair?.key);
}

/** What YAML lets pass and JSON does not: comments, single quotes, commas at the end. */
function jsonFault(text: string, lines: LineCounter): ConfigFault | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const position = /at position (\d+)/.exec(message)?.[1];
    const place = position === undefined ? undefined : lines.linePos(Number(position));
    const found = place === undefined ? undefined : lineAt(text, place.line);
    return {
      path: "",
      found: found ?? "text that is not JSON",
      expected: "valid JSON",
      hint: message,
      line: place?.line,
      column: place?.col,
    };
  }
}

function parseTomlText(text: string): ParsedText {
  try {
    return { ok: true, value: parseToml(text), locate: () => undefined };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column, message } = error;
    const hint = message.split("\n")[0]!;
    return {
      ok: false,
      faults: [{ path: "", found: lineAt(text, line), expected: "valid TOML", hint, line, column }],
    };
  }
}

function lineAt(text: string, line: number): string {
  return (text.split("\n")[line - 1] ?? "").trim();
}
