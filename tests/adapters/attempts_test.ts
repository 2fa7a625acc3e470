// Names with several addresses, at the seam: no name of loopback has two everywhere.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { firstConnected } from "../../src/adapters/attempts.ts";
import { alternating } from "../../src/adapters/by_name.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

/** Attempts that a test lets end. */
class Trial {
  readonly clock: FakeClock = new FakeClock();
  readonly begun: string[] = [];
  readonly aborted: string[] = [];
  readonly dropped: string[] = [];
  readonly connect: Map<string, () => void> = new Map();
  readonly fail: Map<string, (error: unknown) => void> = new Map();

  start(addresses: readonly string[], signal?: AbortSignal): Promise<string> {
    return firstConnected(
      {
        addresses,
        attempt: (address, each) =>
          new Promise((resolve, reject) => {
            this.begun.push(address);
            const abort = (): void => {
              this.aborted.push(address);
              reject(each.reason);
            };
            if (each.aborted) return abort();
            each.addEventListener("abort", abort);
            this.connect.set(address, () => resolve(address));
            this.fail.set(address, reject);
          }),
        drop: (late) => void this.dropped.push(late),
      },
      signal,
      this.clock,
    );
  }

  /** Lets promise jobs run. */
  async pass(ms = 0): Promise<void> {
    await this.clock.advanceAsync(ms);
  }
}

describe("connecting to a name with several addresses", () => {
  it("S-55: does not drop a slow first one when the second is tried", async () => {
    const trial = new Trial();
    const connected = trial.start(["slow", "other"]);
    await trial.pass(249);
    assert.deepEqual(trial.begun, ["slow"]);
    await trial.pass(1);
    assert.deepEqual(trial.begun, ["slow", "other"]);
    trial.fail.get("other")!(new Error("refused"));
    await trial.pass(5_000);
    assert.deepEqual(trial.aborted, []);
    trial.connect.get("slow")!();
    assert.equal(await connected, "slow");
    assert.equal(trial.clock.pendingTimers, 0);
  });

  it("S-55: tries the next at once when one fails, and tells of the first when all fail", async () => {
    const trial = new Trial();
    const connected = trial.start(["a", "b"]);
    connected.catch(() => {});
    const first = new Error("first");
    trial.fail.get("a")!(first);
    await trial.pass();
    assert.deepEqual(trial.begun, ["a", "b"]);
    trial.fail.get("b")!(new Error("second"));
    await assert.rejects(connected, (error) => error === first);
    assert.equal(trial.clock.pendingTimers, 0);
  });

  it("S-55: gives the others up when one has connected, and drops one that came too late", async () => {
    const trial = new Trial();
    const connected = trial.start(["a", "b", "c"]);
    await trial.pass(250);
    trial.connect.get("b")!();
    trial.connect.get("a")!();
    assert.equal(await connected, "b");
    await trial.pass();
    assert.deepEqual([trial.dropped, trial.begun], [["a"], ["a", "b"]]);
    assert.deepEqual(trial.aborted.sort(), ["a", "b"]);
  });

  it("S-35: reaches the one that answers, however many before it never do", async () => {
    const trial = new Trial();
    const names = Array.from({ length: 12 }, (_, at) => `${at}`);
    const connected = trial.start(names);
    await trial.pass(10 * 250);
    assert.deepEqual(trial.begun, names.slice(0, 11));
    await trial.pass(250);
    trial.connect.get("11")!();
    assert.equal(await connected, "11");
    await trial.pass();
    assert.deepEqual([trial.aborted.length, trial.clock.pendingTimers], [12, 0]);
  });

  it("S-35: takes the families of addresses in turn, the family of the best one first", () => {
    const found = (family: number, ...addresses: string[]) =>
      addresses.map((address) => ({ address, family }));
    const order = (...all: { address: string; family: number }[][]) => alternating(all.flat()).join(" ");
    assert.equal(order(found(6, "::1", "::2", "::3"), found(4, "1", "2")), "::1 1 ::2 2 ::3");
    assert.equal(order(found(4, "1"), found(6, "::1", "::2")), "1 ::1 ::2");
    assert.equal(order(found(4, "1", "2")), "1 2");
  });

  it("S-55: ends with the signal, which all attempts hear of", async () => {
    const trial = new Trial();
    const abort = new AbortController();
    const connected = trial.start(["a", "b", "c"], abort.signal);
    connected.catch(() => {});
    await trial.pass(250);
    const reason = new Error("enough");
    abort.abort(reason);
    await assert.rejects(connected, (error) => error === reason);
    assert.deepEqual([trial.begun, trial.aborted, trial.clock.pendingTimers], [["a", "b"], ["a", "b"], 0]);
    await assert.rejects(trial.start(["a"], AbortSignal.abort(reason)), (error) => error === reason);
  });
});
