/**
 * A pool of workers: to which of them each connection belongs, who waits while none runs, and how all of them end.
 *
 * Made by `workers.ts`. Knows no server: it is given connections by being their handler.
 */
import { SessionConnection } from "../connection/session_connection.ts";
import type { Connection } from "../connection/connection.ts";
import { OptionsError, type OptionsIssue } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { type Clock, systemClock } from "../core/time/clock.ts";
import { Deadline } from "../core/time/deadline.ts";
import { type DurationInput, toMilliseconds } from "../core/time/duration.ts";
import { sharedWheel } from "../core/time/timer_wheel.ts";
import { type Balance, balanceBy } from "./balance.ts";
import type { BoundSession } from "./bound_connection.ts";
import { BoundDecoder, boundFraming } from "./bound_framing.ts";
import { WorkerError } from "./worker_error.ts";
import { workersText } from "./worker_metrics.ts";
import { type SlotOwner, WorkerSlot } from "./worker_slot.ts";
import type { WorkerPool } from "./worker_pool.ts";
import type { WorkersInspection } from "./workers_inspection.ts";
import type { WorkersSettings } from "./workers_settings.ts";

/** A connection that waits for a worker. */
interface Waiting {
  readonly done: () => void;
  readonly limit: Deadline;
}

/** How often connections that end are looked for while the pool closes, in ms. */
const finalLookMs = 20;

/** The workers and what they share. What its public members mean is said at `WorkerPool`. */
export class ThreadPool implements WorkerPool, SlotOwner {
  readonly connections: WorkerPool["connections"];
  readonly settings: WorkersSettings;
  readonly clock: Clock = systemClock;
  readonly #log: Logger;
  readonly #slots: readonly WorkerSlot[];
  readonly #balance: Balance<WorkerSlot>;
  readonly #waiting: Map<BoundSession, Waiting> = new Map();
  #rejected = 0;
  /** Until all of them run for the first time. */
  #starting: { readonly resolve: () => void; readonly reject: (error: WorkerError) => void } | undefined =
    undefined;
  #closing: Promise<void> | undefined = undefined;

  constructor(settings: WorkersSettings, log: Logger) {
    this.settings = settings;
    this.#log = log;
    this.#balance = balanceBy(settings.balance);
    this.#slots = Array.from({ length: settings.count }, (_, index) => new WorkerSlot(index, this));
    const handler = (connection: Connection<Uint8Array, Uint8Array, unknown>) => this.#take(connection);
    this.connections = Object.freeze({ framing: boundFraming, handler });
  }

