// What every bus that brings messages back to this process must do. A new bus is one more call of this function.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Bus, BusMessage } from "../../../src/gateway/buses/bus.ts";
import { BusError } from "../../../src/gateway/errors.ts";
import { it } from "../../support/it.ts";
import type { Cleaner } from "../../support/program.ts";
import { within } from "../../contract/within.ts";

/** How to get one, and what it need not do. */
export interface BusUnderTest {
  readonly name: string;
  readonly skip: string | false;
  /** A bus of its own, closed at the end of the test. `onHandlerError` is passed on to it. */
  open(t: Cleaner, onHandlerError?: (error: unknown) => void): Promise<Bus>;
  /** Publishers wait for slow subscribers: nothing is dropped for want of room. */
  readonly waits: boolean;
  /** It knows when nobody is subscribed. */
  readonly knowsNobody: boolean;
  /** The encoding of payloads that are no text, for a bus that carries text. */
  readonly binary?: "base64";
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function message(subject: string, text = "x", metadata: Record<string, string> = {}): BusMessage {
  return { subject, payload: encoder.encode(text), metadata };
}

/** What a subscription has seen, and a promise for when that is enough. */
class Seen {
  readonly texts: string[] = [];
  readonly messages: BusMessage[] = [];
  #wake: () => void = () => {};
  readonly take = (m: BusMessage): void => {
    this.messages.push(m);
    this.texts.push(decoder.decode(m.payload));
    this.#wake();
  };

