/**
 * Claims about types (F-73), held by the compiler: every line marked as an error must be one. Never run; compiled by
 * the check of types and by `claims_test.ts`.
 */
import type * as Effect from "effect/Effect";
import * as EffectNamespace from "effect/Effect";
import type * as Context from "effect/Context";
import type * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import type { Server as FrontServer } from "../../mod.ts";
import * as main from "../../mod.ts";
import * as effect from "../../effect.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { TcpAddress } from "../../src/core/transport.ts";
import { raw } from "../../src/core/framing/raw.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
/** Compiles for `true` only. */
function holds<Claim extends true>(): Claim | void {}

const text = lines({ encoding: "utf-8" });

// The frame's type comes from the framing: a string for lines with an encoding, bytes for the others.
export const asText: Promise<FrontServer<string>> = main.serve({
  port: 0,
  framing: text,
  onFrame: (frame, connection) => {
    holds<Same<typeof frame, string>>();
    void connection.send(frame.toUpperCase());
    // @ts-expect-error bytes are no line of text
    void connection.send(new Uint8Array(1));
  },
});
export const asBytes: Promise<FrontServer<Uint8Array>> = main.serve({
  port: 0,
  framing: lines(),
  handler: async (connection) => {
    for await (const frame of connection) {
      holds<Same<typeof frame, Uint8Array>>();
      await connection.send(frame);
      // @ts-expect-error without an encoding a line is bytes
      await connection.send("text");
    }
  },
});
export const asRaw: Promise<FrontServer<Uint8Array>> = main.serve({
  port: 0,
  framing: raw(),
  onFrame: (frame) => void holds<Same<typeof frame, Uint8Array>>(),
});

// A framing of the user's own carries its messages to the handler, and what may be sent can be another type.
interface Message {
  readonly id: number;
}
declare const own: main.Framing<Message, string>;
export const asMessages: Promise<FrontServer<Message, string>> = main.serve({
  port: 0,
  framing: own,
  onFrame: ({ id }, connection) => {
    holds<Same<typeof id, number>>();
    void connection.send("a reply");
    // @ts-expect-error it takes text, not messages
    void connection.send({ id: 1 });
  },
});

// The context is what `context` makes, everywhere.
export const withContext: Promise<FrontServer<Uint8Array, Uint8Array, { user: string }>> = main.serve({
  port: 0,
  framing: lengthField({ lengthBytes: 2 }),
  context: () => ({ user: "" }),
  onConnect: (connection) => void holds<Same<typeof connection.context, { user: string }>>(),
  onFrame: (_frame, connection) => {
    connection.context.user = "ada";
    // @ts-expect-error there is no such field
    connection.context.name = "ada";
  },
  onDisconnect: (_record, connection) => void connection.context.user,
});

