/**
 * `--takeover`: a process that holds the sockets, and whose child serves; at SIGUSR2 a new child takes over from the old.
 *
 * Used by `serve_command.ts` and `gateway_command.ts`, which say what is to be listened on. The holder keeps its process id for
 * whoever supervises it, and ends with the code of its child.
 */
import { detectAdapter } from "../../adapters/detect.ts";
import { canHoldSockets, type HeldPlace, type HeldSocket, holdSocket } from "../../adapters/held.ts";
import { tellPath } from "../../adapters/inherited.ts";
import { formatAddress } from "../../core/text/address.ts";
import { systemClock } from "../../core/time/clock.ts";
import type { Address } from "../../core/transport.ts";
import { onSignal, type SignalName } from "../../host/signals.ts";
import { inheritedSockets, startSuccessor, type Successor } from "../../host/successor.ts";
import { CommandFailure, exitCodes, oneLine } from "./failure.ts";
import { aborted, say, type Shell } from "./shell.ts";

/** Places by name. */
export type Places = ReadonlyMap<string, HeldPlace>;

/** How long a new process may take until it serves. */
const startMs = 30_000;
/** How long one that is told to stop before it has served may take, until it is killed. */
const stopMs = 5_000;

/** The name of a socket: the same for the same address, and for each free port its own. */
export function socketName(owner: string, address: Address): string {
  const text = formatAddress(address);
  return address.transport === "tcp" && address.port === 0 ? `${owner} ${text}` : text;
}

/** What this process has inherited from its holder; undefined for one that shall hold. */
export async function handedSockets(): Promise<ReadonlyMap<string, number> | undefined> {
  const { name, can } = await detectAdapter();
  if (!can.descriptor || !canHoldSockets) {
    throw new CommandFailure(
      exitCodes.usage,
      `--takeover: ${name} cannot pass on its sockets on this system: leave it out, and restart by systemd's sockets`,
    );
  }
  return inheritedSockets();
}

/** The descriptor of this name. */
export function handed(sockets: ReadonlyMap<string, number>, name: string, address: Address): number {
  const descriptor = sockets.get(name);
  if (descriptor !== undefined) {
    if (address.transport === "unix") tellPath(descriptor, address.path);
    return descriptor;
  }
  throw new CommandFailure(
    exitCodes.failed,
    `listen on ${name}: the process that holds the sockets has not passed this one; send it SIGUSR2 again`,
  );
}

/** Holds the sockets and has a child serve, until it ends; `read` says anew at each hand-over what is listened on. */
export async function holdSockets(read: () => Promise<Places>, shell: Shell): Promise<number> {
  const holder = new Holder(read, shell);
  const deafen = onSignal(["SIGUSR2"], () => void holder.handOver());
  try {
    return await holder.run();
  } finally {
    deafen();
    await holder.release();
  }
}

class Holder {
  readonly #read: () => Promise<Places>;
  readonly #shell: Shell;
  readonly #sockets: Map<string, HeldSocket> = new Map();
  /** Those that have not ended, with what tells their code. */
  readonly #children: Map<Successor, Promise<number>> = new Map();
  /** Those that were told to drain: to be told again means to destroy. */
  readonly #draining: Set<Successor> = new Set();
  /** The one that serves. */
  #current: Successor | undefined = undefined;
  #busy = true;
  #end!: (code: number) => void;
  readonly #over: Promise<number> = new Promise((resolve) => this.#end = resolve);

  constructor(read: () => Promise<Places>, shell: Shell) {
    this.#read = read;
    this.#shell = shell;
  }

