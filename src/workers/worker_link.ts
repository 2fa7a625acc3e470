/**
 * The main thread's side of one running worker: its thread, the connections that are bound to it, and whether it answers.
 *
 * Made by `worker_slot.ts`, which replaces it when it is lost.
 */
import { Deadline } from "../core/time/deadline.ts";
import type { Clock } from "../core/time/clock.ts";
import { sharedWheel } from "../core/time/timer_wheel.ts";
import { type TurnMember, turnOf } from "../core/time/turn.ts";
import { startThread, type Thread } from "../host/worker_thread.ts";
import { BoundConnection, type BoundOwner, type BoundSession } from "./bound_connection.ts";
import type { EndingMessage } from "./ending_message.ts";
import { inWorkerData, type WorkerInfo } from "./worker_info.ts";
import { MessageWriter, Op, readMessage } from "./thread_message.ts";
import { noTotals, type WorkerTotals } from "./worker_totals.ts";
import type { WorkersSettings } from "./workers_settings.ts";

/** What becomes of it. */
interface LinkEvents {
  /** It takes connections. */
  ready(): void;
  /** It has ended, or does not answer; called once, and nothing after it. */
  lost(why: string, code: string, error: unknown): void;
  log(level: "warn" | "error", message: string, fields: object): void;
}

/** How often a worker is asked whether it is there, in ms; it answers with what it has counted. */
const askEvery = 1_000;
/** How often the peers of a worker at work are excused for their silence, in ms. */
const excuseEvery = 250;
/** So many bytes are told before the turn is over. */
const mostGathered = 256 * 1024;

/** One worker that runs. */
export class WorkerLink implements BoundOwner, TurnMember {
  readonly writer: MessageWriter = new MessageWriter();
  readonly window: number;
  readonly bound: Map<number, BoundConnection> = new Map();
  readonly working: Set<BoundConnection> = new Set();
  ready = false;
  totals: WorkerTotals = noTotals;
  readonly #index: number;
  readonly #settings: WorkersSettings;
  readonly #events: LinkEvents;
  readonly #clock: Clock;
  readonly #thread: Thread;
  readonly #ask: Deadline;
  readonly #excuse: Deadline;
  #excusing = false;
  #members: BoundConnection[] = [];
  #inTurn = false;
  #number = 0;
  #over = false;
  readonly #startedAt: number;
  #heardAt: number;
  #onGone: (() => void) | undefined = undefined;

