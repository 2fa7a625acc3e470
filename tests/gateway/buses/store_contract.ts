/** What every bus that stores must do when its server fails: every frame once, and in the order of its connection. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Bus, BusMessage } from "../../../src/gateway/buses/bus.ts";
import { it } from "../../support/it.ts";
import type { Cleaner } from "../../support/program.ts";

/** A server that the test has started. */
export interface KillableServer {
  readonly url: string;
  kill(): Promise<void>;
  run(): Promise<void>;
}

/** How to get one, and the bus on it. */
export interface StoreUnderTest {
  readonly name: string;
  readonly skip: string | false;
  start(t: Cleaner): Promise<KillableServer>;
  /** One that connects again after 50 ms. */
  open(url: string, options?: { readonly maxPending?: number }): Promise<Bus>;
  /** What is stored, by connection, in its order. */
  storedIn(url: string): Promise<Map<string, number[]>>;
}

/** One connection's frames, numbered. */
export function* frames(id: string, count: number): Generator<BusMessage> {
  for (let seq = 1; seq <= count; seq++) {
    yield {
      subject: `millrace.t.in.${id}`,
      payload: new TextEncoder().encode(`${id} ${seq}`),
      metadata: { "conn.id": id },
      seq,
    };
  }
}

async function publishAll(
  bus: Bus,
  id: string,
  count: number,
  pause: (n: number) => Promise<void> | void,
) {
  let stored = 0;
  for (const frame of frames(id, count)) {
    const wait = bus.publish(frame, { stored: () => void stored++ });
    if (wait !== undefined) await wait;
    await pause(frame.seq!);
  }
  return () => stored;
}

export const tick = (): Promise<void> => new Promise<void>((resolve) => setTimeout(resolve, 1));
export const all = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

/** Runs them all. */
export function storeContract({ name, skip, start, open, storedIn }: StoreUnderTest): void {
  const options = { skip, timeout: 120_000 };
  describe(`${name} whose server is killed`, () => {
    for (const pace of ["1 ms a frame", "full speed"] as const) {
      it(`S-30: has every frame once and in order, at ${pace} (F-58, F-76)`, options, async (t) => {
        const server = await start(t);
        const bus = await open(server.url);
        t.after(() => bus.close());
        const count = pace === "full speed" ? 4_000 : 600;
        const kills = new Set([0.2, 0.5, 0.8].map((part) => Math.round(count * part)));
        let killing: Promise<void> = Promise.resolve();
        const connections = ["a", "b", "c"].map((id, at) =>
          publishAll(bus, id, count, (n) => {
            if (at === 0 && kills.has(n)) {
              killing = killing.then(() => server.kill()).then(() => server.run());
            }
            return pace === "full speed" ? undefined : tick();
          })
        );
        const stored = await Promise.all(connections);
        await killing;
        await bus.flush();
        assert.deepEqual(stored.map((count) => count()), [count, count, count]);
        const found = await storedIn(server.url);
        for (const id of ["a", "b", "c"]) assert.deepEqual(found.get(id), all(count), id);
        assert.ok(bus.stats().stops! >= 1);
        assert.equal(bus.stats().unconfirmed, 0);
      });
    }

    it("publishers wait while it is away, and what waits is bounded (F-58)", options, async (t) => {
      const server = await start(t);
      const bus = await open(server.url, { maxPending: 16 });
      t.after(() => bus.close());
      await server.kill();
      let taken = 0;
      const publishing = (async () => {
        for (const frame of frames("a", 100)) {
          const wait = bus.publish(frame);
          taken++;
          if (wait !== undefined) await wait;
        }
      })();
      for (let turn = 0; turn < 50; turn++) await tick();
      assert.equal(taken, 16);
      assert.equal(bus.stats().unconfirmed, 16);
      await server.run();
      await publishing;
      await bus.flush();
      assert.deepEqual((await storedIn(server.url)).get("a"), all(100));
    });

    it("a bus that is closed fails what is not stored, each once (F-58)", options, async (t) => {
      const server = await start(t);
      const bus = await open(server.url);
      await server.kill();
      const failed: string[] = [];
      for (const frame of frames("a", 3)) {
        void bus.publish(frame, {
          failed: (_, error) => void failed.push((error as { reason?: string }).reason!),
        });
      }
      await bus.close();
      assert.deepEqual(failed, ["closed", "closed", "closed"]);
    });
  });
}
