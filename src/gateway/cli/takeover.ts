/**
 * `--takeover`: a process that holds the sockets, and whose child serves; at SIGUSR2 or SIGHUP a new child takes over from the old.
 *
 * Used by `serve_command.ts` and `gateway_command.ts`, which say what is to be listened on. The holder keeps its process id for
 * whoever supervises it, and ends with the code of its child.
 */
import { inheritedByNumber } from "../../adapters/held.ts";
import { onSignal } from "../../host/signals.ts";
import { startSuccessor, type Successor } from "../../host/successor.ts";
import { checkPassing, HeldSockets, type Places } from "../processes/held_sockets.ts";
import { served, type StopSignal, stopSignal } from "../processes/served.ts";
import { exitCodes, oneLine } from "./failure.ts";
import { aborted, say, type Shell } from "./shell.ts";

/** Holds the sockets and has a child serve, until it ends; `read` says anew at each hand-over what is listened on. */
export async function holdSockets(read: () => Promise<Places>, shell: Shell): Promise<number> {
  await checkPassing("--takeover");
  const holder = new Holder(read, shell);
  const deafen = onSignal(["SIGUSR2"], () => void holder.handOver("SIGUSR2"));
  // A terminal that hangs up is gone; anything else asks for the file to be read by it.
  if (!shell.errors.isTerminal) shell.stop.onHangup = () => void holder.handOver("SIGHUP");
  try {
    return await holder.run();
  } finally {
    deafen();
    shell.stop.onHangup = undefined;
    await holder.release();
  }
}

class Holder {
  readonly #read: () => Promise<Places>;
  readonly #shell: Shell;
  readonly #sockets: HeldSockets = new HeldSockets();
  /** Those that have not ended, with what tells their code. */
  readonly #children: Map<Successor, Promise<number>> = new Map();
  /** Those that were told to drain: to be told again means to destroy. */
  readonly #draining: Set<Successor> = new Set();
  /** The one that serves. */
  #current: Successor | undefined = undefined;
  #busy = true;
  /** Another hand-over is to follow. */
  #again = false;
  #end!: (code: number) => void;
  readonly #over: Promise<number> = new Promise((resolve) => this.#end = resolve);

  constructor(read: () => Promise<Places>, shell: Shell) {
    this.#read = read;
    this.#shell = shell;
  }

  /** The code of the process that serves when it ends, and 3 where one before it has left work unfinished at the end. */
  async run(): Promise<number> {
    const { soft, hard } = this.#shell.stop;
    void aborted(soft).then((name) => this.#drainAll(name));
    void aborted(hard).then((name) => {
      for (const child of this.#children.keys()) child.signal(stopSignal(name));
    });
    const places = await this.#read();
    await this.#sockets.bind(places);
    const child = this.#current = this.#start(places);
    void child.ready.then(() => this.#rest());
    const code = await this.#over;
    // A new one that was just to take over, if the one that serves has ended by itself.
    this.#drainAll("SIGTERM");
    const others = await Promise.all(this.#children.values());
    return code === exitCodes.ok && others.includes(exitCodes.unfinished) ? exitCodes.unfinished : code;
  }

  release(): Promise<void> {
    return this.#sockets.release();
  }

  /** Never rejects: what fails leaves the one that serves as it is. */
  async handOver(signal: string): Promise<void> {
    if (this.#shell.stop.soft.aborted) return;
    if (this.#busy) {
      // The file may have changed since the one that is starting has read it.
      this.#again ||= signal === "SIGHUP";
      return say(this.#shell, `millrace: ${signal}: a process is starting already\n`);
    }
    this.#busy = true;
    let added: readonly string[] = [];
    try {
      const places = await this.#read();
      added = await this.#sockets.bind(places);
      const child = this.#start(places);
      await served(child, this.#children.get(child)!, () => this.#drain(child, "SIGTERM"));
      const before = this.#current!;
      this.#current = child;
      say(this.#shell, `millrace: process ${child.pid} has taken over from ${before.pid}, which drains\n`);
      this.#drain(before, "SIGTERM");
      await this.#sockets.keep(new Set(places.keys()));
    } catch (error) {
      await this.#sockets.drop(added);
      say(
        this.#shell,
        `millrace: not taken over: ${oneLine(error)}; process ${this.#current!.pid} goes on\n`,
      );
    } finally {
      this.#rest();
    }
  }

  #rest(): void {
    this.#busy = false;
    if (!this.#again) return;
    this.#again = false;
    void this.handOver("SIGHUP");
  }

  #start(places: Places): Successor {
    const child = startSuccessor({
      sockets: this.#sockets.descriptors(places),
      byNumber: inheritedByNumber,
    });
    const ended = child.ended.catch((error) => {
      say(this.#shell, `millrace: starting a process: ${oneLine(error)}\n`);
      return exitCodes.failed as number;
    });
    this.#children.set(child, ended);
    void ended.then((code) => {
      // While it stops, `run` waits for what this one has to say.
      if (!this.#shell.stop.soft.aborted) this.#children.delete(child);
      this.#draining.delete(child);
      if (child === this.#current) this.#end(code);
    });
    // Its signal came before it was there.
    const { soft } = this.#shell.stop;
    if (soft.aborted) this.#drain(child, "SIGTERM");
    return child;
  }

  #drainAll(name: string): void {
    for (const child of this.#children.keys()) this.#drain(child, stopSignal(name));
  }

  #drain(child: Successor, name: StopSignal): void {
    if (this.#draining.has(child)) return;
    this.#draining.add(child);
    child.signal(name);
  }
}
