// Listening that is tried again: at the start while the address is in use, and after the listener has failed.
import assert from "node:assert/strict";
import { describe, type TestContext } from "node:test";
import { OptionsError, SocketError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { Adapter, AdapterListenOptions, Listener } from "../../src/core/transport.ts";
import { serve } from "../../src/server/serve.ts";
import type { ServeOptions, ServerState } from "../../src/server/server_options.ts";
import { echo, rejection } from "../support/frames.ts";
import { it } from "../support/it.ts";
import { Real, Virtual } from "../support/server.ts";

const schedule = { initial: 100, factor: 2, max: 400, jitter: 0, for: "Infinity" } as const;

/** A place whose listeners the test can let fail, and forbid. */
class Failing extends Virtual {
  readonly listeners: AdapterListenOptions[] = [];
  readonly states: ServerState[] = [];
  readonly errors: SocketError[] = [];
  /** Why the next attempts to bind fail. */
  readonly refusals: SocketError[] = [];
  readonly sockets: Adapter;
  #bound: Listener | undefined = undefined;

  constructor(t: TestContext) {
    super(t);
    this.sockets = {
      ...this.adapter,
      listen: (options, accept) => {
        this.listeners.push(options);
        const refusal = this.refusals.shift();
        if (refusal !== undefined) return Promise.reject(refusal);
        return this.adapter.listen(options, accept).then((listener) => this.#bound = listener);
      },
    };
  }

  options(more: Partial<ServeOptions<Uint8Array>> = {}): ServeOptions<Uint8Array> {
    return {
      framing: lines(),
      handler: echo,
      logger: (record) => void this.logs.push(record),
      adapter: this.sockets,
      clock: this.clock,
      onState: (state) => void this.states.push(state),
      onListenerError: (error) => void this.errors.push(error),
      ...more,
      port: 4_000,
    } as ServeOptions<Uint8Array>;
  }

  /** What a runtime does whose listener accepts no more. */
  fail(): void {
    void this.#bound!.stop();
    this.listeners.at(-1)!.failed(new SocketError("unknown", "accept on 127.0.0.1:4000: EBADF"), true);
  }

  refuse(times: number): void {
    for (let time = 0; time < times; time++) {
      this.refusals.push(new SocketError("address_in_use", "listen on 127.0.0.1:4000: EADDRINUSE"));
    }
  }
}

function aborter(): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error("enough")) };
}

describe("binding", () => {
  it("is tried again until the address is free, and says so (F-21)", async (t) => {
    const place = new Failing(t);
    const other = await place.serve({ framing: lines(), handler: echo, port: 4_000 });
    const starting = serve(place.options({ bindRetry: schedule }));
    await place.pass(299);
    assert.deepEqual([place.listeners.length, place.states], [2, ["binding"]]);
    await place.drive(other.destroy());
    await place.pass(1);
    const server = await place.drive(starting);
    place.atEnd(() => place.drive(server.destroy()));
    assert.deepEqual(place.states, ["binding", "running"]);
    const tried = place.logs.filter(({ message }) => message === "listening failed and is tried again");
    assert.deepEqual(
      tried.map(({ level, fields }) => [level, fields.reason, fields.attempt, fields.waitMs]),
      [
        ["warn", "address_in_use", 1, 100],
        ["warn", "address_in_use", 2, 200],
      ],
    );
    const peer = await place.dial(server);
    peer.write("here\n");
    await place.settle();
    assert.equal(peer.text, "here\n");
  });

  it("fails at once without the option, and with it when the waits are over (F-21)", async (t) => {
    const place = new Failing(t);
    place.refuse(4);
    const once = await rejection(place.drive(serve(place.options())));
    assert.ok(once instanceof SocketError && once.reason === "address_in_use");
    assert.deepEqual([place.listeners.length, place.states], [1, []]);
    const starting = rejection(serve(place.options({ bindRetry: { ...schedule, attempts: 2 } })));
    await place.pass(300);
    const error = await place.drive(starting);
    assert.ok(error instanceof SocketError && error.reason === "address_in_use");
    assert.match(error.message, /EADDRINUSE; tried 3 times, which is all that bindRetry allows$/);
    assert.equal(place.listeners.length, 4);
  });

  it("is not tried again for what no wait will change (F-21)", async (t) => {
    const place = new Failing(t);
    place.refusals.push(new SocketError("permission_denied", "listen on 127.0.0.1:4000: EACCES"));
    const error = await rejection(place.drive(serve(place.options({ bindRetry: true }))));
    assert.ok(error instanceof SocketError && error.reason === "permission_denied");
    assert.equal(place.listeners.length, 1);
  });

  it("is given up at once when the caller's signal aborts it, before and between attempts (F-21)", async (t) => {
    const place = new Failing(t);
    place.refuse(10);
    const { signal, abort } = aborter();
    const starting = rejection(serve(place.options({ bindRetry: schedule, signal })));
    await place.pass(150);
    abort();
    const error = await place.drive(starting);
    assert.ok(error instanceof SocketError && error.reason === "aborted");
    assert.equal((error.cause as Error).message, "enough");
    const before = await rejection(place.drive(serve(place.options({ signal }))));
    assert.ok(before instanceof SocketError && before.reason === "aborted");
    await place.pass(10_000);
    assert.deepEqual([place.listeners.length, place.clock.pendingTimers], [2, 0]);
    const wrong = await rejection(place.drive(serve(place.options({ signal: {} as AbortSignal }))));
    assert.ok(wrong instanceof OptionsError && wrong.issues[0]!.path === "signal");
  });

  it("has options that are checked (F-21)", async (t) => {
    const place = new Failing(t);
    const bindRetry = { initial: "2s", max: "1s" } as const;
    const error = await rejection(place.drive(serve(place.options({ bindRetry }))));
    assert.ok(error instanceof OptionsError);
    assert.deepEqual(error.issues.map(({ path }) => path), ["bindRetry.max"]);
  });

  it("waits on real sockets for the one that has the port (F-21)", async (t) => {
    const place = await Real.at(t);
    const first = await place.serve({ framing: lines(), handler: echo });
    assert.ok(first.address.transport === "tcp");
    let waits = () => {};
    const waiting = new Promise<void>((resolve) => waits = resolve);
    const starting = place.serve({
      framing: lines(),
      handler: echo,
      port: first.address.port,
      bindRetry: { initial: 5, max: 5 },
      onState: (state) => void (state === "binding" && waits()),
    });
    await waiting;
    await place.drive(first.destroy());
    const second = await starting;
    assert.deepEqual(second.address, first.address);
    const peer = await place.dial(second);
    peer.write("here\n");
    await peer.got("here\n");
  });
});

