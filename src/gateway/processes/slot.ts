/**
 * One place among the processes of a group: the process that serves, those before it that drain, and when the next is started.
 *
 * Used by `group.ts`, which decides when a process is replaced.
 */
import { inheritedByNumber } from "../../adapters/held.ts";
import { Retries } from "../../core/time/backoff.ts";
import { systemClock } from "../../core/time/clock.ts";
import { prioritize, setCpus } from "../../host/scheduling.ts";
import { startSuccessor, type Successor } from "../../host/successor.ts";
import { exitCodes, oneLine } from "../cli/failure.ts";
import { say, type Shell } from "../cli/shell.ts";
import type { HeldSockets } from "./held_sockets.ts";
import { numbered, passLines } from "./merged_output.ts";
import { Counters } from "./merged_metrics.ts";
import type { Plan } from "./plan.ts";
import { EndedEarly, Limit, served, type StopSignal } from "./served.ts";

/** One that has served for this long has not failed at the start. */
const stableMs = 10_000;
/** How much longer than its deadline a process may take to end, until it is killed. */
const graceMs = 10_000;
/** How long the output of one that has ended may take to be read. */
const lastLinesMs = 2_000;

/** What a slot has of its group. */
interface SlotContext {
  readonly shell: Shell;
  readonly sockets: HeldSockets;
  /** No process is started any more. */
  stopping(): boolean;
  /** There is no use in starting another. */
  gaveUp(why: string): void;
  /** Nobody reads the output. */
  unread(error: unknown): void;
}

/** A process that has not ended. */
export interface Member {
  readonly child: Successor;
  /** Never rejects. */
  readonly ended: Promise<number>;
  readonly plan: Plan;
  /** When it began to serve; undefined before. */
  since: number | undefined;
  /** It was told to drain; to be told again means to destroy. */
  told: boolean;
}

/** One place. */
export class Slot {
  readonly number: number;
  readonly counters: Counters = new Counters();
  readonly members: Set<Member> = new Set();
  current: Member | undefined = undefined;
  /** Times that one has died and another serves. */
  restarts = 0;
  /** That of the process that serves, or has last served. */
  plan: Plan | undefined = undefined;
  readonly #context: SlotContext;
  #retries: Retries | undefined = undefined;
  #timer: unknown = undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #left = false;

  constructor(number: number, context: SlotContext) {
    this.number = number;
    this.#context = context;
  }

  /** A new process serves, and then the one before drains. Rejects where it does not; the one before goes on. */
  replace(plan: Plan): Promise<Member> {
    const replaced = this.#turn.then(() => this.#replace(plan));
    this.#turn = replaced.catch(() => {});
    return replaced;
  }

  /** Starts no more. */
  leave(): void {
    this.#left = true;
    systemClock.clearTimer(this.#timer);
  }

  drain(member: Member, name: StopSignal): void {
    if (member.told) return;
    member.told = true;
    member.child.signal(name);
    const limit = new Limit(member.plan.deadlineMs + graceMs);
    void limit.over.then(() => {
      this.#say(`process ${member.child.pid} did not end within its deadline, and is killed`);
      member.child.signal("SIGKILL");
    });
    void member.ended.then(() => limit.clear());
  }

  get #over(): boolean {
    return this.#left || this.#context.stopping();
  }

  #say(text: string): void {
    say(this.#context.shell, `millrace[${this.number}]: ${text}\n`);
  }

  async #replace(plan: Plan): Promise<Member> {
    if (this.#over) throw new Error("it is stopping");
    const member = this.#start(plan);
    await this.#schedule(member);
    await served(member.child, member.ended, () => this.drain(member, "SIGTERM"));
    // It may have ended as soon as it had said so.
    if (!this.members.has(member)) throw new EndedEarly(await member.ended);
    systemClock.clearTimer(this.#timer);
    member.since = systemClock.now();
    const before = this.current;
    this.current = member;
    this.plan = plan;
    if (this.#retries === undefined) this.#retries = new Retries(plan.restart);
    if (before === undefined) return member;
    this.#say(`process ${member.child.pid} has taken over from ${before.child.pid}, which drains`);
    this.drain(before, "SIGTERM");
    return member;
  }

  #start(plan: Plan): Member {
    const { shell, sockets } = this.#context;
    const child = startSuccessor({
      sockets: sockets.descriptors(plan.places),
      byNumber: inheritedByNumber,
      number: this.number,
      tell: (what) => what === "text" ? plan.text : undefined,
    });
    const [out, err] = child.outputs;
    const passed = Promise.all([
      out && passLines(out, shell.output, (text) => text).catch((error) => this.#context.unread(error)),
      err && passLines(err, shell.errors, numbered(this.number)).catch(() => void err.resume()),
    ]);
    const ended = child.ended.catch((error) => {
      this.#say(`starting a process: ${oneLine(error)}`);
      return exitCodes.failed as number;
    });
    const member: Member = {
      child,
      plan,
      since: undefined,
      told: false,
      ended: ended.then(async (code) => {
        const limit = new Limit(lastLinesMs);
        await Promise.race([passed, limit.over]);
        limit.clear();
        this.#hasEnded(member, code);
        return code;
      }),
    };
    this.members.add(member);
    return member;
  }

  /** Priority and processors; a process that cannot have them is ended. */
  async #schedule({ child, plan, ended }: Member): Promise<void> {
    const { priority, cpus } = plan;
    try {
      const wanted = priority[(this.number - 1) % priority.length];
      if (wanted !== undefined) prioritize(child.pid, wanted);
      const list = cpus[(this.number - 1) % cpus.length];
      if (list !== undefined) await setCpus(child.pid, list);
    } catch (error) {
      child.signal("SIGKILL");
      await ended;
      throw error;
    }
  }

  #hasEnded(member: Member, code: number): void {
    const { child, told, since } = member;
    this.members.delete(member);
    this.counters.retire(member, child.report);
    if (member !== this.current) return;
    this.current = undefined;
    if (told || this.#over) return;
    this.#say(`process ${child.pid} has ended with code ${code}`);
    if (systemClock.now() - since! >= stableMs) this.#retries!.succeeded();
    this.#again();
  }

  /** Starts another after a wait, or gives up. */
  #again(): void {
    const retries = this.#retries!;
    const wait = retries.failed(systemClock.now());
    if (wait === undefined) {
      return this.#context.gaveUp(
        `process ${this.number} has failed ${
          retries.failures + 1
        } times in a row: there is no use in another`,
      );
    }
    this.#say(`another process starts in ${Math.round(wait)} ms`);
    this.#timer = systemClock.setTimer(() => void this.#revive(), wait);
  }

  async #revive(): Promise<void> {
    const turn = this.#turn;
    await turn;
    if (this.#over || this.current !== undefined) return;
    try {
      const { child } = await this.replace(this.plan!);
      this.restarts++;
      this.#say(`process ${child.pid} serves in its place`);
    } catch (error) {
      if (this.#over) return;
      this.#say(`not started: ${oneLine(error)}`);
      this.#again();
    }
  }
}
