/**
 * Writes docs/features.md from the rows and from the tests that carry their ids, and says which rows claim what no
 * test holds. Called by scripts/features.mjs and tests/features_test.ts. Reads and writes no file.
 */
import { blank } from "../../tests/support/layers.ts";
import type { Row, Runtime, Section } from "./table.ts";

/** The id of a row to the test files that name it, sorted. */
export type Holders = ReadonlyMap<string, readonly string[]>;

/** Which test files name which ids. An id counts inside a string, where the names of tests are; not in a comment. */
export function holdersIn(tests: ReadonlyMap<string, string>): Holders {
  const holders = new Map<string, string[]>();
  for (const [file, text] of [...tests].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [withStrings, without] = [blank(text, false), blank(text, true)];
    const ids = new Set<string>();
    for (const match of withStrings.matchAll(/(?<![\w-])[FS]-\d+(?![\w-])/g)) {
      if (without.slice(match.index, match.index + match[0].length).trim() === "") ids.add(match[0]);
    }
    for (const id of ids) holders.set(id, [...(holders.get(id) ?? []), file]);
  }
  return holders;
}

/** What is wrong with the table: claims without a test, ids twice, tests of rows that do not exist. */
export function wrongIn(sections: readonly Section[], holders: Holders): string[] {
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const row of sections.flatMap((section) => section.rows)) {
    if (seen.has(row.id)) wrong.push(`${row.id} is there twice`);
    seen.add(row.id);
    if (row.state !== "planned" && !holders.has(row.id)) {
      wrong.push(`${row.id} is said to be ${row.state}, but no test has ${row.id} in its name`);
    }
    if ((row.state === "partly") !== (row.missing !== undefined)) {
      wrong.push(`${row.id} is ${row.state}: \`partly\` and what is \`missing\` go together`);
    }
  }
  for (const [id, files] of holders) {
    if (!seen.has(id)) wrong.push(`${id} is named by ${files.join(", ")}, but there is no such row`);
  }
  return wrong;
}

/** Rows that have tests and are still said to be planned. */
export function unclaimed(sections: readonly Section[], holders: Holders): string[] {
  return sections.flatMap((section) => section.rows)
    .filter((row) => row.state === "planned" && holders.has(row.id))
    .map((row) => row.id);
}

const runtimes: readonly Runtime[] = ["bun", "deno", "node"];
const words = { held: "yes", partly: "partly", planned: "planned" } as const;

function cell(row: Row, runtime: Runtime): string {
  return row.state === "planned" ? words.planned : row.instead?.[runtime] ?? words[row.state];
}

function featureOf({ name, note, missing }: Row): string {
  const limited = note === undefined ? name : `${name} (${note})`;
  return missing === undefined ? limited : `${limited}; missing: ${missing}`;
}

function faultStateOf({ state, missing }: Row): string {
  return missing === undefined ? words[state] : `${words[state]}; missing: ${missing}`;
}

function tests(row: Row, holders: Holders): string {
  return (holders.get(row.id) ?? []).map((file) => `[${file.slice("tests/".length)}](../${file})`).join(", ");
}

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");

function count(sections: readonly Section[]): string {
  const rows = sections.flatMap((section) => section.rows);
  const of = (state: Row["state"]): number => rows.filter((row) => row.state === state).length;
  return `${of("held")} of ${rows.length} hold, ${of("partly")} hold in part, ${of("planned")} are planned`;
}

/** The whole of docs/features.md. */
export function documentOf(
  features: readonly Section[],
  faults: readonly Section[],
  holders: Holders,
): string {
  const parts = [
    "# Features and faults",
    "Written by `npm run features` from `scripts/features/` and the names of the tests; do not edit by hand.",
    "*yes*: the same tests pass on that runtime. *planned*: not available yet, or not yet complete and tested. If a runtime cannot do\n" +
    "it, its column says what happens instead. A row may only say *yes* if a test has its id.",
    `Features: ${count(features)}.`,
  ];
  for (const { title, rows } of features) {
    parts.push(`## ${title}`);
    parts.push(table(
      ["id", "feature", "Bun", "Deno", "Node", "tests"],
      rows.map((row) => [
        row.id,
        featureOf(row),
        ...runtimes.map((runtime) => cell(row, runtime)),
        tests(row, holders),
      ]),
    ));
  }
  parts.push("# Faults, and what is promised", `Faults: ${count(faults)}.`);
  for (const { rows } of faults) {
    parts.push(table(
      ["id", "what happens", "promise", "held", "tests"],
      rows.map((row) => [row.id, row.name, row.note ?? "", faultStateOf(row), tests(row, holders)]),
    ));
  }
  return `${parts.join("\n\n")}\n`;
}
