/**
 * `--processes`: several processes that serve on the same sockets, which this one holds. One that dies is started again; at
 * SIGUSR2 or SIGHUP each is replaced by a new one, one after the other.
 *
 * Used by `serve_command.ts` and `gateway_command.ts`, which say what is to be listened on.
 */
import { systemClock } from "../../core/time/clock.ts";
import { counted } from "../../core/text/counted.ts";
import { onSignal } from "../../host/signals.ts";
import type { Admin } from "../admin.ts";
import { lineLogger } from "../log.ts";
import { CommandFailure, exitCodes, oneLine } from "../cli/failure.ts";
import { formatMs } from "../cli/format_ms.ts";
import { aborted, say, type Shell } from "../cli/shell.ts";
import { GroupView } from "./group_view.ts";
import { checkPassing, HeldSockets } from "./held_sockets.ts";
import type { Plan } from "./plan.ts";
import { EndedEarly, stopSignal } from "./served.ts";
import { type Member, Slot } from "./slot.ts";

/** Holds the sockets and has children serve until it is told to stop; `read` says anew at each restart what is wanted. */
export async function runGroup(read: () => Promise<Plan>, shell: Shell): Promise<number> {
  await checkPassing("--processes");
  const group = new Group(read, shell);
  const deafen = onSignal(["SIGUSR2"], (name) => void group.restart(name));
  // A terminal that hangs up is gone; anything else asks for a restart by it.
  if (!shell.errors.isTerminal) shell.stop.onHangup = () => void group.restart("SIGHUP");
  try {
    return await group.run();
  } finally {
    deafen();
    shell.stop.onHangup = undefined;
    await group.release();
  }
}

class Group {
  readonly #read: () => Promise<Plan>;
  readonly #shell: Shell;
  readonly #sockets: HeldSockets = new HeldSockets();
  readonly #slots: Slot[] = [];
  /** Places that a restart has given up, while their processes drain. */
  readonly #left: Set<Slot> = new Set();
  #admin: Admin | undefined = undefined;
  #adminConfig = "";
  #busy = true;
  #stopping = false;
  #fail!: (error: CommandFailure) => void;
  readonly #failed: Promise<CommandFailure> = new Promise((resolve) => this.#fail = resolve);

  constructor(read: () => Promise<Plan>, shell: Shell) {
    this.#read = read;
    this.#shell = shell;
  }