// Pairs that make no sense.
const handler = (): void => {};
// @ts-expect-error exactly one of handler and onFrame
void main.serve({ port: 0, framing: text, handler, onFrame: handler });
// @ts-expect-error one of handler and onFrame is needed
void main.serve({ port: 0, framing: text });
// @ts-expect-error exactly one of port, path and address
void main.serve({ port: 0, address: "127.0.0.1:0", framing: text, handler });
// @ts-expect-error exactly one of port and path
void main.serve({ port: 0, path: "/tmp/x.sock", framing: text, handler });
void main.serve({ fd: 3, framing: text, handler });
// @ts-expect-error a descriptor has been bound
void main.serve({ fd: 3, port: 0, framing: text, handler });
// @ts-expect-error a descriptor has been bound
void main.serve({ fd: 3, path: "/tmp/x.sock", framing: text, handler });
// @ts-expect-error a descriptor has been bound
void main.serve({ fd: 3, framing: text, handler, bindRetry: true });
// @ts-expect-error a descriptor has been bound
void main.serve({ fd: 3, framing: text, handler, reusePort: true });
// @ts-expect-error a place is needed
void main.serve({ framing: text, handler });
// @ts-expect-error a host goes with a port, not with a path
void main.serve({ path: "/tmp/x.sock", host: "::1", framing: text, handler });
// @ts-expect-error a handler decides itself when its connection is done
void main.serve({ port: 0, framing: text, handler, allowHalfOpen: true });
// @ts-expect-error what is secured from the start cannot be secured later
void main.serve({ port: 0, framing: text, handler, tls: { cert: "", key: "" }, upgradable: true });
// @ts-expect-error the same for a client
void main.connect({ port: 1, framing: text, tls: true, upgradable: true });
// @ts-expect-error a certificate needs its key
void main.serve({ port: 0, framing: text, handler, tls: { cert: "" } });
// @ts-expect-error a key needs its certificate
void main.connect({ port: 1, framing: text, tls: { key: "" } });
// @ts-expect-error the same for what begins in the clear
void (0 as never as main.Connection<string>).upgrade({ cert: "" });
declare const chosen: main.Certificates;
// @ts-expect-error either a pair or certificates
void main.serve({ port: 0, framing: text, handler, tls: { cert: "", key: "", certificates: chosen } });
// @ts-expect-error those who may sign for clients are for clients that are asked
void main.serve({ port: 0, framing: text, handler, tls: { cert: "", key: "", ca: "" } });
// @ts-expect-error and so is the decision on them
void main.serve({ port: 0, framing: text, handler, tls: { certificates: chosen, authorize: () => true } });
// @ts-expect-error no IPv6 on a Unix socket
void main.serve({ path: "/tmp/x.sock", framing: text, handler, ipv6Only: true });
// @ts-expect-error no port to be shared on a Unix socket
void main.serve({ path: "/tmp/x.sock", framing: text, handler, reusePort: true });
// @ts-expect-error a port has no file
void main.serve({ port: 0, framing: text, handler, mode: 0o660 });
// @ts-expect-error nor an owner
void main.serve({ port: 0, framing: text, handler, owner: { uid: 0 } });
// @ts-expect-error octal digits begin with 0
void main.serve({ path: "/tmp/x.sock", framing: text, handler, mode: "660" });
void main.serve({ path: "/tmp/x.sock", framing: text, handler, mode: "0660", owner: { gid: 33 } });
// @ts-expect-error a burst needs the rate that fills it
void main.serve({ port: 0, framing: text, handler, rateLimit: { burstBytes: 5, framesPerSecond: 1 } });
// @ts-expect-error a keepalive is sent after an interval
void main.serve({ port: 0, framing: text, handler, keepalive: { payload: new Uint8Array(1) } });
// @ts-expect-error line ends that are left to the sender cannot be checked for
void main.lines({ append: false, checkSent: true });
// @ts-expect-error where each carriage return is part of a line end, none is left
void main.lines({ loneCarriageReturn: true, stripCarriageReturn: false });
// @ts-expect-error one delimiter begins all frames
void main.delimited({ delimiter: ["a", "b"], position: "prefix" });
// @ts-expect-error nor can delimiters
void main.delimited({ append: false, checkSent: true });
// @ts-expect-error ISO 8859-1 has no bytes that are wrong
void main.lines({ encoding: "latin1", fatal: true });
// @ts-expect-error where the delimiter begins a frame, the end of input ends one
void main.delimited({ position: "prefix", acceptUnterminated: true });
void main.checksummed(main.lines(), { type: "sum16", seed: 1, endian: "little" });
// @ts-expect-error a CRC has an initial value of its own
void main.checksummed(main.lines(), { type: "crc32", seed: 1 });
// @ts-expect-error the first digit is the highest
void main.checksummed(main.lines(), { type: "crc32", format: "hex", endian: "little" });
// @ts-expect-error text has no bytes to sum up
void main.checksummed(main.lines({ encoding: "utf-8" }), { type: "crc32" });
// @ts-expect-error a header that is never written
void main.lengthField({ lengthBytes: 2, header: new Uint8Array(2) });
// @ts-expect-error after a frame of a wrong size nothing tells where the next begins
void main.fixedLength({ frameBytes: 4, onFrameError: "skip" });
// @ts-expect-error one of the sources is the default
void main.certificates({ main: { certFile: "a", keyFile: "b" } }, { default: "mian" });
// @ts-expect-error in programs with Effect as well
void effect.serve({ port: 0, framing: text, handler, allowHalfOpen: true });

