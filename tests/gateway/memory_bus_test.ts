/** The bus inside the process (F-57): subjects, queues and their policies, requests, flush and close. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LimitError, OptionsError } from "../../src/core/errors.ts";
import type { BusMessage, QueuePolicy } from "../../src/gateway/buses/bus.ts";
import { memoryBus } from "../../src/gateway/buses/memory_bus.ts";
import { isPattern, isSubject, matches } from "../../src/gateway/buses/subject.ts";
import { BusError } from "../../src/gateway/errors.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

function message(subject: string, text = "x"): BusMessage {
  return { subject, payload: new TextEncoder().encode(text), metadata: {} };
}

function text({ payload }: BusMessage): string {
  return new TextDecoder().decode(payload);
}

/** A handler that waits until it is told. */
function gate(): { readonly held: Promise<void>; release(): void } {
  let release!: () => void;
  const held = new Promise<void>((resolve) => release = resolve);
  return { held, release };
}

describe("subjects", () => {
  const cases: Array<[pattern: string, subject: string, matched: boolean]> = [
    ["a.b", "a.b", true],
    ["a.b", "a.c", false],
    ["a.b", "a.b.c", false],
    ["a.*", "a.b", true],
    ["a.*", "a", false],
    ["a.*", "a.b.c", false],
    ["*.b", "a.b", true],
    ["a.>", "a.b", true],
    ["a.>", "a.b.c", true],
    ["a.>", "a", false],
    [">", "a", true],
  ];
  for (const [pattern, subject, matched] of cases) {
    it(`${pattern} ${matched ? "covers" : "does not cover"} ${subject}`, () => {
      assert.equal(matches(pattern, subject), matched);
    });
  }

  it("have tokens with single dots, and wildcards only in patterns", () => {
    for (const bad of ["", ".", "a.", ".a", "a..b", "a b", "a\nb", "a.*", "a.>", "x".repeat(2_000)]) {
      assert.equal(isSubject(bad), false, JSON.stringify(bad));
    }
    for (const bad of ["", "a..b", "a.>.b", "a b"]) assert.equal(isPattern(bad), false, JSON.stringify(bad));
    for (const good of ["a", "a.b-c_d", "$SYS.x", "é.1"]) assert.equal(isSubject(good), true, good);
  });
});

