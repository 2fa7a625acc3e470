/** Prints the figures as the table of rows and runtimes, in Markdown, with a mark for each target. */
import type { BorrowFigure } from "./borrow_row.ts";
import type { EchoBaseline, EchoFigure, EchoSample } from "./echo_rows.ts";
import type { FramingFigure } from "./framing_row.ts";
import { sizeText } from "./framings/input.ts";
import type { GatewayFigure } from "./gateway_row.ts";
import type { IdleFigure } from "./idle_row.ts";
import { markdown, titles } from "./markdown.ts";
import type { Row } from "./rows.ts";
import type { RuntimeName } from "./runtimes.ts";
import type { SlowFigure } from "./slow_row.ts";
import type { StartFigure } from "./start_row.ts";

/** What one row came to on one runtime. */
export type Figure =
  | BorrowFigure
  | EchoFigure
  | FramingFigure
  | GatewayFigure
  | IdleFigure
  | SlowFigure
  | StartFigure;

/** A figure beside its target. */
export interface Verdict {
  /** In the target's unit. */
  readonly value: number;
  /** Absent where the row only tells. */
  readonly target?: number;
  readonly met?: boolean;
  /** The figure alone. */
  readonly shown: string;
  readonly text: string;
}

/** Compares a figure with the row's target. */
export function judge(row: Row, figure: Figure): Verdict {
  const wanted = row.target?.[figure.runtime];
  if (figure.kind === "echo") {
    const times = (wanted ?? 0) >= 2;
    const { ratio, ratioPerCpu } = figure.against;
    const value = row.kind === "echo" && row.perProcessor ? ratioPerCpu : ratio;
    const { beside } = figure;
    const name = row.kind === "echo" && beside !== undefined ? row.beside?.shownAs : undefined;
    const second = name === undefined ? "" : `, ${name} ${beside!.ratioPerCpu.toFixed(2)}`;
    const shown = (times ? `${value.toFixed(1)} ×` : value.toFixed(2)) + second;
    return atLeast(value, wanted, shown, times ? `${wanted} ×` : wanted?.toFixed(2));
  }
  if (figure.kind === "gateway") return judgeGateway(figure, wanted);
  if (figure.kind === "borrow") {
    return atMost(figure.microseconds, wanted, `${figure.microseconds.toFixed(2)} µs`, `${wanted} µs`);
  }
  if (figure.kind === "start") {
    return atMost(figure.ms, wanted, `${figure.ms.toFixed(1)} ms`, `${wanted} ms`);
  }
  if (figure.kind === "framing") {
    const least = Math.min(...figure.sizes.map(({ ratio }) => ratio));
    const shown = figure.sizes.map(({ ratio }) => shortRatio(ratio)).join(", ");
    return atLeast(least, wanted, shown, wanted?.toFixed(2));
  }
  if (figure.kind === "slow") {
    const { alone, beside } = figure;
    const shown = `${latencies(beside)} ms, ${latencies(alone)} without`;
    return { value: beside.p50, shown, text: shown };
  }
  const kilobytes = figure.oursBytes / 1000;
  const raw = figure.baselineBytes / 1000;
  const overRaw = row.kind === "idle" && row.overRaw.includes(figure.runtime);
  const limit = overRaw && wanted !== undefined ? raw + wanted : wanted;
  const shown = `${kilobytes.toFixed(1)} KB, raw ${raw.toFixed(1)}`;
  return atMost(kilobytes, limit, shown, overRaw ? `raw + ${wanted}` : `${wanted}`);
}

function judgeGateway(figure: GatewayFigure, wanted: number | undefined): Verdict {
  if (figure.measure === "stored") {
    const { ours, plain } = figure;
    const value = ours.perSecond / plain.perSecond;
    const ofCpu = (ours.perCpuSecond / plain.perCpuSecond).toFixed(2);
    const shown = `${value.toFixed(2)}, ${ofCpu} a processor second (${thousands(ours.perSecond)} k/s)`;
    return atLeast(value, wanted, shown, wanted?.toFixed(2));
  }
  if (figure.measure === "outage") {
    const grown = figure.afterMb - figure.beforeMb;
    return atMost(grown, wanted, `${grown.toFixed(1)} MB on ${figure.beforeMb.toFixed(0)}`, `${wanted} MB`);
  }
  const shown = `${latencies(figure)} ms`;
  return { value: figure.p50, shown, text: shown };
}

const thousands = (count: number): string => (count / 1000).toFixed(0);
const latencies = ({ p50, p99 }: { readonly p50: number; readonly p99: number }): string =>
  `${p50.toFixed(2)} and ${p99.toFixed(2)}`;

