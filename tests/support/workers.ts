/** Pools of workers for tests, on the sockets of the runtime: what a test starts ends with it. */
import type { TestContext } from "node:test";
import type { Server } from "../../src/server/server.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import type { WorkerPool } from "../../src/workers/worker_pool.ts";
import type { WorkersInspection } from "../../src/workers/workers_inspection.ts";
import type { WorkersOptions } from "../../src/workers/workers_options.ts";
import { workers } from "../../src/workers/workers.ts";
import type { Asked } from "../workers/programs/worker.ts";
import type { Peer } from "./peer.ts";
import { Real } from "./server.ts";
import { workerModule } from "./worker_module.ts";

/** A worker may have to compile its module first, on a machine that is busy. */
export const patient = "60 seconds";

/** A program of tests/workers/programs. */
export function program(name: string): URL {
  return workerModule(new URL(`../workers/programs/${name}.ts`, import.meta.url));
}

/** A pool, a place for its servers, and one server. */
export class Pooled {
  readonly place: Real;
  readonly pool: WorkerPool;
  readonly server: Server<Uint8Array, Uint8Array, unknown>;
  /** What the pool has logged. */
  readonly logs: LogRecord[];

  constructor(
    place: Real,
    pool: WorkerPool,
    server: Server<Uint8Array, Uint8Array, unknown>,
    logs: LogRecord[],
  ) {
    this.place = place;
    this.pool = pool;
    this.server = server;
    this.logs = logs;
  }

  /** Runs worker.ts. */
  static async at(
    t: TestContext,
    options: Partial<WorkersOptions> & { readonly data?: Asked } = {},
    served: Parameters<Real["serve"]>[0] extends infer Given ? Partial<Given> : never = {},
  ): Promise<Pooled> {
    const place = await Real.at(t);
    const logs: LogRecord[] = [];
    const pool = await workers({
      module: program("worker"),
      count: 1,
      startTimeout: patient,
      waitTimeout: patient,
      logger: (record) => void logs.push(record),
      ...options,
    });
    place.atEnd(() => pool.close({ deadline: 0 }));
    const server = await place.serve({ ...served, ...pool.connections } as never);
    return new Pooled(place, pool, server as never, logs);
  }

  dial(reading?: "stalled"): Promise<Peer> {
    return this.place.dial(this.server, reading);
  }

  /** Connects to be reset, perhaps before the connection is known here. */
  async knock(): Promise<void> {
    await this.dial().catch(() => {});
  }

  /** What one connection gets for these lines, so many lines of it. */
  async ask(text: string, count = 1): Promise<string[]> {
    const peer = await this.dial();
    peer.write(text);
    await peer.until(
      () => peer.text.split("\n").length > count,
      `an answer to ${JSON.stringify(text.slice(0, 99))}`,
    );
    peer.end();
    await peer.whenClosed();
    return peer.text.split("\n").slice(0, -1);
  }

  /** Resolves when the pool looks like this, which is looked at now and then. */
  async until(holds: (inspection: WorkersInspection) => boolean, what: string): Promise<void> {
    for (const limit = performance.now() + 60_000; !holds(this.pool.inspect());) {
      if (performance.now() > limit) {
        throw new Error(`waited for ${what}: ${JSON.stringify(this.pool.inspect())}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