describe("the memory bus (F-57)", () => {
  it("hands a message to every subscriber at once, in plain calls, and counts what nobody hears", () => {
    const bus = memoryBus();
    const seen: string[] = [];
    bus.subscribe("a.b", (m) => void seen.push(`one ${text(m)}`));
    bus.subscribe("a.*", (m) => void seen.push(`two ${text(m)}`));
    assert.equal(bus.publish(message("a.b")), undefined);
    assert.deepEqual(seen, ["one x", "two x"]);
    assert.equal(bus.publish(message("c")), undefined);
    const { published, delivered, unheard } = bus.stats();
    assert.deepEqual({ published, delivered, unheard }, { published: 2, delivered: 2, unheard: 1 });
  });

  it("gives a handler one message at a time, in order", async () => {
    const bus = memoryBus();
    const seen: string[] = [];
    let running = 0;
    bus.subscribe("a", async (m) => {
      assert.equal(++running, 1);
      await Promise.resolve();
      seen.push(text(m));
      running--;
    });
    for (let i = 0; i < 100; i++) void bus.publish(message("a", String(i)));
    await bus.flush();
    assert.deepEqual(seen, Array.from({ length: 100 }, (_, i) => String(i)));
  });

  it("asks publishers to wait when a queue is full, and loses nothing of those who do", async () => {
    const bus = memoryBus();
    const { held, release } = gate();
    const seen: string[] = [];
    bus.subscribe("a", (m) => held.then(() => void seen.push(text(m))), { limit: 3 });
    const waits = [0, 1, 2].map((i) => bus.publish(message("a", String(i))));
    assert.deepEqual(waits, [undefined, undefined, undefined]);
    const wait = bus.publish(message("a", "3"));
    assert.ok(wait instanceof Promise);
    assert.equal(bus.stats().pending, 3);
    release();
    await wait;
    await bus.flush();
    assert.deepEqual(seen, ["0", "1", "2", "3"]);
    assert.equal(bus.stats().dropped, 0);
  });

  it("counts bytes as well as messages", async () => {
    const bus = memoryBus();
    const { held, release } = gate();
    bus.subscribe("a", () => held, { byteLimit: 1_000 });
    await bus.publish(message("a"));
    assert.equal(bus.publish(message("a", "x".repeat(999))), undefined);
    assert.ok(bus.publish(message("a", "x")) instanceof Promise);
    release();
    await bus.flush();
  });

  const policies: Array<[policy: QueuePolicy, seen: string[]]> = [
    ["drop-newest", ["0", "1", "2"]],
    ["drop-oldest", ["0", "3", "4"]],
  ];
  for (const [policy, expected] of policies) {
    it(`${policy} keeps ${expected.join(", ")} of five and counts the others`, async () => {
      const bus = memoryBus();
      const { held, release } = gate();
      const seen: string[] = [];
      bus.subscribe("a", (m) => held.then(() => void seen.push(text(m))), { limit: 2, policy });
      for (let i = 0; i < 5; i++) assert.equal(bus.publish(message("a", String(i))), undefined);
      release();
      await bus.flush();
      assert.deepEqual(seen, expected);
      assert.equal(bus.stats().dropped, 2);
    });
  }

  it("takes the bytes of a queue as sizes are written, and refuses options that make no sense, all at once", async () => {
    const bus = memoryBus();
    const { held, release } = gate();
    const subscription = bus.subscribe("a", () => held, { byteLimit: "1 KiB", policy: "drop-newest" });
    for (let i = 0; i < 4; i++) await bus.publish(message("a", "x".repeat(600)));
    // One is with the handler, and the second of those behind it reaches the limit.
    assert.deepEqual([subscription.pending, subscription.dropped], [2, 1]);
    release();
    await bus.flush();
    const wrong = { limit: 0, byteLimit: "1 mile", policy: "drop", size: 5 } as unknown as { limit: number };
    assert.throws(() => bus.subscribe("b", () => {}, wrong), (error) => {
      assert.ok(error instanceof OptionsError);
      assert.deepEqual(error.issues.map(({ path }) => path).sort(), ["byteLimit", "limit", "policy", "size"]);
      return true;
    });
  });

  it("refuses, with a typed error, a publisher who never waits", async () => {
    const bus = memoryBus();
    bus.subscribe("a", () => new Promise<void>(() => {}), { limit: 1 });
    let refused: unknown = undefined;
    for (let i = 0; i < 70_000 && refused === undefined; i++) {
      bus.publish(message("a", ""))?.catch((error: unknown) => refused = error);
      if (i > 65_536) await Promise.resolve();
    }
    await Promise.resolve();
    assert.ok(refused instanceof LimitError);
    assert.equal(refused.reason, "waiting_sends");
  });

  it("keeps a small payload, not the large read that it is a view of, while it waits", async () => {
    const bus = memoryBus();
    const { held, release } = gate();
    const seen: BusMessage[] = [];
    bus.subscribe("a", (m) => {
      seen.push(m);
      return held;
    });
    const large = new Uint8Array(65_536);
    for (const at of [0, 1]) {
      void bus.publish({ subject: "a", payload: large.subarray(at, at + 1), metadata: {} });
    }
    release();
    await bus.flush();
    assert.equal(seen[0]?.payload.buffer.byteLength, 65_536);
    assert.equal(seen[1]?.payload.buffer.byteLength, 1);
  });

  it("S-29: a handler that throws or rejects is counted and reported, and the next message comes", async () => {
    const failures: unknown[] = [];
    const bus = memoryBus({ onHandlerError: (error) => failures.push((error as Error).message) });
    const seen: string[] = [];
    bus.subscribe("a", (m): void | Promise<void> => {
      if (text(m) === "throw") throw new Error("thrown");
      if (text(m) === "reject") return Promise.reject(new Error("rejected"));
      seen.push(text(m));
    });
    for (const word of ["throw", "reject", "fine"]) void bus.publish(message("a", word));
    await bus.flush();
    assert.deepEqual(failures, ["thrown", "rejected"]);
    assert.deepEqual(seen, ["fine"]);
    assert.equal(bus.stats().handlerErrors, 2);
  });

  it("answers requests, and says when nobody is there or nobody answers", async () => {
    const clock = new FakeClock();
    const bus = memoryBus({ clock });
    bus.subscribe(
      "double",
      (m) => bus.publish({ ...message(m.reply!), payload: new Uint8Array([m.payload[0]! * 2]) }),
    );
    bus.subscribe("mute", () => {});
    const ask = (subject: string) => bus.request({ subject, payload: new Uint8Array([21]), metadata: {} });
    assert.equal((await ask("double")).payload[0], 42);
    await assert.rejects(ask("nobody"), { _tag: "BusError", reason: "no_responders" });
    const asked = ask("mute");
    clock.advance(4_999);
    clock.advance(1);
    await assert.rejects(asked, { _tag: "BusError", reason: "timeout" });
    assert.equal(clock.pendingTimers, 0);
  });

  it("flush waits for what handlers publish in turn", async () => {
    const bus = memoryBus();
    const seen: string[] = [];
    for (const [from, to] of [["a", "b"], ["b", "c"], ["c", "d"]] as const) {
      bus.subscribe(from, async (m) => {
        await Promise.resolve();
        await bus.publish({ ...m, subject: to });
      });
    }
    bus.subscribe("d", async () => {
      await Promise.resolve();
      seen.push("d");
    });
    void bus.publish(message("a"));
    await bus.flush();
    assert.deepEqual(seen, ["d"]);
  });

  it("refuses what is no subject, and everything once it is closed", async () => {
    const bus = memoryBus();
    assert.throws(() => bus.publish(message("a.*")), { _tag: "BusError", reason: "invalid_subject" });
    assert.throws(() => bus.subscribe("a..b", () => {}), { reason: "invalid_subject" });
    await bus.close();
    await assert.rejects(Promise.resolve(bus.publish(message("a"))), { reason: "closed" });
    await assert.rejects(bus.request(message("a")), { reason: "closed" });
    assert.throws(() => bus.subscribe("a", () => {}), BusError);
  });

  it("counts as dropped what waits for a subscription that is closed, and lets its publishers go on", async () => {
    const bus = memoryBus();
    const { held, release } = gate();
    const subscription = bus.subscribe("a", () => held, { limit: 1 });
    void bus.publish(message("a"));
    void bus.publish(message("a"));
    const wait = bus.publish(message("a"));
    assert.equal(subscription.pending, 2);
    const closing = subscription.close();
    await wait;
    assert.equal(subscription.dropped, 2);
    release();
    await closing;
    assert.equal(bus.stats().dropped, 2);
  });
});