  /** Starts all of them; rejects where one does not. */
  async start(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#starting = { resolve, reject };
        for (const slot of this.#slots) slot.start();
      });
    } catch (error) {
      for (const slot of this.#slots) slot.end();
      throw error;
    }
  }

  inspect(): WorkersInspection {
    return {
      waiting: this.#waiting.size,
      rejected: this.#rejected,
      workers: this.#slots.map(({ index, state, connections, bound, restarts, lastLoss, link, totals }) => ({
        index,
        state,
        connections,
        connectionsTotal: bound,
        queuedBytes: link?.queuedBytes ?? 0,
        restarts,
        lastLoss,
        ...totals,
      })),
      connections: this.#slots.flatMap(({ index: worker, link }) =>
        [...link?.bound.values() ?? []].map(({ session: { id }, outstanding, queuedBytes }) => (
          { id, worker, unreadBytes: outstanding, unsentBytes: queuedBytes }
        ))
      ),
    };
  }

  prometheusText(labels: Readonly<Record<string, string>> = {}): string {
    return workersText(this.inspect(), labels);
  }

  close({ deadline }: { readonly deadline?: DurationInput | undefined } = {}): Promise<void> {
    const ms = deadline === undefined ? this.settings.shutdownDeadline : toMilliseconds(deadline, "deadline");
    return this.#closing ??= this.#close(ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // From the slots.

  ready(slot: WorkerSlot): void {
    this.#log({
      level: "info",
      message: "worker running",
      fields: { worker: slot.index, restarts: slot.restarts },
    });
    if (this.#starting !== undefined && this.#slots.every(({ state }) => state === "running")) {
      this.#starting.resolve();
      this.#starting = undefined;
    }
    for (const [session, { done, limit }] of this.#waiting) {
      limit.unset();
      this.#waiting.delete(session);
      this.#bind(session, done);
    }
  }

  lost({ index: worker }: WorkerSlot, why: string, error: unknown, retryMs: number | undefined): void {
    if (this.#starting !== undefined) {
      const cause = error === undefined ? {} : { cause: error };
      this.#starting.reject(
        new WorkerError("start", `start worker ${worker} of ${this.settings.module}: ${why}`, cause),
      );
      this.#starting = undefined;
      return;
    }
    this.#log({ level: "error", message: "worker lost", fields: { worker, error: why, retryMs } });
    if (this.#slots.some(({ state }) => state !== "failed")) return;
    for (const [session, waiting] of this.#waiting) this.#reject(session, waiting, "no worker comes back");
  }

  log(level: "warn" | "error", message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#log({ level, message, fields });
  }

  // From servers.

  #take(connection: Connection<Uint8Array, Uint8Array, unknown>): Promise<void> {
    const session = SessionConnection.sessionOf(connection) as BoundSession | undefined;
    checkConnection(session);
    return new Promise<void>((done) => this.#place(session, done));
  }

  #place(session: BoundSession, done: () => void): void {
    if (this.#slots.some(({ state }) => state === "running")) return this.#bind(session, done);
    const limit = new Deadline(sharedWheel(this.clock), () => this.#reject(session, waiting, this.#noneRuns));
    const waiting: Waiting = { done, limit };
    const none = this.#slots.every(({ state }) => state === "failed" || state === "stopped");
    if (none || this.#closing !== undefined) return this.#reject(session, waiting, "the pool has no workers");
    this.#waiting.set(session, waiting);
    limit.set(this.settings.waitTimeout);
    decoderOf(session).onStop = () => session.life.finish("drained", "local");
    void session.connection.closed.then(() => {
      limit.unset();
      this.#waiting.delete(session);
      done();
    });
  }

  #bind(session: BoundSession, done: () => void): void {
    const running = this.#slots.filter(({ state }) => state === "running");
    const slot = this.#balance(running, session.transport.peer.ip);
    decoderOf(session).onStop = slot.bind(session, done);
  }

  get #noneRuns(): string {
    return `no worker ran within waitTimeout ${this.settings.waitTimeout} ms`;
  }

  #reject(session: BoundSession, { done, limit }: Waiting, message: string): void {
    this.#rejected++;
    limit.unset();
    this.#waiting.delete(session);
    session.life.destroy("worker_lost", { message });
    done();
  }

  /** Connections finish as in a drain; who is left at the deadline is destroyed. */
  async #close(ms: number): Promise<void> {
    const { clock } = this;
    const until = clock.now() + ms;
    for (const [session, waiting] of this.#waiting) this.#reject(session, waiting, "the pool is closed");
    const sessions = (): BoundSession[] =>
      this.#slots.flatMap(({ link }) => [...link?.bound.values() ?? []].map(({ session }) => session));
    for (const session of ms > 0 ? sessions() : []) {
      session.retire("drained");
      session.pipeline.stopAtBoundary();
    }
    while (sessions().length > 0 && clock.now() < until) {
      await new Promise<void>((resolve) =>
        clock.setTimer(resolve, Math.min(finalLookMs, until - clock.now()))
      );
    }
    for (const session of sessions()) session.life.destroy("shutdown", { message: "the pool was closed" });
    const left = Math.max(0, until - clock.now());
    await Promise.all(this.#slots.map((slot) => left > 0 ? slot.leave(left) : slot.end()));
  }
}

function decoderOf(session: BoundSession): BoundDecoder {
  return session.pipeline.decoder as BoundDecoder;
}

/** What a server cannot do for connections of which it does not know where frames end. */
const ofFrames = [
  "goodbye",
  "keepalive",
  "frameTimeout",
  "minByteRate",
  "reframable",
  "upgradable",
  "onFrameError",
  "onOtherProtocol",
] as const;

/** What is about frames is said to the workers, which have them. */
function checkConnection(session: BoundSession | undefined): asserts session is BoundSession {
  const issues: OptionsIssue[] = [];
  if (!(session?.pipeline.decoder instanceof BoundDecoder)) {
    const expected = "that of the pool: serve({ ...pool.connections })";
    issues.push({ path: "framing", found: session?.profile.framing.name, expected });
  } else {
    const { options, egressPolicy } = session.profile;
    const expected = "to be left out: it is about frames, which the workers have (serveInWorker)";
    for (const name of ofFrames) {
      const found = options[name];
      if (found !== undefined && found !== false) issues.push({ path: name, found, expected });
    }
    if (egressPolicy === "drop-newest" || egressPolicy === "drop-oldest") {
      issues.push({ path: "egressPolicy", found: egressPolicy, expected });
    }
  }
  if (issues.length > 0) throw new OptionsError("conflict", issues);
}