  constructor(info: WorkerInfo, settings: WorkersSettings, clock: Clock, events: LinkEvents) {
    this.#index = info.index;
    this.#settings = settings;
    this.#events = events;
    this.#clock = clock;
    this.window = settings.window;
    this.#startedAt = this.#heardAt = clock.now();
    const wheel = sharedWheel(clock);
    this.#ask = new Deadline(wheel, () => this.#asks());
    this.#excuse = new Deadline(wheel, () => this.#excuses());
    this.#thread = startThread(
      settings.module,
      { name: `millrace worker ${info.index}`, data: inWorkerData(info), heapMiB: settings.heapMiB },
      {
        message: (message) => this.#take(message),
        ended: (code, error) =>
          this.#lost(error === undefined ? `it ended with code ${code}` : textOf(error), String(code), error),
      },
    );
    this.#ask.set(Math.min(askEvery, settings.startTimeout));
  }

  /** How long it has been ready and running, in ms. */
  get ageMs(): number {
    return this.#clock.now() - this.#startedAt;
  }

  /** Bytes on their way to it, and on their way from it to slow peers. */
  get queuedBytes(): number {
    let sum = 0;
    for (const bound of this.bound.values()) sum += bound.outstanding + bound.queuedBytes;
    return sum;
  }

  /** Binds a connection to it; `done` is called when it has nothing to do with it any more. */
  bind(session: BoundSession, done: () => void): BoundConnection {
    do this.#number = (this.#number + 1) % 2 ** 32; while (this.bound.has(this.#number));
    const bound = new BoundConnection(this.#number, session, this, done);
    this.bound.set(bound.number, bound);
    bound.begin();
    return bound;
  }

  join(bound: BoundConnection): void {
    if (!bound.joined) {
      bound.joined = true;
      this.#members.push(bound);
    }
    if (this.working.size > 0 && !this.#excusing) {
      this.#excusing = true;
      this.#excuse.set(excuseEvery);
    }
    if (this.writer.length >= mostGathered) this.#post();
    this.#joinTurn();
  }

  forget(bound: BoundConnection): void {
    this.bound.delete(bound.number);
  }

  endTurn(): void {
    this.#inTurn = false;
    while (this.#members.length > 0) {
      const members = this.#members;
      this.#members = [];
      for (const bound of members) bound.tell();
    }
    this.#post();
  }

  /** Lets it close what it has opened, for `ms` at most, and ends it. */
  async leave(ms: number): Promise<void> {
    if (this.#over) return;
    await new Promise<void>((resolve) => {
      const limit = new Deadline(sharedWheel(this.#clock), resolve);
      limit.set(ms);
      this.#onGone = () => {
        limit.unset();
        resolve();
      };
      this.writer.record(Op.bye, 0, 0);
      this.#joinTurn();
    });
    this.end();
  }

  /** Ends it at once, by order. */
  end(): void {
    if (this.#over) return;
    this.#stop();
    this.#thread.terminate();
  }

  #post(): void {
    if (!this.#over) this.writer.flush((message, transfer) => this.#thread.post(message, transfer));
  }

  #joinTurn(): void {
    if (this.#inTurn || this.#over) return;
    this.#inTurn = true;
    turnOf(this.#clock).join(this);
  }

  #take(message: unknown): void {
    if (this.#over) return;
    this.#heardAt = this.#clock.now();
    readMessage(message, (op, number, value, what) => this.#takeRecord(op, number, value, what));
  }

  #takeRecord(op: number, number: number, value: number, what: unknown): void {
    if (op === Op.ready) {
      this.ready = true;
      return this.#events.ready();
    }
    if (op === Op.stats) return void (this.totals = what as WorkerTotals);
    if (op === Op.log) {
      const { message, fields } = what as { readonly message: string; readonly fields: object };
      return this.#events.log(message === "handler failed" ? "error" : "warn", message, fields);
    }
    if (op === Op.gone) return this.#onGone?.();
    const bound = this.bound.get(number);
    if (bound === undefined) return;
    if (op === Op.send) bound.send(what as Uint8Array);
    else if (op === Op.taking) bound.takes(Math.floor(value / 2), value % 2 === 1);
    else if (op === Op.fin) bound.fin(what as EndingMessage | undefined);
    else if (op === Op.abort) bound.abort(what as EndingMessage | undefined);
    else if (op === Op.over) bound.over();
  }

  /** Is it there? One that is not ready yet has `startTimeout`, another `responseTimeout`. */
  #asks(): void {
    const { startTimeout, responseTimeout } = this.#settings;
    const silence = this.#clock.now() - this.#heardAt;
    const limit = this.ready ? responseTimeout : startTimeout;
    if (silence >= limit) {
      const what = this.ready ? "it did not answer" : "its module did not call serveInWorker";
      return this.#fail(`${what} within ${limit} ms`, "silent", undefined);
    }
    this.writer.record(Op.ping, 0, 0);
    this.#joinTurn();
    this.#ask.set(Math.min(askEvery, responseTimeout, limit));
  }

  /** Its peers wait for it, and not it for them. */
  #excuses(): void {
    this.#excusing = this.working.size > 0;
    for (const { session } of this.working) {
      session.vigil.noteRead();
      if (!session.owing) session.vigil.noteWrite();
    }
    if (this.#excusing) this.#excuse.set(excuseEvery);
  }

  #fail(why: string, code: string, error: unknown): void {
    this.#lost(why, code, error);
    this.#thread.terminate();
  }

  #lost(why: string, code: string, error: unknown): void {
    if (this.#over) return;
    this.#stop();
    this.#onGone?.();
    for (const bound of [...this.bound.values()]) bound.lost(`worker ${this.#index} was lost: ${why}`, code);
    this.#events.lost(why, code, error);
  }

  #stop(): void {
    this.#over = true;
    this.#ask.unset();
    this.#excuse.unset();
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
