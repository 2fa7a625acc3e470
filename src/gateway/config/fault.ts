/**
 * One fault of a configuration, and how a list of them reads.
 *
 * Made by the files of this folder. Knows neither the format of the file nor what belongs in it.
 */
import { counted } from "../../core/text/counted.ts";

/** Where in the configuration: keys and indices from the root. */
export type ConfigPath = readonly (string | number)[];

/** One fault of a configuration. */
export interface ConfigFault {
  /** Such as `endpoints[0].idleTimeout`; empty for the document as a whole. */
  readonly path: string;
  /** The value found; undefined if it is missing. */
  readonly found: unknown;
  /** What is accepted instead. */
  readonly expected: string;
  /** A suggestion, such as `did you mean "framing"?`. */
  readonly hint?: string | undefined;
  /** From 1; undefined when the place is not known. */
  readonly line?: number | undefined;
  /** From 1; undefined when the place is not known. */
  readonly column?: number | undefined;
}

/** Where a value, or the key that names it, stands in the text. */
export type Locate = (
  path: ConfigPath,
  what: "key" | "value",
) => { readonly line: number; readonly column: number } | undefined;

/** Gathers faults while a configuration is read. */
export class FaultList {
  readonly faults: ConfigFault[] = [];
  readonly #locate: Locate;

  constructor(locate: Locate = () => undefined) {
    this.#locate = locate;
  }

  /** Adds one. A missing value is located at what it is missing from. */
  add(
    path: ConfigPath,
    found: unknown,
    expected: string,
    hint?: string,
    what: "key" | "value" = "value",
  ): void {
    let place = this.#locate(path, what);
    for (let end = path.length; place === undefined && end-- > 0;) {
      place = this.#locate(path.slice(0, end), "value");
    }
    this.faults.push({
      path: formatPath(path),
      found,
      expected,
      hint,
      line: place?.line,
      column: place?.column,
    });
  }
}

/** Writes a path as in code: `endpoints[0].subjects.ingress`. */
export function formatPath(path: ConfigPath): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else if (/^[\w$]+$/.test(key)) text += text === "" ? key : `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}

/** One line for a fault: where, what was found, what was expected, and a hint. */
export function formatFault(fault: ConfigFault, source?: string): string {
  const place = [source, fault.line, fault.column].filter((part) => part !== undefined).join(":");
  const path = fault.path === "" ? "the configuration" : fault.path;
  const found = fault.found === undefined ? "nothing" : show(fault.found);
  const hint = fault.hint === undefined ? "" : `; ${fault.hint}`;
  return `${place === "" ? "" : `${place}: `}${path}: found ${found}, expected ${fault.expected}${hint}`;
}

/** How many there are, as text. */
export function countFaults(faults: readonly ConfigFault[]): string {
  return counted(faults.length, "fault");
}

/** All faults, one a line. */
export function formatFaults(faults: readonly ConfigFault[], source?: string): string {
  return faults.map((fault) => formatFault(fault, source)).join("\n");
}

function show(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (_, inner: unknown) => typeof inner === "bigint" ? String(inner) : inner);
  } catch {
    text = undefined;
  }
  text ??= typeof value === "object" ? "a value that JSON cannot show" : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
