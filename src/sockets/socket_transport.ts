/**
 * A socket with two Web Streams, of the draft or of a host, as a transport: what the connections of Millrace run on.
 *
 * Used by `serve_socket.ts` and `cloudflare_sockets.ts`. The socket must be open.
 */
import { MillraceError, SocketError, socketErrorFrom } from "../core/errors.ts";
import { addressText } from "../core/text/place.ts";
import { Fifo } from "../core/bytes/fifo.ts";
import type { TlsUpgradeSettings } from "../core/tls/tls.ts";
import type { Address, Peer, Transport, TransportEvents } from "../core/transport.ts";
import { peers } from "./dialed_socket.ts";
import type { HostSocket, SocketInfo } from "./socket.ts";

/** Of what is read into a buffer: less is handed out as a copy, and the buffer is read into again. */
const copiedBelow = 16 * 1024;
const readAtOnce = 64 * 1024;
/** A write that is larger is made of several, each of which counts when it is complete. */
const writtenAtOnce = 64 * 1024;

/** Gives a socket TLS: the same connection as a new socket, once that is open. */
type StartTls = (
  socket: HostSocket,
  settings: TlsUpgradeSettings,
) => Promise<{ readonly socket: HostSocket; readonly peer: Peer }>;

/** One socket's transport. */
export class SocketTransport implements Transport {
  peer: Peer;
  taken = 0;
  readonly prompt = false;
  readonly upgrade?: Transport["upgrade"] & object;
  readonly hold?: () => void;
  #socket: HostSocket;
  /** A socket of ours is done with the memory of a write that has resolved; others may pass it on. */
  readonly #own: boolean;
  #source!: Source;
  #writer!: WritableStreamDefaultWriter<Uint8Array>;
  #events: TransportEvents | undefined = undefined;
  #paused = true;
  /** Each read is asked for by `resume`, before an upgrade: one that waits could not be taken back. */
  #onDemand: boolean;
  /** A read is under way; what it gives belongs to this source. */
  #reading: Source | undefined = undefined;
  /** What was read while reading was stopped for an upgrade. */
  #held = false;
  /** The sizes of writes that are under way. */
  readonly #writing: Fifo<number> = new Fifo();
  #ended = false;
  #finSent = false;
  #peerEnded = false;
  #closed = false;

