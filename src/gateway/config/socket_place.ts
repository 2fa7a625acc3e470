/**
 * The long form of where an endpoint listens: the path of a Unix socket, and who may use its file.
 *
 * Used by `endpoint_config.ts`; the short form is a text, which `values.ts` reads.
 */
import { readFileMode, readFileOwner } from "../../core/text/file_rights.ts";
import { misread } from "../../core/text/reading.ts";
import type { UnixAddress } from "../../core/transport.ts";
import type { Section } from "./section.ts";
import { unixPath, valueIn } from "./values.ts";

/** Permissions and owner of the socket's file. */
export interface SocketFileConfig {
  readonly mode?: number;
  readonly owner?: { readonly uid?: number; readonly gid?: number };
}

/** Where, and for whom. */
interface SocketPlace {
  readonly address: UnixAddress;
  readonly file: SocketFileConfig;
}

/**
 * A number in a configuration does not tell how it was written: what YAML makes of `0440` is 440, which is 0o670, and of
 * `0o660` 432, which may as well have been a decimal 432. Of the two, one would open the socket to others than was meant.
 */
const notAText = misread(
  'octal digits in quotes, such as "0660"',
  "of a number it cannot be told whether it was written in octal",
);

/** True for a table, be it right or wrong. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads the table at a key; faults go to the section's list. */
export function readSocketPlace(section: Section, key: string): SocketPlace | undefined {
  return section.table(key, "a table with path", (table) => {
    const path = table.require("path", unixPath, 'the path of a Unix socket, such as "/run/millrace.sock"');
    const mode = table.take(
      "mode",
      (value) => valueIn(typeof value === "number" ? notAText : readFileMode(value)),
    );
    const owner = table.take("owner", (value) => valueIn(readFileOwner(value)));
    if (path === undefined) return undefined;
    return {
      address: { transport: "unix", path },
      file: { ...(mode !== undefined && { mode }), ...(owner !== undefined && { owner }) },
    };
  });
}