  /** The code of the process that serves when it ends, and 3 where one before it has left work unfinished at the end. */
  async run(): Promise<number> {
    const { soft, hard } = this.#shell.stop;
    void aborted(soft).then((name) => this.#drainAll(name as SignalName));
    void aborted(hard).then((name) => {
      for (const child of this.#children.keys()) child.signal(stopSignal(name as SignalName));
    });
    const places = await this.#read();
    await this.#bind(places);
    const child = this.#current = this.#start(places);
    void child.ready.then(() => this.#busy = false);
    const code = await this.#over;
    // A new one that was just to take over, if the one that serves has ended by itself.
    this.#drainAll("SIGTERM");
    const others = await Promise.all(this.#children.values());
    return code === exitCodes.ok && others.includes(exitCodes.unfinished) ? exitCodes.unfinished : code;
  }

  async release(): Promise<void> {
    await Promise.all([...this.#sockets.values()].map((socket) => socket.release()));
  }

  /** Never rejects: what fails leaves the one that serves as it is. */
  async handOver(): Promise<void> {
    if (this.#shell.stop.soft.aborted) return;
    if (this.#busy) return say(this.#shell, "millrace: SIGUSR2: a process is starting already\n");
    this.#busy = true;
    let added: readonly string[] = [];
    try {
      const places = await this.#read();
      added = await this.#bind(places);
      const child = this.#start(places);
      await this.#served(child);
      const before = this.#current!;
      this.#current = child;
      say(this.#shell, `millrace: process ${child.pid} has taken over from ${before.pid}, which drains\n`);
      this.#drain(before, "SIGTERM");
      await this.#drop([...this.#sockets.keys()].filter((name) => !places.has(name)));
    } catch (error) {
      await this.#drop(added);
      say(
        this.#shell,
        `millrace: not taken over: ${oneLine(error)}; process ${this.#current!.pid} goes on\n`,
      );
    } finally {
      this.#busy = false;
    }
  }

  /** Binds what is not bound yet; returns what was. Binds nothing where one of them fails. */
  async #bind(places: Places): Promise<readonly string[]> {
    const added: string[] = [];
    try {
      for (const [name, place] of places) {
        if (this.#sockets.has(name)) continue;
        this.#sockets.set(name, await holdSocket(place));
        added.push(name);
      }
      return added;
    } catch (error) {
      await this.#drop(added);
      throw error;
    }
  }

  async #drop(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const socket = this.#sockets.get(name);
      this.#sockets.delete(name);
      await socket?.release();
    }
  }

  #start(places: Places): Successor {
    const child = startSuccessor(
      new Map([...places.keys()].map((name) => [name, this.#sockets.get(name)!.descriptor])),
    );
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

  /** Rejects where the child ends or takes too long, once it has ended. */
  async #served(child: Successor): Promise<void> {
    const ended = this.#children.get(child)!;
    const limit = new Limit(startMs);
    const ready = child.ready.then(() => "ready" as const);
    const what = await Promise.race([ready, ended, limit.over]);
    limit.clear();
    if (what === "ready") return;
    if (typeof what === "number") throw new Error(`the new process has ended with code ${what}`);
    this.#drain(child, "SIGTERM");
    const patience = new Limit(stopMs);
    void patience.over.then(() => child.signal("SIGKILL"));
    await ended;
    patience.clear();
    throw new Error(`the new process did not serve within ${startMs / 1000} s`);
  }

  #drainAll(name: SignalName): void {
    for (const child of this.#children.keys()) this.#drain(child, stopSignal(name));
  }

  #drain(child: Successor, name: StopSignal): void {
    if (this.#draining.has(child)) return;
    this.#draining.add(child);
    child.signal(name);
  }
}

type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

function stopSignal(name: SignalName): StopSignal {
  return name === "SIGINT" || name === "SIGHUP" ? name : "SIGTERM";
}

/** A wait that can be given up. */
class Limit {
  readonly over: Promise<void>;
  #timer: unknown;

  constructor(ms: number) {
    this.over = new Promise((resolve) => this.#timer = systemClock.setTimer(resolve, ms));
  }

  clear(): void {
    systemClock.clearTimer(this.#timer);
  }
}
