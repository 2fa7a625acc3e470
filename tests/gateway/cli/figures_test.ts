// What the commands print: durations, histograms, bars.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatMs } from "../../../src/gateway/cli/format_ms.ts";
import { drawHistogram } from "../../../src/gateway/cli/histogram_chart.ts";
import { drawBar, ProgressBar } from "../../../src/gateway/cli/progress_bar.ts";
import { Histogram } from "../../../src/gateway/load/histogram.ts";
import { TextSink } from "./memory_shell.ts";

describe("durations", () => {
  it("are shown with three figures or so", () => {
    assert.deepEqual([0.0004, 0.412, 3.214, 41.26, 412.4, 1500].map(formatMs), [
      "0 µs",
      "412 µs",
      "3.21 ms",
      "41.3 ms",
      "412 ms",
      "1.50 s",
    ]);
  });
});

describe("the histogram", () => {
  it("gives percentiles at most 1.6 % too high, from 100 ns to minutes", () => {
    const histogram = new Histogram();
    const values = Array.from({ length: 10_000 }, (_, i) => 0.0001 * 1.0022 ** i);
    for (const value of values) histogram.record(value);
    for (const percent of [1, 10, 50, 90, 99, 99.9]) {
      const wanted = values[Math.ceil(percent * 100) - 1]!;
      const got = histogram.percentile(percent);
      assert.ok(
        got >= wanted - 0.0001 && got <= wanted * 1.016 + 0.0001,
        `p${percent}: ${got} for ${wanted}`,
      );
    }
    assert.deepEqual([histogram.count, histogram.min, histogram.max], [10_000, values[0], values.at(-1)]);
    assert.equal(histogram.percentile(100), values.at(-1));
  });

  it("adds up with another, and is 0 when empty", () => {
    const [one, other] = [new Histogram(), new Histogram()];
    assert.deepEqual([one.percentile(50), one.mean, one.count], [0, 0, 0]);
    one.record(1);
    other.record(3);
    one.add(other);
    one.add(new Histogram());
    assert.deepEqual([one.count, one.min, one.max, one.mean], [2, 1, 3, 2]);
  });

  it("is drawn with every value in one row and no more than 16 rows", () => {
    const histogram = new Histogram();
    for (let ms = 0.01; ms < 5000; ms *= 1.1) histogram.record(ms);
    const rows = drawHistogram(histogram, 80);
    assert.ok(rows.length > 3 && rows.length <= 16);
    const shares = rows.map((row) => Number(/([\d.]+) %$/.exec(row)?.[1] ?? 0));
    assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 100) < 1, shares.join(" "));
    assert.ok(rows.every((row) => row.length <= 80));
    assert.deepEqual(drawHistogram(new Histogram(), 80), []);
    const single = new Histogram();
    single.record(1);
    assert.match(drawHistogram(single, 80).join("\n"), /█.* 100\.0 %/);
  });
});

describe("the progress bar", () => {
  it("fills in steps of an eighth", () => {
    assert.deepEqual([0, 0.5, 1, 2, -1].map((part) => drawBar(part, 4)), ["", "██", "████", "████", ""]);
    assert.equal(drawBar(1 / 32, 4), "▏");
  });

  it("draws on a terminal over itself, and takes itself away", () => {
    const terminal = new TextSink(60);
    const bar = new ProgressBar(terminal, true);
    bar.update(0.5, "half");
    assert.ok(terminal.text.startsWith("\r\x1b[2K"));
    assert.match(terminal.text.slice(5), /^█+·+ half$/);
    bar.clear();
    assert.ok(terminal.text.endsWith("\r\x1b[2K"));
  });

  it("draws nothing where nobody looks, or where it is not wanted", () => {
    const [file, terminal] = [new TextSink(), new TextSink(60)];
    for (const bar of [new ProgressBar(file, true), new ProgressBar(terminal, false)]) {
      bar.update(0.5, "half");
      bar.clear();
    }
    assert.deepEqual([file.text, terminal.text], ["", ""]);
  });
});
