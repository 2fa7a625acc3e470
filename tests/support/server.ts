/**
 * Places where a server can be tried: in memory on a clock that the test moves, or on the sockets of the runtime.
 * Whatever a test starts is closed when it is over, and no promise may have been rejected behind its back.
 */
import assert from "node:assert/strict";
import process from "node:process";
import type { TestContext } from "node:test";
import { memoryAdapter, type MemoryOptions } from "../../src/adapters/memory/adapter.ts";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { connect } from "../../src/client/connect.ts";
import type { ConnectOptions } from "../../src/client/connect_options.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { TerminationRecord } from "../../src/connection/termination.ts";
import { systemClock } from "../../src/core/time/clock.ts";
import type { Adapter } from "../../src/core/transport.ts";
import { serve } from "../../src/server/serve.ts";
import type { Server } from "../../src/server/server.ts";
import type { ServeOptions } from "../../src/server/server_options.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { within } from "../contract/within.ts";
import { dial, Peer } from "./peer.ts";

const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));

/** Runtimes tell of an unheard rejection a turn or two after it. */
async function noneUnheard(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
  assert.equal(unhandled.splice(0).map(String).join("; "), "", "promises were rejected and nobody heard");
}

/** What `serve` takes, less what the place supplies: port 0 and a quiet logger. */
type Given<Received, Sent, Context> = ServeOptions<Received, Sent, Context> extends infer Options
  ? Options extends unknown ? Omit<Options, "port" | "adapter" | "clock"> & { readonly port?: number } : never
  : never;

/** A place of test. */
export abstract class Place {
  abstract readonly adapter: Adapter;
  /** Everything that servers here have logged. */
  readonly logs: LogRecord[] = [];
  /** Every end of a server's connection here. */
  readonly records: TerminationRecord[] = [];
  #onRecord: () => void = () => {};
  readonly #closing: (() => Promise<unknown> | void)[] = [];

  constructor(t: TestContext) {
    t.after(async () => {
      for (const close of this.#closing.reverse()) await close();
      this.checkOver();
      await noneUnheard();
    });
  }

  /** Waits for a promise, moving time by as little as it needs. */
  abstract drive<Value>(promise: Promise<Value>): Promise<Value>;
  abstract checkOver(): void;
  abstract readonly clock: FakeClock | undefined;

  async serve<Received, Sent = Received, Context = undefined>(
    given: Given<Received, Sent, Context>,
    serveBy: typeof serve = serve,
  ): Promise<Server<Received, Sent, Context>> {
    const { onDisconnect } = given;
    const options = {
      port: 0,
      logger: (record: LogRecord) => void this.logs.push(record),
      ...given,
      adapter: this.adapter,
      clock: this.clock,
      onDisconnect: (record, connection) => {
        this.records.push(record);
        this.#onRecord();
        onDisconnect?.(record, connection);
      },
    } as ServeOptions<Received, Sent, Context>;
    const server = await this.drive(serveBy(options));
    this.atEnd(() => this.drive(server.destroy()));
    return server;
  }

  /** Raw bytes to a server. One that is `stalled` reads one chunk and no more. */
  async dial(server: { readonly address: Server<unknown>["address"] }, reading?: "stalled"): Promise<Peer> {
    const peer = await this.drive(dial(this.adapter, server.address, reading));
    this.atEnd(() => peer.abort());
    return peer;
  }

  /** A framed connection to a server. */
  async connect<Received, Sent = Received, Context = undefined>(
    server: { readonly address: Server<unknown>["address"] },
    given: Omit<ConnectOptions<Received, Sent, Context>, "port" | "path" | "adapter" | "clock">,
  ): Promise<Connection<Received, Sent, Context>> {
    const { address } = server;
    const place = address.transport === "tcp"
      ? { port: address.port, host: address.host }
      : { path: address.path };
    const { adapter, clock } = this;
    const options = { ...given, ...place, adapter, clock } as ConnectOptions<Received, Sent, Context>;
    const connection = await this.drive(connect(options));
    this.atEnd(() => connection.destroy());
    return connection;
  }

  /** Waits until so many connections of servers here have ended. */
  gone(count: number): Promise<void> {
    const waiting = new Promise<void>((resolve) => {
      this.#onRecord = () => void (this.records.length >= count && resolve());
      this.#onRecord();
    });
    return within(waiting, () => `${count} connections to end; ${this.records.length} have`);
  }

  atEnd(close: () => Promise<unknown> | void): void {
    this.#closing.push(close);
  }

  /** The messages logged so far. */
  get messages(): string[] {
    return this.logs.map(({ message }) => message);
  }
}

/** Sockets in memory, and time that stands still until the test moves it. */
export class Virtual extends Place {
  override readonly clock: FakeClock = new FakeClock();
  override readonly adapter: Adapter;

  constructor(t: TestContext, options: Omit<MemoryOptions, "clock"> = {}) {
    super(t);
    this.adapter = memoryAdapter({ ...options, clock: this.clock });
  }

  override async drive<Value>(promise: Promise<Value>): Promise<Value> {
    let settled = false;
    const settle = () => void (settled = true);
    promise.then(settle, settle);
    for (let turn = 0; turn < 1000 && !settled; turn++) await this.clock.advanceAsync(0);
    assert.ok(settled, "waited for something that does not come without time passing");
    return await promise;
  }

  /** Many peers at once, without a look at promises between any two of them. */
  async dialMany(server: { readonly address: Server<unknown>["address"] }, count: number): Promise<Peer[]> {
    const dialling = Promise.all(Array.from({ length: count }, () => dial(this.adapter, server.address)));
    this.clock.advance(0);
    const peers = await dialling;
    this.clock.advance(0);
    this.atEnd(() => peers.forEach((peer) => peer.abort()));
    return peers;
  }

  /** Lets happen what needs no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await this.clock.advanceAsync(0);
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advanceAsync(ms);
    await this.settle();
  }

  override checkOver(): void {
    this.clock.advance(0);
    assert.equal(this.clock.pendingTimers, 0, "a timer was left behind");
  }
}

/** The sockets of the runtime that the test runs on. */
export class Real extends Place {
  override readonly clock: undefined = undefined;
  override readonly adapter: Adapter;

  constructor(t: TestContext, adapter: Adapter) {
    super(t);
    this.adapter = adapter;
  }

  static async at(t: TestContext): Promise<Real> {
    return new Real(t, await detectAdapter());
  }

  override drive<Value>(promise: Promise<Value>): Promise<Value> {
    return within(promise, () => "a promise");
  }

  override checkOver(): void {}
}