// What is decided while the program runs still compiles.
declare const sometimes: boolean;
export function decidedLater(secured: main.TlsServerOptions | undefined, names: readonly string[]): void {
  const tls = sometimes ? { cert: "", key: "" } : undefined;
  void main.serve({ port: 0, framing: text, handler, tls });
  void main.serve({ port: 0, framing: text, onFrame: () => {}, tls: secured, allowHalfOpen: sometimes });
  void main.serve({ port: 0, framing: text, handler, upgradable: sometimes });
  const asked = sometimes ? "require" : "none";
  void main.serve({ port: 0, framing: text, handler, tls: { cert: "", key: "", clientCertificates: asked } });
  void main.lines({ append: sometimes, encoding: "utf-8", fatal: sometimes });
  void main.lines({ checkSent: sometimes });
  void main.lines({ checkSent: sometimes, loneCarriageReturn: sometimes, encoding: "utf-8" });
  void main.delimited({ delimiter: sometimes ? "\r" : ["\r\n", "\n"] });
  const files = Object.fromEntries(names.map((name) => [name, { certFile: name, keyFile: name }]));
  void main.certificates(files, { default: names[0] });
}
// @ts-expect-error a framing is needed: bytes have no boundaries of their own
void main.serve({ port: 0, handler });
// @ts-expect-error no such policy
void main.serve({ port: 0, framing: text, handler, egressPolicy: "drop" });
void main.serve({
  address: "127.0.0.1:0",
  framing: text,
  handler,
  idleTimeout: "60s",
  frameTimeout: "1.5 minutes",
  closeTimeout: Infinity,
  ingressLimit: "64KiB",
  egressLimit: "1 MB",
  rateLimit: { bytesPerSecond: "100 kB", burstBytes: 65_536 },
});
// @ts-expect-error no such unit
void main.serve({ port: 0, framing: text, handler, idleTimeout: "60 sek" });
// @ts-expect-error no such unit
void main.serve({ port: 0, framing: text, handler, ingressLimit: "64 pages" });
// @ts-expect-error a misspelt option
void main.serve({ port: 0, framing: text, handler, idleTimout: "60 seconds" });
// @ts-expect-error a client has no handler
void main.connect({ port: 1, framing: text, handler });
// @ts-expect-error a client needs a place as well
void main.connect({ framing: text });

// A client's connection has the framing's type too.
export async function client(): Promise<void> {
  const connection = await main.connect({ port: 1, framing: text });
  for await (const line of connection) holds<Same<typeof line, string>>();
  const reader = connection.readable.getReader();
  holds<Same<Awaited<ReturnType<typeof reader.read>>["value"], string | undefined>>();
  // @ts-expect-error bytes are no line of text
  void connection.deliver(new Uint8Array(1));
}

// An outcome is one of three, told apart by its status.
export function outcome(result: main.SendOutcome): string {
  switch (result.status) {
    case "sent":
      return "sent";
    case "dropped":
      return result.policy;
    case "failed":
      return result.error.message;
  }
}

// What a handler's Effect requires is required of whoever starts the server, except for the scope it is given.
interface Service {
  readonly service: true;
}
declare const needy: Effect.Effect<void, never, Service | Scope.Scope>;
export const required: Effect.Effect<
  FrontServer<string>,
  main.OptionsError | main.SocketError | main.TlsError,
  Scope.Scope | Service
> = effect.serve({ port: 0, framing: text, handler: () => needy });
// @ts-expect-error the entry point of promises can give no services
void main.serve({ port: 0, framing: text, handler: () => needy });

