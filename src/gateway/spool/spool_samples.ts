/** The counters of a spool for `/metrics`. */
import type { MetricSample } from "../../core/text/exposition.ts";
import type { SpoolStats } from "./spool.ts";

type Row = readonly [name: keyof SpoolStats, metric: string, help: string];

const rows: readonly Row[] = [
  ["frames", "pending", "Frames on disk that the bus does not have yet."],
  ["bytes", "bytes", "Bytes of all files of the spool."],
  ["oldestMs", "oldest_seconds", "How long the oldest of these frames has been waiting."],
  ["unwritten", "unwritten", "Frames that wait to be written."],
  ["written", "written_total", "Frames stored on disk."],
  ["forwarded", "forwarded_total", "Frames of the spool that the bus has."],
  ["damaged", "damaged_total", "Frames that were stored and cannot be read any more."],
  ["refused", "refused_total", "Frames that the bus refuses for ever, kept in a file."],
  ["tornBytes", "torn_bytes_total", "Bytes of unfinished writes, cut off at the start."],
  ["failures", "write_failures_total", "Writes that the disk has refused."],
  ["full", "full", "1 while it holds as much as it may, else 0."],
];

/** One sample each. */
export function spoolSamples(stats: SpoolStats, labels: Readonly<Record<string, string>>): MetricSample[] {
  return rows.map(([key, name, help]) => ({
    name: `millrace_spool_${name}`,
    help,
    type: name.endsWith("_total") ? "counter" : "gauge",
    value: key === "oldestMs" ? stats.oldestMs / 1000 : Number(stats[key]),
    labels,
  }));
}