const shortRatio = (ratio: number): string => ratio.toFixed(ratio < 10 ? 1 : 0);

function atLeast(value: number, target: number | undefined, shown: string, wanted = ""): Verdict {
  return verdict(value, target, target !== undefined && value >= target, shown, `≥ ${wanted}`);
}

function atMost(value: number, target: number | undefined, shown: string, wanted: string): Verdict {
  return verdict(value, target, target !== undefined && value <= target, shown, `≤ ${wanted}`);
}

function verdict(
  value: number,
  target: number | undefined,
  met: boolean,
  shown: string,
  wanted: string,
): Verdict {
  if (target === undefined) return { value, shown, text: shown };
  return { value, target, met, shown, text: `${met ? "✓" : "✗"} ${shown} (${wanted})` };
}

/** The table for these rows and runtimes. */
export function formatTable(
  rows: readonly Row[],
  runtimes: readonly RuntimeName[],
  figures: readonly Figure[],
  missing: ReadonlyMap<string, string>,
): string {
  const cells = rows.map((row) => [
    row.title,
    ...runtimes.map((runtime) => {
      const figure = figures.find((each) => each.row === row.id && each.runtime === runtime);
      return figure === undefined
        ? missing.get(`${row.id} ${runtime}`) ?? "not measured"
        : judge(row, figure).text;
    }),
  ]);
  return markdown([["", ...runtimes.map((runtime) => titles[runtime])], ...cells]);
}

/** A server that had less of its processor than this, with a load that had no more, was kept from it by others. */
const fullyBusy = 0.9;

/** True when neither side could use its processor: then only the ratio per processor second says something. */
function disturbed(...samples: readonly EchoSample[]): boolean {
  return samples.some(({ serverBusy, loadBusy }) =>
    serverBusy > 0 && Math.max(serverBusy, loadBusy) < fullyBusy
  );
}

/** What stands behind the ratios: messages per second, and how busy each side was. */
export function formatDetails(rows: readonly Row[], figures: readonly Figure[]): string {
  const echoes = figures.filter((figure) => figure.kind === "echo");
  const lines = echoes.flatMap((figure) => {
    const { against, beside } = figure;
    const row = rows.find(({ id }) => id === figure.row);
    const what = row?.kind === "echo" ? row.beside : undefined;
    return beside === undefined ? [detail(figure, against)] : [
      detail(figure, against, what?.first),
      detail(figure, beside, what?.told),
    ];
  });
  for (const { row, runtime, sizes } of figures.filter((figure) => figure.kind === "framing")) {
    for (const { size, ours, others } of sizes) {
      const told = [{ name: "ours", result: ours }, ...others].map(({ name, result }) =>
        `${name} ${megabytes(result.bytesPerSecond)} MB/s, ${millions(result.framesPerSecond)} M frames/s`
      );
      lines.push(`  ${row.padEnd(24)} ${runtime.padEnd(5)} ${sizeText(size).padEnd(6)} ${told.join("; ")}`);
    }
  }
  if (lines.some((line) => line.startsWith("*"))) {
    lines.push(
      "",
      "*: neither side could use its processor, since the machine was at other work, or data waited in the kernel.",
      "Read the ratio per processor second there, or run again on a quiet machine.",
    );
  }
  return lines.join("\n");
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
const millions = (frames: number): string => (frames / 1e6).toFixed(frames < 1e6 ? 3 : 1);

function detail({ row, runtime, ours }: EchoFigure, against: EchoBaseline, what?: string): string {
  const { program, baseline, ratio, ratioPerCpu } = against;
  const mark = disturbed(ours, baseline) ? "*" : " ";
  return `${mark} ${row.padEnd(18)} ${runtime.padEnd(5)} ours ${told(ours)}  ${program} ${told(baseline)}  ` +
    `ratio ${ratio.toFixed(2)}, per processor second ${ratioPerCpu.toFixed(2)}` +
    (what === undefined ? "" : ` (baseline: ${what})`);
}

function told({ messagesPerSecond, serverBusy, loadBusy, p99 }: EchoSample): string {
  const percent = (part: number): string => `${Math.round(part * 100)} %`;
  const each = serverBusy > 0 ? `${(serverBusy / messagesPerSecond * 1e6).toFixed(2)} µs each, ` : "";
  const busy = `server ${percent(serverBusy)} busy, load ${percent(loadBusy)}`;
  return `${(messagesPerSecond / 1000).toFixed(1).padStart(6)}k/s (${each}${busy}, p99 ${p99.toFixed(2)} ms)`;
}
