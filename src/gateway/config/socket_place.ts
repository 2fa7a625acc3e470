/**
 * The long form of where an endpoint listens: the path of a Unix socket, and who may use its file.
 *
 * Used by `endpoint_config.ts`; the short form is a text, which `values.ts` reads.
 */
import { readFileMode, readFileOwner } from "../../core/text/file_rights.ts";
import { misread } from "../../core/text/reading.ts";
import type { UnixAddress } from "../../core/transport.ts";
import { type Read, Refusal, type Section } from "./section.ts";
import { integer, unixPath, valueIn } from "./values.ts";

/** Permissions and owner of the socket's file. */
export interface SocketFileConfig {
  readonly mode?: number;
  readonly owner?: { readonly uid?: number; readonly gid?: number };
}

/** A listening socket that the process inherits: by the number of its descriptor, or by its name at systemd. */
export type InheritedConfig = { readonly fd: number } | { readonly systemd: string };

/** Where, and for whom. Where an inherited socket is bound shows once it is listened on. */
type SocketPlace =
  | { readonly address: UnixAddress; readonly file: SocketFileConfig; readonly inherited?: undefined }
  | { readonly address: UnixAddress; readonly inherited: InheritedConfig; readonly file?: undefined };

const notYetKnown: UnixAddress = { transport: "unix", path: "" };
const ofSystemd = "systemd:";

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

/** True for what `readSocketPlace` reads, be it right or wrong. */
export function isSocketPlace(value: unknown): boolean {
  return isTable(value) || (typeof value === "string" && value.startsWith(ofSystemd));
}

/** A name for an inherited socket that is the same for the same one, and no path's; undefined for anything else. */
export function inheritedKey(value: unknown): string | undefined {
  if (typeof value === "string") return value.startsWith(ofSystemd) ? `\0${value}` : undefined;
  return isTable(value) && value["fd"] !== undefined ? `\0fd:${String(value["fd"])}` : undefined;
}

/** FileDescriptorName= of systemd: up to 255 characters of ASCII, without control characters and `:`. */
const socketName: Read<string> = (value) => {
  const name = String(value).slice(ofSystemd.length);
  if (/^[!-9;-~ ]{1,255}$/.test(name)) return name;
  throw new Refusal('"systemd:" and the FileDescriptorName= of a socket unit, such as "systemd:meters"');
};

/** Reads the table at a key, or the name of a socket of systemd; faults go to the section's list. */
export function readSocketPlace(section: Section, key: string): SocketPlace | undefined {
  if (typeof section.raw(key) === "string") {
    const systemd = section.take(key, socketName);
    return systemd === undefined ? undefined : { address: notYetKnown, inherited: { systemd } };
  }
  return section.table(key, "a table with path or fd", (table): SocketPlace | undefined => {
    if (table.has("fd")) {
      const fd = table.take("fd", integer(0, 2 ** 31 - 1));
      return fd === undefined ? undefined : { address: notYetKnown, inherited: { fd } };
    }
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