  constructor(socket: HostSocket, peer: Peer, startTls?: StartTls) {
    this.peer = peer;
    this.#socket = socket;
    this.#own = peers.has(socket);
    this.#take(socket);
    this.#onDemand = startTls !== undefined;
    if (startTls === undefined) return;
    this.hold = () => void (this.#held = true);
    this.upgrade = async (settings, _signal, ready) => {
      // Hosts wait for what holds the streams, and a read that waits holds them.
      this.#writer.releaseLock();
      this.#source.release();
      const secured = await startTls(this.#socket, settings);
      this.#socket = secured.socket;
      this.peer = secured.peer;
      this.#take(secured.socket);
      await ready();
      this.#held = this.#onDemand = false;
      if (!this.#paused) this.#read();
    };
  }

  start(events: TransportEvents): void {
    this.#events = events;
    if (!this.#onDemand) this.resume();
  }

  resume(): void {
    if (!this.#paused || this.#closed || this.#peerEnded) return;
    this.#paused = false;
    this.#read();
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended) return false;
    for (let from = 0; from < chunk.length; from += writtenAtOnce) {
      const piece = this.#own
        ? chunk.subarray(from, from + writtenAtOnce)
        : chunk.slice(from, from + writtenAtOnce);
      this.#writing.push(piece.length);
      this.#writer.write(piece).then(this.#onTaken, this.#onFailed);
    }
    return chunk.length === 0 && this.#writing.length === 0;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    // The stream closes behind what it was given.
    this.#writer.close().then(() => {
      this.#finSent = true;
      if (this.#peerEnded) this.#close();
    }, this.#onFailed);
  }

  release(): void {
    if (!this.#closed) this.#close();
  }

  abort(): void {
    if (this.#closed) return;
    this.#writer.abort(new SocketError("aborted", "use a socket: it was aborted")).catch(() => {});
    this.#close();
  }

  #take(socket: HostSocket): void {
    this.#writer = socket.writable.getWriter();
    // What happens to it is told by what is done with it.
    this.#writer.closed.catch(() => {});
    this.#writer.ready.catch(() => {});
    this.#source = new Source(socket.readable);
  }

  #read(): void {
    if (this.#held || this.#reading === this.#source) return;
    const source = this.#reading = this.#source;
    source.read().then((chunk) => {
      // The socket has been secured meanwhile.
      if (source !== this.#source) return;
      this.#reading = undefined;
      if (this.#closed) return;
      if (chunk === undefined) return this.#finished();
      this.#paused = this.#onDemand;
      if (this.#events!.data(chunk)) {
        if (!this.#closed && !this.#paused) this.#read();
      } else this.#paused = true;
    }, (error) => {
      if (source === this.#source) this.#onFailed(error);
    });
  }

  #finished(): void {
    this.#peerEnded = true;
    this.#events!.end();
    if (this.#finSent && !this.#closed) this.#close();
  }

  readonly #onTaken = (): void => {
    this.taken += this.#writing.take();
    if (this.#writing.length === 0 && !this.#closed) this.#events?.drain();
  };

  readonly #onFailed = (cause: unknown): void => {
    if (!this.#closed) this.#close(brokenBy(cause, `use the connection to ${whereOf(this.peer)}`));
  };

  #close(error?: SocketError): void {
    this.#closed = this.#ended = true;
    this.#source.cancel();
    // Its failure is what was told, or of no interest.
    Promise.resolve(this.#socket.close()).catch(() => {});
    this.#events?.close(error);
  }
}

/** Reads a stream: into buffers of ours where it can, since hosts hand out little at a time otherwise. */
class Source {
  readonly #bytes: ReadableStreamBYOBReader | undefined = undefined;
  readonly #chunks: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined;
  #buffer: ArrayBuffer | undefined = undefined;

  constructor(stream: ReadableStream<Uint8Array>) {
    try {
      this.#bytes = stream.getReader({ mode: "byob" });
    } catch {
      this.#chunks = stream.getReader();
    }
  }

  /** The receiver may keep the chunk; undefined at the end. */
  async read(): Promise<Uint8Array | undefined> {
    if (this.#bytes === undefined) return (await this.#chunks!.read()).value;
    const buffer = this.#buffer ?? new ArrayBuffer(readAtOnce);
    this.#buffer = undefined;
    const { value, done } = await this.#bytes.read(new Uint8Array(buffer));
    if (done || value === undefined) return undefined;
    if (value.length >= copiedBelow) return value;
    this.#buffer = value.buffer;
    return value.slice();
  }

  release(): void {
    (this.#bytes ?? this.#chunks!).releaseLock();
  }

  cancel(): void {
    (this.#bytes ?? this.#chunks!).cancel().catch(() => {});
  }
}

/** Who is at the other end, as far as the host tells. */
export function peerOf(socket: HostSocket, info: Partial<SocketInfo>, client: boolean): Peer {
  const known = peers.get(socket);
  if (known !== undefined) return known;
  const { host: ip, port } = partsOf(info.remoteAddress);
  const local: Address = { transport: "tcp", ...partsOf(info.localAddress) };
  if (socket.secureTransport !== "on") return { ip, port, local };
  const unknown = { protocol: undefined, cipher: undefined, serverName: undefined, certificate: undefined };
  const alpn = info.alpn ?? undefined;
  return { ip, port, local, tls: { ...unknown, engine: "host", alpn, authorized: client } };
}

function whereOf({ ip, port }: Peer): string {
  return addressText({ transport: "tcp", host: ip, port });
}

function partsOf(address: string | null | undefined): { readonly host: string; readonly port: number } {
  const [, v6, host, port] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(address ?? "") ?? [];
  return { host: v6 ?? host ?? "", port: Number(port ?? 0) };
}

/** The fault of Millrace behind what a stream or a promise of a socket failed with. */
export function brokenBy(cause: unknown, action: string): SocketError {
  const behind = cause instanceof Error ? cause.cause : undefined;
  for (const error of [cause, behind]) if (error instanceof SocketError) return error;
  if (behind instanceof MillraceError) {
    return new SocketError("unknown", `${action}: ${behind.message}`, { cause });
  }
  const text = cause instanceof Error ? cause.message : String(cause);
  return /connection lost|reset/i.test(text)
    ? new SocketError("reset", `${action}: ${text}`, { cause })
    : socketErrorFrom(cause, action);
}
