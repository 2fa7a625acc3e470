/** Telemetry on its way to a collector that is slow, busy, strict or away (F-50). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { LogRecord } from "../../../src/core/logger.ts";
import { Exporter, type ExporterSettings } from "../../../src/gateway/telemetry/exporter.ts";
import { otlpLogRecord } from "../../../src/gateway/telemetry/logs.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";
import { eventually } from "../../support/eventually.ts";
import { it } from "../../support/it.ts";
import { type Answer, OtlpReceiver } from "../../support/otlp_receiver.ts";

type Test = Parameters<typeof OtlpReceiver.start>[0];

async function start(t: Test, settings: Partial<ExporterSettings> = {}) {
  const receiver = await OtlpReceiver.start(t);
  const clock = new FakeClock();
  const log: LogRecord[] = [];
  const exporter = new Exporter(
    {
      signal: "logs",
      url: `${receiver.url}/v1/logs`,
      headers: { "x-key": "secret" },
      encoding: "http/protobuf",
      timeout: 10_000,
      resource: [],
      maxQueue: 2048,
      retryFor: 300_000,
      ...settings,
    },
    clock,
    (record) => log.push(record),
  );
  t.after(() => exporter.close(0));
  const push = (count: number, from = 0): void => {
    for (let index = from; index < from + count; index++) {
      exporter.push(otlpLogRecord({ level: "info", message: `${index}`, fields: {} }, clock.wallTime()));
    }
  };
  return { receiver, clock, log, exporter, push };
}

const bodies = (receiver: OtlpReceiver): string[] =>
  receiver.logRecords.map(({ body }: { body: { stringValue: string } }) => body.stringValue);

/** Answers in turn, the last one for ever. */
function inTurn(receiver: OtlpReceiver, ...answers: Answer[]): void {
  receiver.answer = () => (answers.length > 1 ? answers.shift() : answers[0]) ?? {};
}

