// What several processes say and count, as one.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe } from "node:test";
import { cpuList } from "../../src/core/text/cpu_list.ts";
import type { MetricSample } from "../../src/core/text/exposition.ts";
import { Counters, fromPortable, portable } from "../../src/gateway/processes/merged_metrics.ts";
import { numbered, passLines } from "../../src/gateway/processes/merged_output.ts";
import { it } from "../support/it.ts";

function sample(name: string, value: number, type: MetricSample["type"] = "counter"): MetricSample {
  return { name, help: "Things.", type, value, labels: { endpoint: "a" } };
}

function shown(samples: readonly MetricSample[]): Record<string, number> {
  return Object.fromEntries(samples.map(({ name, value }) => [name, value]));
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe("several processes as one", () => {
  it("counters go on from one process to the next, and gauges are those of the one that serves (F-49)", () => {
    const counters = new Counters();
    const [old, current] = [{}, {}];
    counters.told(old, [
      sample("a_total", 3),
      sample("open_active", 2, "gauge"),
      sample("ready", 1, "gauge"),
    ]);
    counters.told(current, [
      sample("a_total", 4),
      sample("open_active", 1, "gauge"),
      sample("ready", 1, "gauge"),
    ]);
    assert.deepEqual(shown(counters.samples(current)), { a_total: 7, open_active: 3, ready: 1 });
    counters.retire(old, { samples: portable([sample("a_total", 5), sample("open_active", 0, "gauge")]) });
    assert.deepEqual(shown(counters.samples(current)), { a_total: 9, open_active: 1, ready: 1 });
    // One that has died has said nothing at its end.
    counters.retire(current, undefined);
    assert.deepEqual(shown(counters.samples(undefined)), { a_total: 9 });
    counters.told(old, undefined);
    assert.deepEqual(shown(counters.samples(undefined)), { a_total: 9 });
  });

  it("samples keep what JSON has no word for (F-49)", () => {
    const given = [sample("a", Infinity, "gauge"), sample("b", 1.5), sample("c", NaN, "gauge")];
    assert.deepEqual(fromPortable(JSON.parse(JSON.stringify(portable(given)))), given);
    assert.equal(fromPortable(undefined), undefined);
  });

  it("lines of the log say which process they are of, and records stay JSON (F-49)", () => {
    const text =
      'millrace: stopped\n{"time":"t","level":"info"}\n{"level":"warn"}\nError: x\n    at y\n\n{"own":1}\n';
    assert.equal(
      numbered(2)(text),
      'millrace[2]: stopped\n{"process":2,"time":"t","level":"info"}\n{"process":2,"level":"warn"}\n' +
        'millrace[2]: Error: x\nmillrace[2]:     at y\n\nmillrace[2]: {"own":1}\n',
    );
  });

  it("passes whole lines, and waits while the reader is slow (F-49)", async () => {
    const written: string[] = [];
    let read = (): void => {};
    const output = {
      isTerminal: false,
      columns: undefined,
      write: (text: string) => {
        written.push(text);
        return new Promise<void>((resolve) => read = resolve);
      },
    };
    const chunks = [bytes("one\ntw"), bytes("o\nthr\u00e9"), bytes("e\n").subarray(0, 1), bytes("end")];
    const passed = passLines(Readable.from(chunks), output, (text) => text);
    const next = async (count: number) => {
      while (written.length < count) await new Promise((resolve) => setImmediate(resolve));
    };
    await next(1);
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(written, ["one\n"]);
    read();
    await next(2);
    read();
    await next(3);
    read();
    await passed;
    assert.deepEqual(written, ["one\n", "two\n", "thr\u00e9eend\n"]);
  });

  it("a line without an end is passed in pieces and takes no more than its bound (F-49)", async () => {
    const written: string[] = [];
    const output = {
      isTerminal: false,
      columns: undefined,
      write: (text: string) => void written.push(text),
    };
    const chunk = bytes("x".repeat(400 * 1024));
    await passLines(Readable.from([chunk, chunk, chunk, chunk]), output, (text) => text);
    assert.deepEqual(written.map((text) => text.trimEnd().length), [1200 * 1024, 400 * 1024]);
  });

  it("processors are numbers, ranges and lists of them (F-49)", () => {
    assert.deepEqual(cpuList("0"), [0]);
    assert.deepEqual(cpuList("2-4,0,3"), [0, 2, 3, 4]);
    assert.deepEqual(cpuList("8191"), [8191]);
    for (const text of ["", "a", "1-", "3-1", "1,,2", "8192", "0-99999", "1 2", "-1"]) {
      assert.equal(cpuList(text), undefined, text);
    }
  });
});