describe("a listener that fails", () => {
  it("S-19: is bound again, told and counted; connections stay open meanwhile (F-21)", async (t) => {
    const place = new Failing(t);
    const server = await place.drive(serve(place.options()));
    place.atEnd(() => place.drive(server.destroy()));
    const peer = await place.dial(server);
    place.refuse(2);
    place.fail();
    assert.equal(server.state, "binding");
    assert.equal((await rejection(place.dial(server)) as SocketError).reason, "refused");
    peer.write("still here\n");
    await place.pass(800);
    assert.equal(peer.text, "still here\n");
    assert.equal(server.state, "running");
    assert.deepEqual(place.states, ["running", "binding", "running"]);
    assert.deepEqual(place.errors.map(({ reason }) => reason), ["unknown"]);
    assert.deepEqual(server.stats().listenerErrorsByReason, { unknown: 1 });
    const fresh = await place.dial(server);
    fresh.write("me too\n");
    await place.settle();
    assert.equal(fresh.text, "me too\n");
    assert.equal(place.listeners.length, 4);
  });

  it("S-19: is bound again without an end where nothing is said, and by bindRetry where it is (F-21)", async (t) => {
    const place = new Failing(t);
    const server = await place.drive(serve(place.options()));
    place.refuse(400);
    place.fail();
    await place.pass(15 * 60_000);
    assert.deepEqual([server.state, place.refusals.length > 0], ["binding", true]);
    place.refusals.length = 0;
    await place.pass(5_000);
    assert.equal(server.state, "running");
    await place.drive(server.destroy());

    const limited = await place.drive(serve(place.options({ bindRetry: { ...schedule, attempts: 2 } })));
    place.atEnd(() => place.drive(limited.destroy()));
    place.refuse(2);
    place.fail();
    await place.pass(300);
    assert.equal(limited.state, "suspended");
    assert.match(
      place.errors.at(-1)!.message,
      /EADDRINUSE; tried 3 times, which is all that bindRetry allows$/,
    );
    await place.drive(limited.resume());
    assert.equal(limited.state, "running");
  });

  it("S-19: and fails again at once is given longer and longer waits, until one has lasted (F-21)", async (t) => {
    const place = new Failing(t);
    const server = await place.drive(serve(place.options({ bindRetry: schedule })));
    place.atEnd(() => place.drive(server.destroy()));
    for (const wait of [100, 200, 400, 400]) {
      place.fail();
      await place.pass(wait - 1);
      assert.equal(server.state, "binding", `${wait}`);
      await place.pass(1);
      assert.equal(server.state, "running", `${wait}`);
    }
    await place.pass(401);
    place.fail();
    await place.pass(100);
    assert.equal(server.state, "running");
  });

  it("S-19: can be suspended, resumed at once and closed while it waits, and an earlier one has no say (F-21)", async (t) => {
    const place = new Failing(t);
    const server = await place.drive(serve(place.options({ bindRetry: schedule })));
    place.fail();
    await place.drive(server.suspend());
    await place.pass(1_000);
    assert.deepEqual([server.state, place.listeners.length], ["suspended", 1]);
    await place.drive(server.resume());
    const [earlier] = place.listeners;
    earlier!.failed(new SocketError("unknown", "late"), true);
    assert.equal(server.state, "running");
    place.fail();
    place.refuse(1);
    assert.equal((await rejection(place.drive(server.resume())) as SocketError).reason, "address_in_use");
    assert.equal(server.state, "binding");
    await place.drive(server.resume());
    assert.equal(server.state, "running");
    place.fail();
    await place.drive(server.close());
    assert.deepEqual([server.state, place.clock.pendingTimers], ["stopped", 0]);
  });
});
