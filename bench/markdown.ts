/** Tables in Markdown, in columns of even width, and what the runtimes are called in them. */
import type { RuntimeName } from "./runtimes.ts";

export const titles: Readonly<Record<RuntimeName, string>> = { bun: "Bun", deno: "Deno", node: "Node" };

/** A table of these lines, the first of which is the head. */
export function markdown(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(3, ...lines.map((line) => line[column]!.length)));
  const [head, ...body] = lines.map((line) =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  );
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...body].join("\n");
}
