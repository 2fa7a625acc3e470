/** Pools and several targets: who gets which connection, limits, breakers, checks, names. */
const pool = "src/client/pool/lending_pool.ts";
const stock = "src/client/pool/stock.ts";
const entry = "src/client/pool/entry.ts";
const breaker = "src/client/pool/breaker.ts";
const targets = "src/client/pool/targets.ts";
const tests = ["tests/client/pool/pool_test.ts", "tests/client/pool/targets_test.ts"];
const ofBreaker = ["tests/client/pool/breaker_test.ts"];
const ofBalancer = ["tests/client/pool/balancer_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: pool,
    find: "else if (stock.total < max) this.#dial",
    put: "else if (true) this.#dial",
    tests,
    why: "a pool makes more connections than max",
  },
  {
    file: pool,
    find: "this.#queued >= maxWaiting",
    put: "this.#queued > maxWaiting",
    tests,
    why: "one borrower too many waits",
  },
  {
    file: pool,
    find: "now() - since >= onBorrow",
    put: "now() - since > 2 * onBorrow",
    tests,
    why: "a connection that was idle for long is lent untested",
  },
  {
    file: pool,
    find: "this.#stock.total < min",
    put: "this.#stock.total < min - 1",
    tests,
    why: "a pool keeps less than min",
  },
  {
    file: pool,
    find: "if (waiter === undefined) this.#upkeep.within(refillMs);\n      else",
    put: "if (waiter !== undefined)",
    tests,
    why: "a pool whose target was down at first stays empty",
  },
  {
    file: stock,
    find: "place.idle.at(-1)",
    put: "place.idle.at(0)",
    tests,
    why: "the connection that was idle for longest is lent first",
  },
  {
    file: stock,
    find: "entry.since + maxIdle : Infinity",
    put: "entry.since + maxIdle * 9 : Infinity",
    tests,
    why: "idle connections are kept for too long",
  },
  { file: stock, find: "> min;", put: ">= min;", tests, why: "idle connections of the minimum are closed" },
  {
    file: stock,
    find: "const stays = well && entry.open && now < entry.expires;",
    put: "const stays = well && entry.open;",
    tests,
    why: "a connection that is too old is kept when it comes back",
  },
  {
    file: stock,
    find: "if (!ordinary.includes(reason))",
    put: "if (true)",
    tests,
    why: "a borrower's own destroy opens the breaker",
  },
  {
    file: stock,
    find: "|| !this.#exchangeable) return entry;",
    put: ") return entry;",
    tests,
    why: "a key gets another target in a full pool",
  },
  {
    file: entry,
    find: "return delivery.heldBytes + pipeline.partialFrameBytes === 0 && delivery.inbox.length === 0;",
    put: "return true;",
    tests,
    why: "unread frames go to the next borrower",
  },
  {
    file: entry,
    find: "this.session.life.ending === undefined",
    put: "true",
    tests,
    why: "a connection that the server has ended is kept",
  },
  {
    file: breaker,
    find: "this.failures < this.#settings.failures",
    put: "this.failures <= this.#settings.failures",
    tests: ofBreaker,
    why: "a breaker opens one failure too late",
  },
  {
    file: breaker,
    find: "(now >= this.#until && !this.#trying)",
    put: "now >= this.#until",
    tests: ofBreaker,
    why: "several connections try at once",
  },
  {
    file: breaker,
    find: "if (this.#until !== undefined && !tried) return;",
    put: "",
    tests: ofBreaker,
    why: "what began before it opened makes the wait longer",
  },
  {
    file: breaker,
    find: "this.#retries!.succeeded();",
    put: "",
    tests: ofBreaker,
    why: "the wait of the next opening goes on growing",
  },
  {
    file: targets,
    find: "tried.size < this.#settings.attempts",
    put: "true",
    tests: ofBalancer,
    why: "more targets are tried than attempts",
  },
  {
    file: targets,
    find:
      'if (attempt.signal.aborted) breaker.abandon(tried);\n      else this.#failed(place, "connect_failed"',
    put: 'this.#failed(place, "connect_failed"',
    tests: ofBalancer,
    why: "a client that gives up counts against the target",
  },
  {
    file: targets,
    find: "breaker.closed || (this.#checks === undefined && ",
    put: "breaker.closed || (",
    tests: ofBalancer,
    why: "clients try a target that is being checked",
  },
  {
    file: "src/client/pool/names.ts",
    find: "[...new Set(await this.#lookup(host))]",
    put: "[await this.#lookup(host)].flat().slice(1)",
    tests,
    why: "an address of a name is left out",
  },
];
