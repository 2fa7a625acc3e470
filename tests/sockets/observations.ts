/**
 * What can be observed of a socket of the WinterTC draft: one function a line of the draft, which runs wherever `connect`
 * is, in this process as in a Worker. They return facts, for a test to compare. They import nothing.
 */

/** As much of a socket as is looked at. */
export interface Observed {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly opened: Promise<object>;
  readonly closed: Promise<unknown>;
  readonly upgraded: boolean;
  close(reason?: unknown): Promise<unknown>;
  startTls(): Observed;
}

/** Where it is observed. */
export interface Place {
  connect(address: string | { hostname: string; port: number }, options?: object): Observed;
  /** Of the peer in `peer.ts`. */
  readonly host: string;
  readonly port: number;
  /** Of one that begins in plaintext, and of one with TLS. */
  readonly starttls: string;
  readonly tls: string;
  /** Where nobody listens. */
  readonly refused: string;
  /** How many promises have been rejected that nobody handled. */
  unhandled(): number;
}

const pending = "pending";
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const bytes = (line: string): Uint8Array => new TextEncoder().encode(line);

/** How it has settled by now, without waiting for it. */
async function now(promise: Promise<unknown>): Promise<unknown> {
  const settled = promise.then(() => "resolved", () => "rejected");
  // As many turns as the promises of streams may take.
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  return Promise.race([settled, Promise.resolve(pending)]);
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return "no failure";
  } catch (error) {
    return error;
  }
}

function thrown(run: () => unknown): unknown {
  try {
    run();
    return "nothing";
  } catch (error) {
    return error;
  }
}

/** Of an error: whether it is a `TypeError`, and has the draft's prefix. */
const shape = (error: unknown): [typeError: boolean, prefix: boolean] => [
  error instanceof TypeError,
  error instanceof Error && error.message.startsWith("SocketError: "),
];

/** Reads until this many bytes are there, or to the end. */
async function read(reader: ReadableStreamDefaultReader<Uint8Array>, size = Infinity): Promise<string> {
  let all = "";
  while (all.length < size) {
    const { value, done } = await reader.read();
    if (done) break;
    all += text(value);
  }
  return all;
}

const at = ({ host, port }: Place): string => `${host}:${port}`;

/** A socket that has sent the peer this command. */
async function commanded(place: Place, command: string, options?: object) {
  const socket = place.connect(at(place), options);
  const writer = socket.writable.getWriter();
  await writer.write(bytes(`${command}\n`));
  return { socket, writer };
}

/** What the peer says of the connection that has sent it this name: it answers once that is over for it. */
async function seen(place: Place, name: string): Promise<string> {
  const { socket, writer } = await commanded(place, `seen ${name}`, { allowHalfOpen: true });
  const answer = await read(socket.readable.getReader());
  await writer.close();
  await socket.close();
  return answer;
}

