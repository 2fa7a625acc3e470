/**
 * The set of open connections of one server or client: who is there, what they counted, and when all have
 * gone. It owns the sessions on behalf of its server and tells an observer what happens.
 */
import type { Clock } from "../core/time/clock.ts";
import type { FrameError, Unfinished } from "../core/errors.ts";
import { inSlices } from "../core/time/slices.ts";
import { sharedWheel, type TimerWheel } from "../core/time/timer_wheel.ts";
import type { Transport } from "../core/transport.ts";
import { type Turn, turnOf } from "../core/time/turn.ts";
import type { Connection } from "./connection.ts";
import { type BudgetMember, heldBytes, type MemoryBudget } from "./memory_budget.ts";
import type { ConnectionProfile } from "./profile.ts";
import { Session } from "./session.ts";
import { SessionConnection } from "./session_connection.ts";
import type { CloseReason, TerminationRecord } from "./termination.ts";
import type { EffectRunner, SessionOwner } from "./user_code.ts";

/** Hears what happens to connections, for logs and traces. Must not throw. */
export interface RegistryObserver<Received, Sent, Data> {
  opened?(session: Session<Received, Sent, Data>): void;
  closed?(session: Session<Received, Sent, Data>, record: TerminationRecord): void;
  /** `last`: no frame can follow it. */
  frameFailed?(session: Session<Received, Sent, Data>, error: FrameError, last: boolean): void;
  handlerFailed?(session: Session<Received, Sent, Data>, error: unknown): void;
  /** The memory budget is exceeded, or no longer. */
  budgetChanged?(budget: MemoryBudget): void;
}

/** What a registry is given where handlers may be Effects. */
export interface EffectSupport<Received, Sent, Data> {
  readonly observers: readonly RegistryObserver<Received, Sent, Data>[];
  runnerFor(session: Session<Received, Sent, Data>): EffectRunner;
}

/** What connections counted, ended ones included. */
export interface Totals {
  opened: number;
  closed: number;
  bytesReceived: number;
  bytesSent: number;
  framesReceived: number;
  framesSent: number;
  framesDropped: number;
  framesLost: number;
  outboxBytes: number;
  heldBytes: number;
  frameErrors: number;
  handlerErrors: number;
  firstByteCount: number;
  firstByteMs: number;
}

