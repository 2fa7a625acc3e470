/**
 * The spool of one endpoint: where frames wait on disk until the bus has them.
 *
 * Read by `endpoint_config.ts`, used by the files of `spool/`.
 */
import { resolvePath } from "../../host/process.ts";
import type { ConfigPath, FaultList } from "./fault.ts";
import { type Read, Refusal, type Section } from "./section.ts";
import { finiteDuration, finiteSize, oneOf, size, text } from "./values.ts";

/** Checked, with its defaults. */
export interface SpoolConfig {
  readonly directory: string;
  /** The most that its files may hold, in bytes. */
  readonly maxBytes: number;
  /** The size of one file. */
  readonly segmentBytes: number;
  /** When frames are synced: at once, together every so many ms, or as the system likes. */
  readonly sync: "always" | "never" | number;
  /** What happens to connections whose frames have no room. */
  readonly whenFull: "wait" | "close";
}

const standardBytes = 1024 ** 3;
const [leastSegment, standardSegment, mostSegment] = [64 * 1024, 16 * 1024 * 1024, 1024 ** 3];

const syncRead: Read<SpoolConfig["sync"]> = (value) => {
  if (value === "always" || value === "never") return value;
  try {
    return finiteDuration(value);
  } catch {
    throw new Refusal('"always", "never", or a duration such as "50ms"');
  }
};

/** Reads the key; undefined where there is no spool, or something is wrong with it. */
export function readSpool(section: Section, folder: string): SpoolConfig | undefined {
  return section.table("spool", "a table such as { directory: /var/lib/millrace/meters }", (table) => {
    const directory = table.require("directory", text, "a directory for the endpoint alone");
    const maxBytes = table.take("maxBytes", size) ?? standardBytes;
    const segmentBytes = table.take("segmentBytes", finiteSize) ??
      Math.min(standardSegment, Math.floor(maxBytes / 2));
    const most = Math.min(mostSegment, Math.floor(maxBytes / 2));
    if (maxBytes < 2 * leastSegment) {
      table.refuse("maxBytes", table.raw("maxBytes"), `${2 * leastSegment} bytes or more`);
    } else if (segmentBytes < leastSegment || segmentBytes > most) {
      const expected = `${leastSegment} to ${most} bytes, which is half of maxBytes or 1 GiB`;
      table.refuse("segmentBytes", table.raw("segmentBytes"), expected);
    }
    return {
      directory: directory === undefined ? "" : resolvePath(folder, directory),
      maxBytes,
      segmentBytes,
      sync: table.take("sync", syncRead) ?? "always",
      whenFull: table.take("whenFull", oneOf<SpoolConfig["whenFull"]>(["wait", "close"])) ?? "wait",
    };
  });
}

/** Two endpoints with one directory would have each other's frames. */
export function refuseSharedSpools(
  list: FaultList,
  endpoints: readonly ({ readonly spool?: SpoolConfig } | undefined)[],
): void {
  const seen = new Map<string, number>();
  for (const [index, endpoint] of endpoints.entries()) {
    if (endpoint?.spool === undefined) continue;
    const { directory } = endpoint.spool;
    const first = seen.get(directory);
    const path: ConfigPath = ["endpoints", index, "spool", "directory"];
    if (first === undefined) seen.set(directory, index);
    else list.add(path, directory, `a different directory from that of endpoints[${first}]`);
  }
}
