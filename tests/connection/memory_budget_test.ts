// One bound on the memory of many connections: when it is exceeded, who has to go, and what it costs.
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { test } from "node:test";
import { Budget, type BudgetMember, memoryBudget } from "../../src/connection/memory_budget.ts";
import { LimitError, OptionsError } from "../../src/core/errors.ts";
import { TimerWheel } from "../../src/core/time/timer_wheel.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

/** A connection that holds what the test says. */
class Holding {
  readonly wheel: TimerWheel;
  readonly vigil = { lastRead: 0, lastWrite: 0 };
  readonly outbox = { pending: 0, look: () => {} };
  readonly delivery = { heldBytes: 0 };
  readonly pipeline = { partialFrameBytes: 0 };
  readonly life: { drop(reason: string, by: string, error?: unknown): void };
  dropped: unknown = undefined;

  constructor(member: Member, bytes: number) {
    this.wheel = member.wheel;
    this.outbox.pending = bytes;
    this.life = {
      drop: (reason, _by, error) => {
        equal(reason, "memory_budget");
        this.dropped = error;
        member.end(this);
      },
    };
  }
}

class Member implements BudgetMember {
  readonly sessions: Set<Holding> = new Set();
  readonly wheel: TimerWheel;
  readonly told: string[] = [];
  readonly #budget: Budget;

  constructor(wheel: TimerWheel, budget: Budget) {
    this.wheel = wheel;
    this.#budget = budget;
  }

  open(bytes: number): Holding {
    const holding = new Holding(this, bytes);
    this.sessions.add(holding);
    this.#budget.join(this);
    return holding;
  }

  end(holding: Holding): void {
    this.sessions.delete(holding);
    if (this.sessions.size === 0) this.#budget.leave(this);
  }

  budgetChanged({ exceeded, held }: Budget): void {
    this.told.push(`${exceeded} ${held}`);
  }
}

function place(limit: number): { clock: FakeClock; budget: Budget; member: Member; other: Member } {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const budget = new Budget(limit);
  return { clock, budget, member: new Member(wheel, budget), other: new Member(wheel, budget) };
}

test("of connections that stand still the largest go first, as many as it takes to hold four fifths (F-66)", () => {
  const { clock, budget, member, other } = place(1_000);
  const sizes = [100, 400, 150, 300, 50];
  const all = sizes.map((bytes, at) => (at % 2 === 0 ? member : other).open(bytes));
  clock.advance(3_000);
  ok(!budget.exceeded);
  equal(budget.held, 1_000);
  all[4]!.outbox.pending = 51;
  clock.advance(3_000);
  deepEqual(all.map(({ dropped }) => dropped !== undefined), [false, true, false, false, false]);
  const error = all[1]!.dropped;
  ok(error instanceof LimitError && error.reason === "memory" && error.limit === 1_000);
  ok(!budget.exceeded);
  deepEqual([budget.held, budget.episodes], [601, 1]);
  deepEqual(member.told, ["true 1001", "false 601"]);
  deepEqual(other.told, ["true 1001", "false 601"]);
  for (const holding of all) (member.sessions.has(holding) ? member : other).end(holding);
  equal(clock.pendingTimers, 0);
});

test("a connection whose bytes move is kept while another stands still, however much it holds (F-66)", () => {
  const { clock, member } = place(1_000);
  const moving = member.open(900);
  const still = member.open(250);
  for (let tenth = 0; tenth < 30; tenth++) {
    clock.advance(100);
    moving.vigil.lastWrite = moving.wheel.now;
  }
  ok(still.dropped !== undefined && moving.dropped === undefined);
  member.end(moving);
});

test("where all move, the largest goes once too much has been held for two seconds (F-66)", () => {
  const { clock, budget, member } = place(1_000);
  const [small, large] = [member.open(400), member.open(700)];
  const pass = (tenths: number) => {
    for (let tenth = 0; tenth < tenths; tenth++) {
      clock.advance(100);
      small.vigil.lastWrite = large.vigil.lastWrite = small.wheel.now;
    }
  };
  pass(20);
  ok(budget.exceeded && small.dropped === undefined && large.dropped === undefined);
  pass(30);
  ok(large.dropped !== undefined && small.dropped === undefined);
  member.end(small);
});

test("between four fifths and the limit an episode neither begins nor ends (F-66)", () => {
  const { clock, budget, member } = place(1_000);
  const holding = member.open(900);
  clock.advance(3_000);
  ok(!budget.exceeded);
  holding.outbox.pending = 1_001;
  holding.vigil.lastWrite = Infinity;
  clock.advance(1_000);
  ok(budget.exceeded);
  holding.outbox.pending = 900;
  clock.advance(5_000);
  ok(budget.exceeded && holding.dropped === undefined);
  holding.outbox.pending = 800;
  clock.advance(1_000);
  ok(!budget.exceeded);
  equal(budget.episodes, 1);
  member.end(holding);
});

test("frames that wait for a handler and parts of frames count as what waits to be sent does (F-66)", () => {
  const { clock, budget, member } = place(1_000);
  const holding = member.open(1);
  holding.delivery.heldBytes = 20;
  holding.pipeline.partialFrameBytes = 300;
  clock.advance(2_000);
  equal(budget.held, 321);
  member.end(holding);
  equal(budget.held, 0);
});

test("peers that are found slow bring the next sum forward, if together they may be over the limit (F-66)", () => {
  const { clock, budget, member } = place(1_000);
  const holding = member.open(0);
  clock.advance(1_000);
  holding.outbox.pending = 2_000;
  holding.vigil.lastWrite = Infinity;
  budget.grew(900);
  clock.advance(200);
  ok(!budget.exceeded);
  budget.grew(200);
  clock.advance(200);
  ok(budget.exceeded);
  holding.outbox.pending = 0;
  member.end(holding);
});

test("a hundred thousand connections are added up in several turns (F-66)", () => {
  const { clock, budget, member } = place(1_000_000);
  let most = 0;
  let looked = 0;
  const { expire } = budget;
  budget.expire = (now) => {
    looked = 0;
    const again = expire.call(budget, now);
    most = Math.max(most, looked);
    return again;
  };
  const all = Array.from({ length: 100_000 }, () => {
    const holding = member.open(0);
    Object.defineProperty(holding.delivery, "heldBytes", {
      get: () => {
        looked++;
        return 1;
      },
    });
    return holding;
  });
  clock.advance(10_000);
  equal(budget.held, 100_000);
  ok(most > 0 && most <= 20_000, `${most} in one turn`);
  for (const holding of all) member.end(holding);
});

test("without connections there is no timer, and without a limit there never is one (F-66)", () => {
  const { clock, budget, member } = place(1_000);
  member.end(member.open(0));
  equal(clock.pendingTimers, 0);
  equal(budget.held, 0);
  const endless = place(Infinity);
  endless.member.open(5);
  equal(endless.clock.pendingTimers, 0);
});

test("the last connection's end is the end of an episode, for those whose connections ended before as well (F-66)", () => {
  const { clock, budget, member, other } = place(100);
  const [one, two] = [member.open(90), other.open(90)];
  one.vigil.lastWrite = two.vigil.lastWrite = Infinity;
  clock.advance(1_000);
  ok(budget.exceeded);
  member.end(one);
  other.end(two);
  clock.advance(2_000);
  ok(!budget.exceeded);
  equal(member.told.length, 2);
  equal(other.told.length, 2);
  equal(clock.pendingTimers, 0);
});

test("a limit that is no size is rejected (F-66)", () => {
  throws(() => memoryBudget("much" as never), OptionsError);
  equal(memoryBudget("1 KiB").limit, 1024);
});
