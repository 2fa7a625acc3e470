/**
 * Reads the JUnit reports of the three runners into one shape.
 *
 * Called by test.mjs. Knows how each runner writes: Node nests suites and escapes quotes twice, Bun puts
 * a suite for the file around everything, Deno is flat, joins names with " > " and lists groups as cases.
 */

const entities = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const unescapeOnce = (text) =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(lt|gt|amp|quot|apos));/gi, (_, hex, decimal, name) => {
    if (name !== undefined) return entities[name.toLowerCase()];
    return String.fromCodePoint(hex !== undefined ? parseInt(hex, 16) : Number(decimal));
  });
const plain = (text) => unescapeOnce(unescapeOnce(text));

const tag =
  /<(\/?)(testsuites|testsuite|testcase|failure|error|skipped)\b((?:\s+[\w:.-]+="[^"]*")*)\s*(\/?)>/g;

function attributesOf(source) {
  const found = {};
  for (const [, name, value] of source.matchAll(/([\w:.-]+)="([^"]*)"/g)) found[name] = plain(value);
  return found;
}

/** Every `<testcase>` with the names of the suites around it, as the report has them. */
function rawCases(xml) {
  const cases = [];
  const suites = [];
  let current;
  let inside;
  for (const match of xml.matchAll(tag)) {
    const [, closing, name, attributes, empty] = match;
    if (name === "testsuites") continue;
    if (name === "testsuite") {
      if (closing) suites.pop();
      else if (!empty) suites.push(attributesOf(attributes).name ?? "");
    } else if (name === "testcase") {
      if (closing) {
        current = undefined;
        continue;
      }
      const own = attributesOf(attributes);
      const entry = {
        path: [...suites],
        name: own.name ?? "",
        line: own.line,
        outcome: "passed",
        message: "",
      };
      cases.push(entry);
      if (!empty) current = entry;
    } else if (current !== undefined) {
      if (closing) {
        if (inside !== undefined) {
          const body = plain(xml.slice(inside.from, match.index)).trim();
          if (body.length > current.message.length) current.message = body;
        }
        inside = undefined;
        continue;
      }
      const own = attributesOf(attributes);
      current.outcome = name === "skipped" ? "skipped" : "failed";
      current.message = own.message ?? "";
      if (!empty) inside = { from: match.index + match[0].length };
    }
  }
  return cases;
}

/** A group that Deno lists beside its own cases. It counts only where it failed and none of its cases did. */
function withoutGroups(cases) {
  return cases.filter((entry) => {
    const below = cases.filter((other) => other.name.startsWith(`${entry.name} > `));
    if (below.length === 0) return true;
    return entry.outcome === "failed" && !below.some((other) => other.outcome === "failed");
  });
}

/**
 * The cases of one test file: `{ name, outcome: "passed" | "failed" | "skipped", message, line }`, the name with the
 * names of its groups before it.
 */
export function readReport(xml, runner) {
  const cases = rawCases(xml);
  if (runner === "deno") return withoutGroups(cases);
  const outer = runner === "bun" ? 1 : 0;
  return cases.map(({ path, ...entry }) => ({
    ...entry,
    name: [...path.slice(outer), entry.name].join(" > "),
  }));
}
