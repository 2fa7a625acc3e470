/** Draws a latency histogram as text: one bar a row, rows spaced evenly on a logarithmic scale. */
import { formatMs } from "./format_ms.ts";
import type { Histogram } from "../load/histogram.ts";
import { drawBar } from "./progress_bar.ts";

/** The percentiles that are reported. */
export const percentiles: readonly number[] = [50, 90, 99, 99.9];

const steps = [1, 1.5, 2, 3, 5, 7];
const mostRows = 16;

/** Lines of the chart, `width` characters wide at most; empty when nothing was recorded. */
export function drawHistogram(histogram: Histogram, width: number): string[] {
  if (histogram.count === 0) return [];
  const edges = rowEdges(histogram.min, histogram.max);
  const rows = edges.slice(1).map((edge, i) => ({
    label: formatMs(edge),
    // The first row takes in what lies on its lower edge, the last what lies above all.
    count: histogram.countBetween(i === 0 ? -1 : edges[i]!, i === edges.length - 2 ? Infinity : edge),
  }));
  const most = Math.max(...rows.map((row) => row.count));
  const labelWidth = Math.max(...rows.map((row) => row.label.length));
  const barWidth = Math.max(8, Math.min(50, width - labelWidth - 14));
  return rows.map(({ label, count }) => {
    const share = count / histogram.count;
    const bar = count === 0 ? "" : drawBar(count / most, barWidth) || "▏";
    return `  ≤ ${label.padStart(labelWidth)} ┤${bar.padEnd(barWidth)} ${percentText(share).padStart(7)}`;
  });
}

function percentText(share: number): string {
  if (share === 0) return "";
  const percent = share * 100;
  return percent < 0.01 ? "<0.01 %" : `${percent < 10 ? percent.toFixed(2) : percent.toFixed(1)} %`;
}

/** Round numbers, the first at or below `min`, the last at or above `max`, thinned until they fit. */
function rowEdges(min: number, max: number): number[] {
  const lowest = Math.max(min, 0.0001);
  let edges: number[] = [];
  for (
    let exponent = Math.floor(Math.log10(lowest));
    (edges.at(-1) ?? 0) < max || edges.length < 2;
    exponent++
  ) {
    for (const step of steps) {
      const edge = step * 10 ** exponent;
      if (edge <= lowest) edges = [];
      edges.push(edge);
      if (edge >= max && edges.length > 1) break;
    }
  }
  while (edges.length > mostRows + 1) {
    const last = edges.length - 1;
    edges = edges.filter((_, i) => (last - i) % 2 === 0);
  }
  return edges;
}
