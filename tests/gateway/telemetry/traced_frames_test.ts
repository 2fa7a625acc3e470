/** Frames that are traced on buses that store, that are slow, and that fail (F-50). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BusMessage, PublishObserver } from "../../../src/gateway/buses/bus.ts";
import type { TerminationRecord } from "../../../src/connection/termination.ts";
import { BusError } from "../../../src/gateway/errors.ts";
import type { Span } from "../../../src/gateway/telemetry/otlp.ts";
import { TracedFrames } from "../../../src/gateway/telemetry/traced_frames.ts";
import { Tracer } from "../../../src/gateway/telemetry/tracer.ts";
import { FakeClock } from "../../../src/testing/fake_clock.ts";

type Publish = (message: BusMessage, observer?: PublishObserver) => void | Promise<void>;

/** Frames to such a bus, and how their spans ended. */
function traced(publish: Publish) {
  const ends: (string | undefined)[] = [];
  const context = { traceId: "a".repeat(32), spanId: "b".repeat(16) };
  const tracer = {
    begin: () => ({ context, name: "", kind: 4 as const, start: 0, began: 0 }),
    end: (_: unknown, __: unknown, failure?: { readonly type: string }) => void ends.push(failure?.type),
  };
  return { ends, frames: new TracedFrames(tracer, { publish }, { ratio: 1, link: undefined, facts: {} }) };
}

const metadata = Object.freeze({ "conn.id": "1" });
const message: BusMessage = { subject: "a", payload: new Uint8Array(1), metadata };

describe("a traced frame", () => {
  it("ends when the bus has stored it, and tells the connection of that (F-50)", () => {
    let observer: PublishObserver = {};
    const { ends, frames } = traced((sent, given) => {
      assert.equal(sent.metadata["traceparent"], `00-${"a".repeat(32)}-${"b".repeat(16)}-01`);
      assert.equal(sent.metadata["conn.id"], "1");
      observer = given!;
    });
    const heard: string[] = [];
    const same = (known: BusMessage): void => assert.equal(known, message, "the message as it was published");
    const own = {
      stored: (known: BusMessage) => (same(known), void heard.push("stored")),
      failed: (known: BusMessage) => (same(known), void heard.push("failed")),
    };
    void frames.publish(message, own);
    assert.deepEqual([ends, heard], [[], []]);
    observer.stored!({ ...message });
    assert.deepEqual([ends, heard], [[undefined], ["stored"]]);
    void frames.publish(message, own);
    observer.failed!({ ...message }, new BusError("closed", "no"));
    assert.deepEqual([ends, heard], [[undefined, "closed"], ["stored", "failed"]]);
    assert.deepEqual(metadata, { "conn.id": "1" }, "what all frames share has not changed");
  });

  it("ends when a slow bus has accepted it (F-50)", async () => {
    let accept = (): void => {};
    const { ends, frames } = traced(() => new Promise<void>((resolve) => accept = resolve));
    const wait = frames.publish(message);
    assert.deepEqual(ends, []);
    accept();
    await wait;
    assert.deepEqual(ends, [undefined]);
  });

  it("fails as its publishing does (F-50)", async () => {
    const error = new BusError("disconnected", "no");
    const late = traced(() => Promise.reject(error));
    await assert.rejects(async () => await late.frames.publish(message), error);
    const early = traced(() => {
      throw error;
    });
    assert.throws(() => early.frames.publish(message), error);
    assert.deepEqual([late.ends, early.ends], [["disconnected"], ["disconnected"]]);
  });
});

describe("a traced connection", () => {
  it("is forgotten when it has closed (F-50)", async () => {
    const [open, spans]: [Map<string, unknown>, Span[]] = [new Map(), []];
    const subjects = { ingress: "a" };
    const settings = {
      endpoint: { name: "echo", mode: "server", subjects },
      ratios: { connections: 1, frames: 0 },
      bus: "memory",
      open,
      export: (span: Span) => void spans.push(span),
    } as unknown as ConstructorParameters<typeof Tracer>[0];
    const tracer = new Tracer(settings, new FakeClock());
    const local = { transport: "unix", path: "/x" };
    const record = { connectionId: "1", startedAt: 1_000, durationMs: 0.5, peer: { local } };
    const closed = Promise.resolve(record as unknown as TerminationRecord);
    const connection = { id: "1", closed } as Parameters<Tracer["connection"]>[0];
    tracer.connection(connection, { publish: () => {} });
    const { traceId, spanId } = open.get("1") as Span;
    await closed;
    assert.equal(open.size, 0);
    const [span] = spans;
    assert.deepEqual([span!.traceId, span!.spanId], [traceId, spanId]);
    assert.deepEqual([span!.startTimeUnixNano, span!.endTimeUnixNano], ["1000000000", "1000500000"]);
  });
});
