/**
 * A strict reader of the text format of Prometheus, version 0.0.4: it refuses what the format's description does not
 * allow, and what it recommends against.
 */
import assert from "node:assert/strict";

/** All samples of one name. */
export interface Family {
  readonly type: string;
  readonly help: string;
  /** By name and labels as they are written, such as `{endpoint="echo"}`; only by labels where the name is the family's. */
  readonly values: Map<string, number>;
  /** The labels of each, read. */
  readonly labels: Readonly<Record<string, string>>[];
}

const name = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const sample = new RegExp(`^(${name})(\\{${label}(?:,${label})*\\})? (\\S+)$`);
const number = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|NaN|[+-]Inf)$/i;

/** Families by name, in the order of the text. */
export function readExposition(text: string): Map<string, Family> {
  assert.ok(text === "" || text.endsWith("\n"), "the last line has no end");
  const families = new Map<string, Family>();
  let family: Family | undefined;
  let current = "";
  let help: string | undefined;
  for (const line of text.split("\n").slice(0, -1)) {
    const [, kind, about = "", rest = ""] = new RegExp(`^# (HELP|TYPE) (${name}) (.+)$`).exec(line) ?? [];
    if (kind === "HELP") {
      assert.match(rest, /^(?:[^\\]|\\[\\n])*$/, `a bare backslash: ${line}`);
      current = about;
      help = rest;
      family = undefined;
    } else if (kind === "TYPE") {
      assert.equal(current, about, `TYPE without its HELP: ${line}`);
      assert.ok(help !== undefined && !families.has(about), `${about} twice`);
      assert.match(rest, /^(?:counter|gauge|summary)$/);
      if (rest === "counter") assert.match(about, /_total$/, "a counter ends in _total");
      else assert.doesNotMatch(about, /_(?:total|sum|count|bucket)$/);
      families.set(about, family = { type: rest, help, values: new Map(), labels: [] });
      help = undefined;
    } else {
      const [, named, labels = "", value = ""] = sample.exec(line) ?? [];
      assert.ok(named !== undefined && number.test(value), `no sample: ${JSON.stringify(line)}`);
      assert.ok(family !== undefined, `a sample before HELP and TYPE: ${line}`);
      const allowed = family.type === "summary" ? [`${current}_sum`, `${current}_count`] : [current];
      assert.ok(allowed.includes(named), `${named} stands among ${current}`);
      const key = named === current ? labels : `${named}${labels}`;
      assert.ok(!family.values.has(key), `${line} twice`);
      const read = readLabels(labels);
      assert.equal(
        Object.keys(read).length,
        labels === "" ? 0 : labels.match(/="/g)!.length,
        `a label twice: ${line}`,
      );
      const parsed = Number(value.replace("Inf", "Infinity"));
      if (family.type !== "gauge") assert.ok(parsed >= 0 && Number.isFinite(parsed), `${line} is no count`);
      family.values.set(key, parsed);
      family.labels.push(read);
    }
  }
  for (const [about, { values }] of families) assert.ok(values.size > 0, `${about} has no sample`);
  return families;
}

function readLabels(text: string): Record<string, string> {
  const read: Record<string, string> = {};
  for (const [, key, value] of text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)) {
    read[key!] = value!.replaceAll(/\\(.)/g, (_, char: string) => char === "n" ? "\n" : char);
  }
  return read;
}