  async run(): Promise<number> {
    const { soft, hard } = this.#shell.stop;
    const plan = await this.#read();
    void aborted(hard).then((name) => {
      for (const { child } of this.#members()) child.signal(stopSignal(name));
    });
    if (plan.admin !== undefined) await this.#startAdmin(plan.admin);
    await this.#sockets.bind(plan.places);
    for (let number = 1; number <= plan.count; number++) this.#slots.push(this.#slot(number));
    const stopped = aborted(soft);
    const started = this.#startAll(plan);
    const first = await Promise.race([stopped, this.#failed, started]);
    const why = first ?? await Promise.race([stopped, this.#failed]);
    return await this.#stop(why);
  }

  async release(): Promise<void> {
    await this.#admin?.close();
    await this.#sockets.release();
  }

  /** Replaces each process, one after the other. Never rejects: what fails leaves those that serve as they are. */
  async restart(name: string): Promise<void> {
    if (this.#stopping) return;
    if (this.#busy) return this.#say(`${name}: processes are being started already`);
    this.#busy = true;
    let done = 0;
    try {
      const plan = await this.#read();
      await this.#sockets.bind(plan.places);
      if (JSON.stringify(plan.admin ?? "") !== this.#adminConfig) {
        this.#say("admin stays as it is: only a stop and a start change it");
      }
      for (; done < plan.count; done++) {
        const slot = this.#slots[done] ?? this.#slot(done + 1);
        await slot.replace(plan);
        if (done === this.#slots.length) this.#slots.push(slot);
      }
      for (const slot of this.#slots.splice(plan.count)) this.#leave(slot);
      this.#say(`${processes(plan.count)} restarted`);
    } catch (error) {
      const rest = done === 0
        ? "the processes go on"
        : `from process ${done + 1} on the processes before go on`;
      if (!this.#stopping) this.#say(`not restarted: ${oneLine(error)}; ${rest}`);
    } finally {
      this.#busy = false;
      const wanted = this.#slots.flatMap(({ plan }) => [...plan?.places.keys() ?? []]);
      if (!this.#stopping) await this.#sockets.keep(new Set(wanted));
    }
  }

  #slot(number: number): Slot {
    return new Slot(number, {
      shell: this.#shell,
      sockets: this.#sockets,
      stopping: () => this.#stopping,
      gaveUp: (why) => this.#fail(new CommandFailure(exitCodes.failed, `stopped: ${why}`)),
      unread: (error) => this.#fail(new CommandFailure(exitCodes.failed, oneLine(error))),
    });
  }

  #leave(slot: Slot): void {
    slot.leave();
    this.#left.add(slot);
    const ends = [...slot.members].map((member) => {
      slot.drain(member, "SIGTERM");
      return member.ended;
    });
    void Promise.all(ends).then(() => this.#left.delete(slot));
  }

  #say(text: string): void {
    say(this.#shell, `millrace: ${text}\n`);
  }

  #all(): readonly Slot[] {
    return [...this.#slots, ...this.#left];
  }

  #members(): readonly Member[] {
    return this.#all().flatMap(({ members }) => [...members]);
  }

  /** Undefined when all serve. */
  async #startAll(plan: Plan): Promise<CommandFailure | undefined> {
    try {
      await Promise.all(this.#slots.map((slot) => slot.replace(plan)));
    } catch (error) {
      const code = error instanceof EndedEarly && error.code < 128 && error.code > 0
        ? error.code
        : exitCodes.failed;
      return new CommandFailure(code, `not every process has started: ${oneLine(error)}`);
    }
    this.#busy = false;
    const [{ current }] = this.#slots as [Slot];
    const { banner } = (await current?.child.ready ?? {}) as { readonly banner?: string };
    say(this.#shell, banner ?? "");
    if (this.#admin !== undefined) this.#say(`admin of all processes: ${this.#admin.url}`);
    const pids = this.#slots.map((slot) => slot.current?.child.pid).join(", ");
    this.#say(
      `${processes(this.#slots.length)} (${pids}) serve; SIGUSR2 restarts one after the other`,
    );
    return undefined;
  }

  async #stop(why: string | CommandFailure): Promise<number> {
    const begun = systemClock.now();
    this.#stopping = true;
    const all = this.#all();
    const members = all.flatMap((slot) => {
      slot.leave();
      const told = [...slot.members];
      for (const member of told) slot.drain(member, stopSignal(typeof why === "string" ? why : "SIGTERM"));
      return told;
    });
    // What had not served yet has no work to finish.
    const codes = await Promise.all(
      members.map(async ({ ended, since }) =>
        since === undefined ? (await ended, exitCodes.ok) : await ended
      ),
    );
    if (members.some(({ since }) => since !== undefined)) this.#sum(members, systemClock.now() - begun);
    if (typeof why !== "string") throw why;
    if (codes.every((code) => code === exitCodes.ok)) return exitCodes.ok;
    // A process that was killed at its deadline leaves its work unfinished too.
    return codes.some((code) => code === exitCodes.unfinished || code > 128)
      ? exitCodes.unfinished
      : exitCodes.failed;
  }

  #sum(members: readonly Member[], ms: number): void {
    const [drained = 0, destroyed = 0] = (["drained", "destroyed"] as const).map((key) =>
      members.reduce((sum, { child }) => sum + Number((child.report as Totals | undefined)?.[key] ?? 0), 0)
    );
    const cut = destroyed === 0 ? "" : `, ${destroyed} destroyed`;
    const what = `${processes(members.length)} stopped in ${formatMs(ms)}`;
    this.#say(`${what}; ${counted(drained, "connection")} drained${cut}`);
  }

  async #startAdmin(config: NonNullable<Plan["admin"]>): Promise<void> {
    const { startAdmin } = await import("../admin.ts");
    const view = new GroupView(
      () => this.#all(),
      () => this.#stopping ? "the gateway is draining" : undefined,
    );
    this.#admin = await startAdmin(config, view, {
      log: lineLogger(this.#shell.errors, "info", systemClock),
      clock: systemClock,
    });
    this.#adminConfig = JSON.stringify(config);
  }
}

function processes(count: number): string {
  return count === 1 ? "1 process" : `${count} processes`;
}

/** What a process says at its end. */
interface Totals {
  readonly drained?: number;
  readonly destroyed?: number;
}