/** By the number of the line. */
export const observations: Readonly<Record<string, (place: Place) => unknown>> = {
  async "W-1"(place: Place): Promise<unknown> {
    const forms = [at(place), { hostname: place.host, port: place.port }];
    const facts = [];
    for (const form of forms) {
      const socket = place.connect(form);
      facts.push(socket instanceof Promise, await now(socket.opened));
      await socket.opened;
      await socket.close();
    }
    return facts;
  },
  "W-2"(place: Place): unknown {
    const socket = place.connect(at(place));
    const names = [
      "readable",
      "writable",
      "opened",
      "closed",
      "close",
      "upgraded",
      "startTls",
      "secureTransport",
    ];
    void socket.close();
    return [names.filter((name) => !(name in socket)), socket.upgraded];
  },
  "W-3"(place: Place): unknown {
    const faults = ["localhost", "localhost:", "localhost:99999999"];
    return faults.map((address) => shape(thrown(() => place.connect(address))));
  },
  async "W-4"(place: Place): Promise<unknown> {
    return shape(await failure(place.connect(place.refused).opened));
  },
  async "W-5"(place: Place): Promise<unknown> {
    const socket = place.connect(at(place));
    const info = await socket.opened as Record<string, unknown>;
    await socket.close();
    const secured = place.connect(place.tls, { secureTransport: "on" });
    const { alpn } = await secured.opened as Record<string, unknown>;
    await secured.close();
    const { localAddress } = info;
    return {
      remote: info["remoteAddress"] === at(place),
      local: typeof localAddress === "string" ? /^127\.0\.0\.1:\d+$/.test(localAddress) : localAddress,
      alpn: [info["alpn"], alpn],
    };
  },
  async "W-6"(place: Place): Promise<unknown> {
    const before = place.unhandled();
    place.connect(place.refused);
    // Behind it, since the two are refused in turn.
    const socket = place.connect(place.refused);
    await failure(socket.opened);
    await seen(place, "nobody");
    return place.unhandled() - before;
  },
  async "W-7"(place: Place): Promise<unknown> {
    const socket = place.connect(place.refused);
    const writing = failure(socket.writable.getWriter().write(bytes("x")));
    const reading = failure(socket.readable.getReader().read());
    const error = await failure(socket.opened);
    return [
      error instanceof Error,
      ...[await failure(socket.closed), await reading, await writing].map((other) => other === error),
    ];
  },
  async "W-8"(place: Place): Promise<unknown> {
    const socket = place.connect(at(place));
    const reading = read(socket.readable.getReader(), 10);
    const writing = socket.writable.getWriter().write(bytes("echo\nhello"));
    await writing;
    const answer = await reading;
    await socket.close();
    return answer;
  },
  async "W-9"(place: Place): Promise<unknown> {
    const { socket } = await commanded(place, "echo");
    const before = await now(socket.closed);
    await socket.close();
    return [before, await socket.closed];
  },
  async "W-10"(place: Place): Promise<unknown> {
    const { socket } = await commanded(place, "echo");
    return [socket.close() === socket.closed, socket.close() === socket.closed];
  },
  async "W-11"(place: Place): Promise<unknown> {
    const { socket, writer } = await commanded(place, "hold");
    const reason = new Error("enough");
    const reading = socket.readable.getReader().read();
    await socket.close(reason);
    const done = await reading.then(({ done }) => done, () => "failed");
    return [done, await failure(writer.write(bytes("x"))) === reason];
  },
  async "W-12"(place: Place): Promise<unknown> {
    const socket = place.connect(at(place));
    const reason = new Error("never mind");
    const closing = socket.close(reason);
    const opened = await failure(socket.opened);
    await closing;
    return opened === reason;
  },
  async "W-13"(place: Place): Promise<unknown> {
    const { socket, writer } = await commanded(place, "fin unread");
    await seen(place, "fin");
    const unread = await now(socket.closed);
    const all = await read(socket.readable.getReader());
    await socket.closed;
    const late = await failure(writer.write(bytes("late")));
    const broken = await commanded(place, "reset");
    const sending = failure(broken.writer.write(new Uint8Array(4_000_000)));
    const reset = await failure(read(broken.socket.readable.getReader()));
    await broken.socket.closed;
    await sending;
    return [unread, all, late instanceof Error, reset instanceof Error];
  },
  async "W-14"(place: Place): Promise<unknown> {
    const { socket, writer } = await commanded(place, "fin half", { allowHalfOpen: true });
    const all = await read(socket.readable.getReader());
    const after = await now(socket.closed);
    await writer.write(bytes("behind"));
    await writer.close();
    const heard = await seen(place, "half");
    const open = await now(socket.closed);
    await socket.close();
    return [all, after, heard, open];
  },
  async "W-15"(place: Place): Promise<unknown> {
    const { socket, writer } = await commanded(place, "echo both");
    await socket.readable.cancel();
    await writer.close();
    await seen(place, "both");
    return now(socket.closed);
  },
  async "W-16"(place: Place): Promise<unknown> {
    const socket = place.connect(place.starttls, { secureTransport: "starttls" });
    const writer = socket.writable.getWriter();
    const reader = socket.readable.getReader();
    await writer.write(bytes("STARTTLS\n"));
    const plain = await read(reader, 3);
    writer.releaseLock();
    reader.releaseLock();
    const secured = socket.startTls();
    await secured.opened;
    await socket.closed;
    const dead = await failure(Promise.resolve().then(() => socket.writable.getWriter().write(bytes("x"))));
    const outgoing = secured.writable.getWriter();
    await outgoing.write(bytes("hello\n"));
    const answer = await read(secured.readable.getReader(), 6);
    await secured.close();
    return [plain, socket.upgraded, secured.upgraded, dead instanceof Error, answer];
  },
  async "W-17"(place: Place): Promise<unknown> {
    const off = place.connect(at(place));
    const on = place.connect(place.tls, { secureTransport: "on" });
    const facts = [off, on].map((socket) => shape(thrown(() => socket.startTls())));
    await off.close();
    await failure(on.close());
    return facts;
  },
  async "W-19"(place: Place): Promise<unknown> {
    const { socket } = await commanded(place, "echo");
    const reader = socket.readable.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(2));
    const { value: rest } = await reader.read(new Uint8Array(20));
    await socket.close();
    return text(value) + text(rest);
  },
};
