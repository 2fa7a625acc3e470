/**
 * Numbers as text in the format that Prometheus scrapes.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * Called by servers, pools and the gateway's admin endpoint. Knows nothing of what is counted.
 */

/** One number with its name and labels. */
export interface MetricSample {
  /** Such as `millrace_bytes_read_total`. */
  readonly name: string;
  /** One sentence on what is counted. */
  readonly help: string;
  /** A counter only grows; a gauge goes up and down; a summary is two counters, whose names end in `_sum` and `_count`. */
  readonly type: "counter" | "gauge" | "summary";
  /** In the unit that the name ends with, else a number of things. */
  readonly value: number;
  /** Such as `endpoint`. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The `Content-Type` of the text. */
export const prometheusContentType: string = "text/plain; version=0.0.4; charset=utf-8";

/** The text: each family once, in the order of its first sample, and all that belongs to it below. */
export function exposition(samples: Iterable<MetricSample>): string {
  const families = new Map<string, string[]>();
  for (const { name, help, type, value, labels } of samples) {
    const family = type === "summary" ? name.replace(/_(?:sum|count)$/, "") : name;
    let lines = families.get(family);
    if (lines === undefined) {
      families.set(family, lines = [`# HELP ${family} ${escaped(help)}`, `# TYPE ${family} ${type}`]);
    }
    lines.push(`${name}${labelText(labels)} ${numberText(value)}`);
  }
  return [...families.values()].flat().map((line) => `${line}\n`).join("");
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) =>
    `${name}="${escaped(value).replaceAll('"', '\\"')}"`
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** As Go reads it. */
function numberText(value: number): string {
  return Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
}