  async count(least: number): Promise<string[]> {
    while (this.texts.length < least) {
      const more = new Promise<void>((resolve) => this.#wake = resolve);
      if (this.texts.length < least) await within(more, () => `${least} messages, not ${this.texts.length}`);
    }
    return this.texts;
  }
}

/** Runs them all. */
export function busContract({ name, skip, open, waits, knowsNobody, binary }: BusUnderTest): void {
  const options = { skip, timeout: 60_000 };
  describe(`the ${name} bus (F-57)`, () => {
    it(
      "hands a message to every subscription that covers its subject, with payload, metadata and reply",
      options,
      async (t) => {
        const bus = await open(t);
        const [one, many, other] = [new Seen(), new Seen(), new Seen()];
        bus.subscribe("t.one.a", one.take);
        bus.subscribe("t.one.>", many.take);
        bus.subscribe("t.two.*", other.take);
        await bus.flush();
        const sent = {
          ...message("t.one.a", "hello", { "conn.id": "c1", "peer.ip": "::1" }),
          reply: "t.back",
        };
        await bus.publish(sent);
        await bus.publish(message("t.two.b.c", "too deep"));
        await bus.publish(message("t.two.b", "other"));
        await Promise.all([one.count(1), many.count(1), other.count(1)]);
        const [{ subject, reply, metadata, payload }] = one.messages as [BusMessage];
        assert.deepEqual([subject, reply, decoder.decode(payload)], ["t.one.a", "t.back", "hello"]);
        assert.equal(metadata["conn.id"], "c1");
        assert.equal(metadata["peer.ip"], "::1");
        assert.deepEqual([many.texts, other.texts], [["hello"], ["other"]]);
      },
    );

    it("carries any bytes, and none", options, async (t) => {
      const bus = await open(t);
      const seen = new Seen();
      bus.subscribe("t.bytes", seen.take);
      await bus.flush();
      const all = Uint8Array.from({ length: 256 }, (_, n) => n);
      for (const payload of [all, new Uint8Array(0)]) {
        await bus.publish({ subject: "t.bytes", payload, metadata: {}, ...(binary && { encoding: binary }) });
      }
      await seen.count(2);
      assert.deepEqual(seen.messages.map(({ payload }) => [...payload]), [[...all], []]);
    });

    it("keeps the order, and gives a handler one message at a time", options, async (t) => {
      const bus = await open(t);
      const seen = new Seen();
      let running = 0;
      bus.subscribe("t.order", async (m) => {
        assert.equal(++running, 1);
        await Promise.resolve();
        running--;
        seen.take(m);
      });
      await bus.flush();
      const wanted = Array.from({ length: 500 }, (_, n) => String(n));
      for (const text of wanted) await bus.publish(message("t.order", text));
      assert.deepEqual(await seen.count(wanted.length), wanted);
    });

    it("bounds what waits for a slow handler", options, async (t) => {
      const bus = await open(t);
      const seen = new Seen();
      let release!: () => void;
      const held = new Promise<void>((resolve) => release = resolve);
      bus.subscribe("t.slow", (m) => held.then(() => seen.take(m)), { limit: 8 });
      await bus.flush();
      const sent = 40;
      let asked = 0;
      const publishing = (async () => {
        for (let n = 0; n < sent; n++) {
          const wait = bus.publish(message("t.slow", String(n)));
          if (wait === undefined) continue;
          asked++;
          await wait;
        }
      })();
      if (waits) {
        // Not one more is taken before the handler goes on.
        await new Promise((resolve) => setTimeout(resolve, 0));
        assert.ok(asked > 0, "nobody was asked to wait");
        assert.ok(bus.stats().pending <= 9, `${bus.stats().pending} wait`);
      } else await publishing;
      release();
      await publishing;
      await bus.flush();
      const { dropped } = bus.stats();
      await seen.count(sent - dropped);
      assert.equal(seen.texts.length + dropped, sent);
      if (waits) assert.equal(dropped, 0);
      assert.deepEqual(seen.texts, seen.texts.toSorted((a, b) => Number(a) - Number(b)));
    });

    it("counts a handler that throws or rejects, and goes on", options, async (t) => {
      const failures: string[] = [];
      const bus = await open(t, (error) => failures.push((error as Error).message));
      const seen = new Seen();
      bus.subscribe("t.fail", (m): void | Promise<void> => {
        const text = decoder.decode(m.payload);
        if (text === "throw") throw new Error("thrown");
        if (text === "reject") return Promise.reject(new Error("rejected"));
        seen.take(m);
      });
      await bus.flush();
      for (const word of ["throw", "reject", "fine"]) await bus.publish(message("t.fail", word));
      await seen.count(1);
      assert.deepEqual(failures.slice(0, 2), ["thrown", "rejected"]);
      assert.ok(bus.stats().handlerErrors >= 2);
    });

    it(
      "answers a request, says when nobody answers in time, and when nobody is there",
      options,
      async (t) => {
        const bus = await open(t);
        bus.subscribe("t.double", async ({ payload, reply }) => {
          await bus.publish(message(reply!, decoder.decode(payload).repeat(2)));
        });
        bus.subscribe("t.mute", () => {});
        await bus.flush();
        const ask = async (subject: string, timeout: number): Promise<string> =>
          decoder.decode((await bus.request(message(subject, "ab"), { timeout })).payload);
        assert.equal(await ask("t.double", 10_000), "abab");
        await assert.rejects(ask("t.mute", 50), { _tag: "BusError", reason: "timeout" });
        await assert.rejects(ask("t.nobody", 50), {
          _tag: "BusError",
          reason: knowsNobody ? "no_responders" : "timeout",
        });
      },
    );

    it(
      "delivers nothing to a subscription that is closed, and everything to the others",
      options,
      async (t) => {
        const bus = await open(t);
        const [gone, here] = [new Seen(), new Seen()];
        const closing = bus.subscribe("t.close", gone.take);
        bus.subscribe("t.close", here.take);
        await bus.flush();
        await closing.close();
        await closing.close();
        await bus.publish(message("t.close", "late"));
        await here.count(1);
        assert.deepEqual(gone.texts, []);
      },
    );

    it("rejects what is no subject, and everything once it is closed", options, async (t) => {
      const bus = await open(t);
      for (const bad of ["a.*", "a..b", "a b", ""]) {
        assert.throws(() => bus.publish(message(bad)), { _tag: "BusError", reason: "invalid_subject" }, bad);
      }
      assert.throws(() => bus.subscribe("a..b", () => {}), { reason: "invalid_subject" });
      await bus.close();
      await bus.close();
      await assert.rejects(Promise.resolve(bus.publish(message("t.a"))), { reason: "closed" });
      await assert.rejects(bus.request(message("t.a")), { reason: "closed" });
      assert.throws(() => bus.subscribe("t.a", () => {}), BusError);
    });
  });
}