/** Open connections by id. */
export class Registry<Received, Sent, Data>
  implements SessionOwner<Session<Received, Sent, Data>>, BudgetMember {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly turn: Turn;
  readonly connections: Map<string, Connection<Received, Sent, Data>> = new Map();
  readonly sessions: Set<Session<Received, Sent, Data>> = new Set();
  /** The connections that `destroyAll` found. */
  readonly destroyed: Unfinished[] = [];
  readonly closedByReason: Partial<Record<CloseReason, number>> = {};
  readonly #observers: RegistryObserver<Received, Sent, Data>[];
  readonly #effects: EffectSupport<Received, Sent, Data> | undefined;
  /** Sessions whose connection is closed while their handler still runs. */
  readonly #lingering: Set<Session<Received, Sent, Data>> = new Set();
  #abandoned = false;
  #destroying: ((error?: unknown) => void)[] | undefined = undefined;
  readonly #gone: Totals = emptyTotals();
  #waiting: (() => void)[] = [];

  constructor(
    clock: Clock,
    observers: readonly RegistryObserver<Received, Sent, Data>[],
    effects?: EffectSupport<Received, Sent, Data>,
  ) {
    this.clock = clock;
    this.wheel = sharedWheel(clock);
    this.turn = turnOf(clock);
    this.#effects = effects;
    this.#observers = [...observers, ...effects?.observers ?? []];
  }

  /** Hears of everything from now on. */
  observe(observer: RegistryObserver<Received, Sent, Data>): void {
    this.#observers.push(observer);
  }

  budgetChanged(budget: MemoryBudget): void {
    for (const observer of this.#observers) observer.budgetChanged?.(budget);
  }

  /** Takes a transport in, and starts it. */
  open(
    transport: Transport,
    profile: ConnectionProfile<Received, Sent, Data>,
  ): Session<Received, Sent, Data> {
    const session = new Session(transport, profile, this);
    this.#gone.opened++;
    this.sessions.add(session);
    this.connections.set(session.id, session.connection);
    profile.budget?.join(this);
    for (const observer of this.#observers) observer.opened?.(session);
    session.start();
    return session;
  }

  /** Nobody is here and no handler runs. */
  get empty(): boolean {
    return this.sessions.size === 0 && this.#lingering.size === 0;
  }

  /** How many connections are open, or have a handler that has not returned. */
  get remaining(): number {
    return this.sessions.size + this.#lingering.size;
  }

  /**
   * Destroys every connection, and no longer waits for handlers: one that never returns cannot be stopped, its
   * connection is gone and that must do. Adds all of them to `destroyed`. The first ones go at once, very many
   * in slices; `done` is called after all, also for a second call.
   */
  destroyAll(done: (error?: unknown) => void = () => {}): void {
    if (this.#abandoned) {
      if (this.#destroying === undefined) done();
      else this.#destroying.push(done);
      return;
    }
    this.#destroying = [done];
    this.#destroy((error) => {
      const waiting = this.#destroying!;
      this.#destroying = undefined;
      for (const over of waiting) over(error);
    });
  }

  /** Calls back once `empty`, perhaps at once. Returns what withdraws the wish. */
  whenEmpty(done: () => void): () => void {
    if (this.empty) done();
    else this.#waiting.push(done);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== done);
    };
  }

  /** The sums over everybody who is or was here. */
  totals(): Totals {
    const totals = { ...this.#gone };
    for (const session of this.sessions) {
      addSession(totals, session);
      totals.outboxBytes += session.outbox.pending;
      totals.heldBytes += heldBytes(session);
    }
    return totals;
  }

  connectionOf(session: Session<Received, Sent, Data>): Connection<Received, Sent, Data> {
    return new SessionConnection(session);
  }

  firstBytesCame(ms: number): void {
    this.#gone.firstByteCount++;
    this.#gone.firstByteMs += ms;
  }

  frameFailed(session: Session<Received, Sent, Data>, error: FrameError, last: boolean): void {
    this.#gone.frameErrors++;
    for (const observer of this.#observers) observer.frameFailed?.(session, error, last);
  }

  handlerFailed(session: Session<Received, Sent, Data>, error: unknown): void {
    this.#gone.handlerErrors++;
    for (const observer of this.#observers) observer.handlerFailed?.(session, error);
  }

  handlerEnded(session: Session<Received, Sent, Data>): void {
    if (this.#lingering.delete(session)) this.#check();
  }

  ended(session: Session<Received, Sent, Data>, record: TerminationRecord): void {
    this.sessions.delete(session);
    this.connections.delete(session.id);
    if (this.sessions.size === 0) session.profile.budget?.leave(this);
    if (session.handling && !this.#abandoned) this.#lingering.add(session);
    this.#gone.closed++;
    this.closedByReason[record.reason] = (this.closedByReason[record.reason] ?? 0) + 1;
    addSession(this.#gone, session);
    this.#gone.framesLost += record.framesUnsent;
    for (const observer of this.#observers) observer.closed?.(session, record);
    this.#check();
  }

  effectRunner(session: Session<Received, Sent, Data>): EffectRunner | undefined {
    return this.#effects?.runnerFor(session);
  }

  #destroy(over: (error?: unknown) => void): void {
    const sessions = [...this.sessions];
    this.#abandoned = true;
    for (const session of this.#lingering) this.destroyed.push(unfinished(session));
    this.#lingering.clear();
    const destroy = (session: Session<Received, Sent, Data>): void => {
      // One that has ended meanwhile, by itself.
      if (!this.sessions.has(session)) return;
      this.destroyed.push(unfinished(session));
      session.life.destroy("shutdown");
    };
    inSlices(this.clock, sessions, destroy, over);
    this.#check();
  }

  #check(): void {
    if (!this.empty) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    waiting.forEach((resume) => resume());
  }
}

/** What is told of a connection that has not ended by itself. */
function unfinished<Received, Sent, Data>(session: Session<Received, Sent, Data>): Unfinished {
  const { id, handling, ageMs, transport: { peer: { ip, port } } } = session;
  return { id, ip, port, handlerRunning: handling, openMs: Math.round(ageMs) };
}

/** The part of a session that counts. */
interface Counted {
  readonly pipeline: { readonly bytesReceived: number; readonly framesReceived: number };
  readonly outbox: {
    readonly bytesSent: number;
    readonly framesSent: number;
    readonly framesDropped: number;
  };
}

function emptyTotals(): Totals {
  return {
    opened: 0,
    closed: 0,
    bytesReceived: 0,
    bytesSent: 0,
    framesReceived: 0,
    framesSent: 0,
    framesDropped: 0,
    framesLost: 0,
    outboxBytes: 0,
    heldBytes: 0,
    frameErrors: 0,
    handlerErrors: 0,
    firstByteCount: 0,
    firstByteMs: 0,
  };
}

function addSession(totals: Totals, session: Counted): void {
  const { pipeline, outbox } = session;
  totals.bytesReceived += pipeline.bytesReceived;
  totals.framesReceived += pipeline.framesReceived;
  totals.bytesSent += outbox.bytesSent;
  totals.framesSent += outbox.framesSent;
  totals.framesDropped += outbox.framesDropped;
}