describe("the exporter of a signal", () => {
  it("gathers for a second, and sends a full batch at once (F-50)", async (t) => {
    const { receiver, clock, exporter, push } = await start(t);
    push(3);
    clock.advance(999);
    assert.equal(exporter.stats().pending, 3);
    clock.advance(1);
    await receiver.until(() => receiver.requests.length === 1, "the first request");
    assert.deepEqual(bodies(receiver), ["0", "1", "2"]);
    assert.equal(receiver.requests[0]!.headers["x-key"], "secret");
    await eventually(() => exporter.stats().sent === 3, "the answer");
    push(512, 3);
    await receiver.until(() => receiver.requests.length === 2, "a full batch");
    assert.deepEqual(bodies(receiver), Array.from({ length: 515 }, (_, index) => `${index}`));
    await eventually(() => clock.pendingTimers === 0, "no timer is left");
  });

  it("drops and counts what has no room, and keeps the order of the rest (F-50)", async (t) => {
    const { receiver, clock, exporter, push } = await start(t, { maxQueue: 600 });
    receiver.answer = () => ({ silent: true });
    push(512);
    await receiver.until(() => receiver.requests.length === 1, "a request that is not answered");
    push(700, 512);
    assert.deepEqual(exporter.stats(), { signal: "logs", sent: 0, dropped: 100, failures: 0, pending: 600 });
    receiver.answer = () => ({});
    clock.advance(10_000);
    await eventually(() => exporter.stats().failures === 1 && clock.untilNextTimer! <= 1_000, "a failure");
    clock.advance(1_000);
    await receiver.until(() => receiver.requests.length === 2, "the batch again");
    await eventually(() => exporter.stats().sent === 512 && clock.pendingTimers === 1, "an answer");
    clock.advance(1_000);
    await receiver.until(() => receiver.requests.length === 4, "the rest in two requests");
    await eventually(() => exporter.stats().sent === 1112, "the last answer");
    assert.deepEqual(bodies(receiver).slice(512), Array.from({ length: 1112 }, (_, index) => `${index}`));
    assert.equal(exporter.stats().pending, 0);
  });

  for (const status of [429, 502, 503, 504]) {
    it(`sends a batch again after ${status}, not before Retry-After (F-50)`, async (t) => {
      const { receiver, clock, exporter, push, log } = await start(t);
      const date = new Date(clock.wallTime() + 1_000 + 20_000).toUTCString();
      const wait = status === 429 ? "7" : date;
      inTurn(receiver, { status, headers: { "retry-after": wait } }, {});
      push(1);
      clock.advance(1_000);
      await eventually(() => exporter.stats().failures === 1 && clock.pendingTimers === 1, "a failure");
      assert.equal(clock.untilNextTimer, status === 429 ? 7_000 : 20_000);
      clock.advance(clock.untilNextTimer!);
      await eventually(() => exporter.stats().sent === 1, "a success");
      assert.deepEqual(bodies(receiver), ["0", "0"]);
      assert.equal(exporter.stats().dropped, 0);
      assert.deepEqual(log.map(({ level, message }) => [level, message]), [
        ["warn", "telemetry cannot be sent"],
        ["info", "the collector takes telemetry again"],
      ]);
      assert.match(String(log[0]!.fields["error"]), new RegExp(`${status}`));
    });
  }

  it("sends nothing again that the collector refuses for good, and follows no redirection (F-50)", async (t) => {
    const { receiver, clock, exporter, push, log } = await start(t);
    inTurn(
      receiver,
      { status: 400 },
      { status: 307, headers: { location: "/elsewhere" } },
      { status: 500 },
      {},
    );
    for (let times = 1; times <= 3; times++) {
      push(2);
      clock.advance(1_000);
      await eventually(() => exporter.stats().dropped === 2 * times, "a refusal");
      await eventually(() => clock.pendingTimers === 0, "nothing is waited for");
    }
    assert.equal(receiver.requests.length, 3);
    push(1);
    clock.advance(1_000);
    await eventually(() => exporter.stats().sent === 1, "a success");
    assert.deepEqual(exporter.stats(), { signal: "logs", sent: 1, dropped: 6, failures: 3, pending: 0 });
    assert.equal(log.length, 2, "one record for the outage and one for its end");
    assert.deepEqual(receiver.faults, []);
  });

  it("counts what a collector has not taken of a request that it accepted (F-50)", async (t) => {
    for (const encoding of ["http/json", "http/protobuf"] as const) {
      const { receiver, clock, exporter, push, log } = await start(t, { encoding });
      inTurn(receiver, { rejected: 2, message: "too old" });
      push(5);
      clock.advance(1_000);
      await eventually(() => exporter.stats().sent === 3, "a success in part");
      assert.equal(exporter.stats().dropped, 2);
      assert.equal(log[0]!.fields["error"], "too old");
    }
  });

  it("waits longer each time while nobody answers, and gives a batch up in the end (F-50)", async (t) => {
    const { receiver, clock, exporter, push, log } = await start(t, { retryFor: 60_000 });
    receiver.answer = () => ({ reset: true });
    push(1);
    clock.advance(1_000);
    const waits: number[] = [];
    for (let failures = 1; exporter.stats().dropped === 0; failures++) {
      await eventually(
        () =>
          exporter.stats().dropped > 0 || exporter.stats().failures === failures && clock.pendingTimers === 1,
        "a failure",
      );
      if (exporter.stats().dropped > 0) break;
      waits.push(clock.untilNextTimer!);
      clock.advance(clock.untilNextTimer!);
      await eventually(
        () => exporter.stats().dropped > 0 || exporter.stats().failures > failures,
        "another attempt",
      );
    }
    for (const [index, wait] of waits.entries()) {
      const most = Math.min(1_000 * 2 ** index, 30_000);
      assert.ok(wait >= most / 2 && wait <= most, `wait ${index}: ${wait}`);
    }
    const sum = waits.reduce((all, wait) => all + wait, 0);
    assert.ok(sum >= 60_000 && sum < 90_000 + 1, `${sum}`);
    assert.equal(log.length, 1, "one record for the whole outage");
    assert.equal(clock.pendingTimers, 0);
  });

  it("ends a request that is not answered (F-50)", async (t) => {
    const { receiver, clock, exporter, push, log } = await start(t, { timeout: 4_000 });
    receiver.answer = () => ({ silent: true });
    push(1);
    clock.advance(1_000);
    await receiver.until(() => receiver.requests.length === 1, "a request");
    clock.advance(4_000);
    await eventually(() => exporter.stats().failures === 1, "a failure");
    assert.match(String(log[0]!.fields["error"]), /no answer within 4000 ms/);
  });

  it("sends what waits when it closes, all of it (F-50)", async (t) => {
    const { receiver, clock, exporter, push } = await start(t);
    push(511);
    await exporter.close(2_000, [otlpLogRecord({ level: "warn", message: "last", fields: {} }, 0)]);
    assert.deepEqual(bodies(receiver).slice(510), ["510", "last"]);
    assert.equal(exporter.stats().sent, 512);
    push(1);
    assert.equal(exporter.stats().dropped, 1);
    assert.equal(clock.pendingTimers, 0);
  });

  it("tries once more when it closes, and then drops what is left (F-50)", async (t) => {
    const { receiver, clock, exporter, push } = await start(t);
    receiver.answer = () => ({ status: 503, headers: { "retry-after": "3600" } });
    push(1_300);
    await eventually(() => exporter.stats().failures === 1 && clock.untilNextTimer === 300_000, "a wait");
    await exporter.close(2_000);
    assert.equal(receiver.requests.length, 2);
    assert.deepEqual(exporter.stats(), { signal: "logs", sent: 0, dropped: 1_300, failures: 2, pending: 0 });
    assert.equal(clock.pendingTimers, 0);
  });

  it("closes in time though the collector does not answer (F-50)", async (t) => {
    const { receiver, clock, exporter, push } = await start(t);
    receiver.answer = () => ({ silent: true });
    push(600);
    await receiver.until(() => receiver.requests.length === 1, "a request");
    const closing = exporter.close(2_000);
    clock.advance(2_000);
    await closing;
    assert.deepEqual(exporter.stats(), { signal: "logs", sent: 0, dropped: 600, failures: 1, pending: 0 });
    assert.equal(clock.pendingTimers, 0);
  });
});
