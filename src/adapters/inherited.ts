/**
 * Listening on a descriptor that the process has inherited: what it is, and that it is kept while nobody accepts.
 *
 * Loaded by `placed.ts` when the first descriptor is met. A process that closes its descriptor cannot get the socket
 * again, so that whoever stops for a while must not. Linux tells in /proc what a descriptor is; elsewhere, and on Deno
 * without `--allow-all`, only the attempt does.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { SocketError } from "../core/errors.ts";
import type { AdapterListenOptions, Address, Listener, Transport } from "../core/transport.ts";

/** What a runtime gives for an inherited descriptor: one of the two ways to stop for a while. */
export interface InheritedSocket extends Listener {
  /** Another descriptor of the same socket, which stays when this listener has stopped. */
  duplicate?(): number | Promise<number>;
}

/** What a runtime does; `at` is where the descriptor is bound as far as that is known. */
export interface Inheriting {
  bind(
    options: AdapterListenOptions,
    accept: (transport: Transport) => void,
    at: Address,
  ): Promise<InheritedSocket>;
  /** Closes a descriptor that `duplicate` gave. */
  discard?(descriptor: number): void;
}

/** The descriptors that servers of this process have. */
const taken: Set<number> = new Set();

/** Paths of Unix sockets that are not those they were bound at. */
const paths: Map<number, string> = new Map();

/** Says where a descriptor is dialled: the system knows only where it was bound, before it was moved to its place. */
export function tellPath(descriptor: number, path: string): void {
  paths.set(descriptor, path);
}

/** Listens on `options.descriptor`. */
export async function listenInherited(
  options: AdapterListenOptions,
  accept: (transport: Transport) => void,
  { bind, discard }: Inheriting,
): Promise<Listener> {
  const descriptor = options.descriptor!;
  const action = `listen on descriptor ${descriptor}`;
  if (taken.has(descriptor)) {
    throw bad(action, "another server of this process has it: stop that one, or suspend and resume it");
  }
  const address = addressOf(descriptor, action);
  const listen = (descriptor: number) =>
    bind({ ...options, descriptor, address }, accept, address).catch((error) => {
      throw explained(error, action);
    });
  taken.add(descriptor);
  try {
    return new InheritedListener(await listen(descriptor), listen, discard, () => taken.delete(descriptor));
  } catch (error) {
    taken.delete(descriptor);
    throw error;
  }
}

class InheritedListener implements Listener {
  readonly address: Address;
  readonly tls: string | undefined;
  #socket: InheritedSocket | undefined;
  /** The descriptor, while nobody listens on it. */
  #kept: number | undefined = undefined;
  readonly #listen: (descriptor: number) => Promise<InheritedSocket>;
  readonly #discard: ((descriptor: number) => void) | undefined;
  readonly #gone: () => void;

  constructor(
    socket: InheritedSocket,
    listen: (descriptor: number) => Promise<InheritedSocket>,
    discard: ((descriptor: number) => void) | undefined,
    gone: () => void,
  ) {
    this.address = socket.address;
    this.tls = socket.tls;
    this.#socket = socket;
    this.#listen = listen;
    this.#discard = discard;
    this.#gone = gone;
  }

  get descriptor(): number | undefined {
    return this.#socket === undefined ? this.#kept : this.#socket.descriptor;
  }

  async pause(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (socket.pause !== undefined) return socket.pause();
    this.#kept = await socket.duplicate!();
    this.#socket = undefined;
    await socket.stop();
  }

  async resume(): Promise<void> {
    if (this.#socket !== undefined) return this.#socket.resume?.();
    this.#socket = await this.#listen(this.#kept!);
    this.#kept = undefined;
  }

  stop(): Promise<void> {
    this.#gone();
    if (this.#socket !== undefined) return this.#socket.stop();
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) this.#discard?.(kept);
    return Promise.resolve();
  }
}

/** Where it is bound, as far as /proc says it; what is no socket that could listen is refused untouched. */
function addressOf(descriptor: number, action: string): Address {
  const unknown: Address = { transport: "tcp", host: "0.0.0.0", port: 0 };
  const link = attempt(() => readlinkSync(`/proc/self/fd/${descriptor}`));
  if (link === undefined) {
    if (attempt(() => readlinkSync("/proc/self/fd/0")) === undefined) return unknown;
    throw bad(
      action,
      "it is not open: start this program with the listening socket as that descriptor, and remember that a " +
        "server that has stopped has closed its own",
    );
  }
  const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
  if (inode === undefined) {
    throw bad(action, `it is not a socket (${link}): pass a listening TCP or Unix socket`);
  }
  for (const [table, listening] of [["tcp", "0A"], ["tcp6", "0A"]] as const) {
    const row = rowOf(table, 9, inode);
    if (row === undefined) continue;
    if (row[3] === listening) return unknown;
    throw bad(action, "it is a connection: pass a listening TCP or Unix socket");
  }
  const unix = rowOf("unix", 6, inode);
  if (unix !== undefined) {
    const [, , , flags = "", type = "", state = ""] = unix;
    if (type !== "0001") throw bad(action, "it is a Unix socket for datagrams: pass one for streams");
    const connected = state === "03" && (parseInt(flags, 16) & acceptsConnections) === 0;
    if (connected) throw bad(action, "it is a connection: pass a listening TCP or Unix socket");
    return { transport: "unix", path: paths.get(descriptor) ?? unix[7] ?? "" };
  }
  for (const table of ["udp", "udp6"]) {
    if (rowOf(table, 9, inode) !== undefined) {
      throw bad(action, "it is a socket for datagrams (UDP): pass a listening TCP or Unix socket");
    }
  }
  // Bound and not listening yet, or of another network namespace, whose sockets this table does not have.
  return unknown;
}

/** The flag of Linux for a Unix socket that listens. */
const acceptsConnections = 0x1_0000;

/** The fields of the socket with this inode in a table of /proc. */
function rowOf(table: string, column: number, inode: string): readonly string[] | undefined {
  const text = attempt(() => readFileSync(`/proc/self/net/${table}`, "utf8")) ?? "";
  for (const line of text.split("\n")) {
    // The path of a Unix socket comes last, and may have spaces.
    const fields = line.trim().split(/\s+/);
    if (fields[column] !== inode) continue;
    return fields.length > 8 && table === "unix"
      ? [...fields.slice(0, 7), line.slice(line.indexOf(fields[7]!, line.indexOf(` ${inode} `)))]
      : fields;
  }
  return undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function bad(action: string, text: string, cause?: unknown): SocketError {
  return new SocketError("bad_descriptor", `${action}: ${text}`, { cause });
}

/** What the attempt tells where nothing else does. */
function explained(error: unknown, action: string): unknown {
  if (!(error instanceof SocketError)) return error;
  const { cause, reason } = error;
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  if (reason === "unknown") {
    return bad(action, `the system refuses it (${String(code)}): pass a listening TCP or Unix socket`, cause);
  }
  const text = error.message.replace(/^listen on .*?: (?=\D)/, "");
  return new SocketError(reason, `${action}: ${text}`, { cause });
}