// The verbs of Effect: failures are of their types, and tags take them out, one by one, until none is left.
declare const wired: main.Connection<string>;
declare const running: FrontServer<string>;
type FailureOf<Program> = Program extends Effect.Effect<unknown, infer Failure> ? Failure : never;
export function verbs(): void {
  const delivered = effect.deliver(wired, "text");
  holds<Same<FailureOf<typeof delivered>, effect.SendError>>();
  holds<Same<Effect.Success<typeof delivered>["status"], "sent" | "dropped">>();
  const told = delivered.pipe(
    EffectNamespace.catchTag("TimeoutError", () => EffectNamespace.void),
    EffectNamespace.catchTag("IdleTimeoutError", () => EffectNamespace.void),
    EffectNamespace.catchTags({
      FrameError: () => EffectNamespace.void,
      LimitError: () => EffectNamespace.void,
      SocketError: () => EffectNamespace.void,
      TlsError: () => EffectNamespace.void,
    }),
  );
  holds<Same<FailureOf<typeof told>, never>>();
  // @ts-expect-error it takes text
  void effect.deliver(wired, new Uint8Array(1));
  holds<Same<FailureOf<ReturnType<typeof broadcastText>>, main.FrameError>>();
  const stopped = effect.close(running);
  holds<Same<FailureOf<typeof stopped>, main.ShutdownTimeoutError | main.OptionsError>>();
  const secured = effect.upgrade(wired, { cert: "", key: "", framing: lengthField({ lengthBytes: 2 }) });
  holds<Same<Effect.Success<typeof secured>, main.Connection<Uint8Array>>>();
}
const broadcastText = () => effect.broadcast(running, "text", (connection) => connection.id !== "");

// A layer requires what its handlers require, and gives the server under the key.
declare const Key: Context.Key<"Echo", FrontServer<string>>;
const layered = () => effect.layer(Key, { port: 0, framing: text, handler: () => needy });
holds<
  Same<
    ReturnType<typeof layered>,
    Layer.Layer<"Echo", main.OptionsError | main.SocketError | main.TlsError, Service>
  >
>();

// What may be sent is not widened by an assignment, and a helper that sends nothing takes every context.
declare const either: main.Connection<string, string | Uint8Array>;
export const fewer: main.Connection<string, string> = either;
// @ts-expect-error its framing writes no bytes
export const more: main.Connection<string, string | Uint8Array> = wired;
export const looks: main.Connection<string, never, unknown> = wired;

// Where a server listens has the form of the option that was given, and whatever may be either is asked what it is.
export async function addresses(
  either: main.ServeOptions<string>,
  elsewhere: { readonly address: main.Address },
  wide: string,
): Promise<void> {
  const onPort = await main.serve({ port: 0, framing: text, handler });
  holds<Same<typeof onPort.address.port, number>>();
  const onPath = await main.serve({ path: "/tmp/x.sock", framing: text, onFrame: () => {} });
  holds<Same<typeof onPath.address.path, string>>();
  holds<Same<typeof onPath.address.port, undefined>>();
  const named = await main.serve<string>({ path: "/tmp/x.sock", framing: text, handler });
  holds<Same<typeof named.address.port, number | undefined>>();
  const onText = await main.serve({ address: "127.0.0.1:0", framing: text, handler });
  holds<Same<typeof onText.address, TcpAddress>>();
  const onPathText = await main.serve({ address: "unix:/tmp/x.sock", framing: text, handler });
  holds<Same<typeof onPathText.address.path, string>>();
  const onParts = await main.serve({
    address: { transport: "tcp", host: "::1", port: 0 },
    framing: text,
    onFrame: () => {},
  });
  holds<Same<typeof onParts.address, TcpAddress>>();
  const again = await main.serve({ address: elsewhere.address, framing: text, handler });
  holds<Same<typeof again.address, main.Address>>();
  const anywhere = await main.serve({ address: wide, framing: text, handler });
  holds<Same<typeof anywhere.address, main.Address>>();
  const eitherText = await main.serve({
    address: wide === "" ? "[::1]:0" : "unix:/tmp/x.sock",
    framing: text,
    handler,
  });
  holds<Same<typeof eitherText.address, main.Address>>();
  const unset = await main.serve({ address: undefined, port: 0, framing: text, handler });
  holds<Same<typeof unset.address.port, number>>();
  const unknown = await main.serve(either);
  holds<Same<typeof unknown.address, main.Address>>();
  const place = unknown.address.port === undefined ? unknown.address.path : unknown.address.host;
  holds<Same<typeof place, string>>();
  const known: FrontServer<string> = onPort;
  const local = [...known.connections.values()][0]?.peer.local;
  holds<Same<NonNullable<typeof local>["port"], number | undefined>>();
  const inEffect = effect.serve({ port: 0, framing: text, handler });
  holds<Same<Effect.Success<typeof inEffect>["address"]["port"], number>>();
  const textInEffect = effect.serve({ address: "[::1]:0", framing: text, handler });
  holds<Same<Effect.Success<typeof textInEffect>["address"]["port"], number>>();
}
