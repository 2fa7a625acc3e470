// Servers and connections as Effect's `SocketServer` and `Socket`: the contract that its own ones keep, and what ours add.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext } from "node:test";
import * as Cause from "effect/Cause";
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Logger from "effect/Logger";
import * as Redacted from "effect/Redacted";
import * as References from "effect/References";
import * as Scope from "effect/Scope";
import * as Socket from "effect/socket/Socket";
import { SocketServer } from "effect/socket/SocketServer";
import * as Stream from "effect/Stream";
import * as Layer from "effect/Layer";
import {
  CurrentConnection,
  layerSocket,
  layerSocketServer,
  socket,
  type SocketOptions,
  socketServer,
  type SocketServerOptions,
  type SocketServerService,
} from "../../effect.ts";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { TerminationRecord } from "../../src/connection/termination.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { within } from "../contract/within.ts";
import { makeAuthority } from "../support/certificates.ts";
import { it as test } from "../support/it.ts";
import { Virtual } from "../support/server.ts";

const text = (chunks: readonly (Uint8Array | string)[]) =>
  chunks.map((chunk) => typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk)).join("");

/** What a test does, in a scope that is closed when it is over. */
async function run(program: Effect.Effect<void, unknown, Scope.Scope>, what = "the program"): Promise<void> {
  await within(Effect.runPromise(Effect.scoped(program)), () => what);
}

interface Kept extends SocketServerService {
  readonly records: TerminationRecord[];
  /** Succeeds when so many connections have ended. */
  readonly ended: (count: number) => Effect.Effect<void>;
}

/** A server whose ends of connections are kept. */
function serving(options: Record<string, unknown> = {}): Effect.Effect<Kept, unknown, Scope.Scope> {
  const records: TerminationRecord[] = [];
  let waiting: (() => void)[] = [];
  const onDisconnect = (record: TerminationRecord) => {
    records.push(record);
    const told = waiting;
    waiting = [];
    told.forEach((tell) => tell());
  };
  const ended = (count: number) =>
    Effect.promise(async () => {
      while (records.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    });
  const given = { port: 0, logger: () => {}, onDisconnect, ...options } as SocketServerOptions;
  return Effect.map(socketServer(given), (service) => ({ ...service, records, ended }));
}

/** A plain client of ours. */
function dial(service: SocketServerService): Effect.Effect<Connection<Uint8Array>, never, Scope.Scope> {
  return Effect.acquireRelease(
    Effect.promise(() => connect({ address: service.server.address, framing: raw(), allowHalfOpen: true })),
    (client) => Effect.sync(() => client.destroy()),
  );
}

/** Everything until the peer's FIN, or the error. */
async function all(client: Connection<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of client) chunks.push(chunk);
  return text(chunks);
}

const bytes = (value: string) => new TextEncoder().encode(value);
const reasonOf = (effect: Effect.Effect<unknown, unknown, Scope.Scope>) =>
  Effect.map(Effect.flip(effect), (error) => (error as Socket.SocketError).reason);
const echo = (socket: Socket.Socket) =>
  Effect.scoped(Effect.gen(function* () {
    const { write, writeAll } = yield* socket.writer;
    const { pull } = yield* socket.reader;
    yield* Effect.forever(
      Effect.flatMap(pull, (chunks) => chunks.length === 1 ? write(chunks[0]) : writeAll(chunks)),
    );
  }));

test("the port is bound, and its address known, when the layer is built", async () => {
  const program = Effect.gen(function* () {
    const { address } = yield* SocketServer;
    assert.ok(address._tag === "InetAddressV4" && address.port > 0);
    const client = yield* Effect.promise(() => connect({ port: address.port, framing: raw() }));
    client.destroy();
  });
  await within(
    Effect.runPromise(Effect.provide(program, layerSocketServer({ port: 0, logger: () => {} }))),
    () => "the layer",
  );
});

test("an IPv6 address, and the path of a Unix socket, are addresses of Effect", async (t: TestContext) => {
  if (!(await detectAdapter()).can.unix) return t.skip("this runtime has no Unix sockets here");
  const folder = mkdtempSync(join(tmpdir(), "millrace-effect-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await run(Effect.gen(function* () {
    const six = yield* serving({ host: "::1" });
    assert.equal(six.address._tag, "InetAddressV6");
    const path = join(folder, "s");
    const unix = yield* serving({ port: undefined, path });
    assert.ok(unix.address._tag === "UnixPathAddress" && unix.address.path === path);
    yield* Effect.forkScoped(unix.run(echo));
    const client = yield* Effect.flatMap(
      socket({ path }),
      ({ reader, writer }) => Effect.all([reader, writer]),
    );
    yield* client[1].write("over a path");
    assert.equal(text(yield* client[0].pull), "over a path");
  }));
});

test("what cannot be bound is a SocketServerError, and options that are wrong an OptionsError", async () => {
  await run(Effect.gen(function* () {
    const { server } = yield* serving();
    const taken = yield* Effect.flip(socketServer({ address: server.address, logger: () => {} }));
    assert.ok(taken._tag === "SocketServerError" && taken.reason._tag === "SocketServerOpenError");
    assert.equal((taken.reason.cause as { reason: string }).reason, "address_in_use");
    const wrong = yield* Effect.flip(socketServer({ port: -1 }));
    assert.ok(wrong._tag === "OptionsError" && wrong.issues[0]!.path === "port");
    const framed = yield* Effect.flip(socketServer({ port: 0, framing: raw() } as SocketServerOptions));
    assert.ok(framed._tag === "OptionsError" && framed.issues[0]!.path === "framing");
    const client = yield* Effect.flip(socket({ port: 1, onFrame: () => {} } as SocketOptions));
    assert.ok(client._tag === "OptionsError" && client.issues[0]!.path === "onFrame");
    const late = yield* Effect.flip(socket({ port: 1, openTimeout: "soon" as never }));
    assert.ok(late._tag === "OptionsError");
  }));
});

test("a connection that comes before run waits, and is served with what it has sent", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    const client = yield* dial(service);
    yield* Effect.promise(async () => await client.send(bytes("early")));
    client.end();
    yield* Effect.promise(() => client.flush());
    yield* Effect.forkScoped(service.run(echo));
    assert.equal(yield* Effect.promise(() => all(client)), "early");
  }));
});

test("a connection that has waited for a run in vain is dropped when the scope closes, at once", async () => {
  const scope = Scope.makeUnsafe();
  await run(Effect.gen(function* () {
    const service = yield* Scope.provide(serving({ shutdownDeadline: Infinity }), scope);
    const client = yield* dial(service);
    yield* Effect.promise(() => client.send(bytes("early")) ?? Promise.resolve());
    yield* Scope.close(scope, Exit.void);
    assert.equal(service.records[0]?.reason, "aborted");
    client.destroy();
  }));
});

test("a peer that leaves while it waits is forgotten", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    const client = yield* dial(service);
    yield* Effect.promise(async () => await client.send(bytes("x")));
    yield* Effect.promise(() => client.flush());
    client.destroy();
    const [connection] = service.server.connections.values();
    connection?.destroy();
    yield* service.ended(1);
    let served = 0;
    yield* Effect.forkScoped(service.run(() => Effect.sync(() => served++)));
    const other = yield* dial(service);
    yield* Effect.promise(() => all(other));
    assert.equal(served, 1);
  }));
});

test("run interrupts its handlers when it is interrupted, delivers what they wrote, and another run takes over", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    const interrupted = yield* Deferred.make<void>();
    const wrote = yield* Deferred.make<void>();
    const first = yield* Effect.forkScoped(service.run((socket) =>
      Effect.scoped(Effect.gen(function* () {
        const { write } = yield* socket.writer;
        yield* write("half");
        yield* Deferred.succeed(wrote, undefined);
        return yield* Effect.never;
      })).pipe(Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined)))
    ));
    const client = yield* dial(service);
    yield* Deferred.await(wrote);
    yield* Fiber.interrupt(first);
    assert.ok(yield* Deferred.isDone(interrupted), "run was over before its handlers");
    assert.equal(yield* Effect.promise(() => all(client)), "half");
    client.end();
    yield* service.ended(1);
    assert.equal(service.records[0]!.reason, "handler_done");
    const between = yield* dial(service);
    yield* Effect.forkScoped(service.run(echo));
    yield* Effect.promise(async () => await between.send(bytes("again")));
    between.end();
    assert.equal(yield* Effect.promise(() => all(between)), "again");
  }));
});

test("the run that began last has the connections, until it is interrupted", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    const says = (what: string) => (socket: Socket.Socket) =>
      Effect.scoped(Effect.flatMap(socket.writer, ({ write }) => write(what)));
    const hear = Effect.flatMap(dial(service), (client) => Effect.promise(() => all(client)));
    yield* Effect.forkScoped(service.run(says("one")), { startImmediately: true });
    const second = yield* Effect.forkScoped(service.run(says("two")), { startImmediately: true });
    assert.equal(yield* hear, "two");
    yield* Fiber.interrupt(second);
    assert.equal(yield* hear, "one");
  }));
});

test("a handler that fails is logged, counted, and ends nothing but its connection", async () => {
  const logged: (readonly [level: string, message: unknown])[] = [];
  const logger = Logger.make(({ message, logLevel }) => void logged.push([logLevel, [message].flat()[0]]));
  await within(
    Effect.runPromise(
      Effect.scoped(Effect.gen(function* () {
        const service = yield* serving();
        let count = 0;
        yield* Effect.forkScoped(
          service.run((socket) => count++ === 0 ? Effect.fail<unknown>("no") : echo(socket)).pipe(
            Effect.provideService(References.UnhandledLogLevel, "Error"),
          ),
        );
        const failed = yield* dial(service);
        yield* Effect.promise(() => all(failed));
        failed.end();
        yield* service.ended(1);
        assert.equal(service.records[0]!.reason, "handler_error");
        const client = yield* dial(service);
        yield* Effect.promise(async () => await client.send(bytes("on")));
        client.end();
        assert.equal(yield* Effect.promise(() => all(client)), "on");
        assert.equal(service.server.stats().handlerErrors, 1);
      })).pipe(Effect.provide(Logger.layer([logger]))),
    ),
    () => "the second client",
  );
  assert.deepEqual(logged.filter(([, what]) => what === "Unhandled error in SocketServer"), [
    ["Error", "Unhandled error in SocketServer"],
    ["Error", "Unhandled error in SocketServer"],
  ]);
});

test("a handler that lets the end of its connection pass through has not failed", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    yield* Effect.forkScoped(service.run(echo));
    const client = yield* dial(service);
    yield* Effect.promise(async () => await client.send(bytes("x")));
    client.end();
    yield* Effect.promise(() => all(client));
    yield* Effect.promise(() => client.closed);
    assert.equal(service.server.stats().handlerErrors, 0);
  }));
});

test("a handler has the services around run, its connection, and a scope of its own making", async () => {
  class Greeting extends Context.Service<Greeting, string>()("Greeting") {}
  await run(Effect.gen(function* () {
    const service = yield* serving();
    const handler = (socket: Socket.Socket) =>
      Effect.gen(function* () {
        const { peer, id } = yield* CurrentConnection;
        const { write } = yield* Effect.scoped(socket.writer);
        const scope = yield* Effect.serviceOption(Scope.Scope);
        return { peer, id, write, greeting: yield* Greeting, scope };
      }).pipe(Effect.tap((found) => Deferred.succeed(seen, found)));
    const seen = yield* Deferred.make<unknown>();
    yield* Effect.forkScoped(Effect.provideService(service.run(handler), Greeting, "hello"));
    yield* dial(service);
    const found = (yield* Deferred.await(seen)) as {
      peer: { ip: string };
      greeting: string;
      scope: { _tag: string };
    };
    assert.equal(found.greeting, "hello");
    assert.equal(found.peer.ip, "127.0.0.1");
    assert.equal(found.scope._tag, "None");
  }));
});

test("a handler that ends without a reader ends its connection, and closing does not wait for a peer that does not read", async () => {
  const scope = Scope.makeUnsafe();
  await run(Effect.gen(function* () {
    const service = yield* Scope.provide(serving(), scope);
    yield* Scope.provide(Effect.forkScoped(service.run(() => Effect.void)), scope);
    const client = yield* dial(service);
    assert.equal(yield* Effect.promise(() => all(client)), "");
    client.end();
    yield* Scope.close(scope, Exit.void);
    assert.equal(service.records[0]!.reason, "handler_done");
  }));
});

test("a handler that is interrupted by itself ends its connection as aborted", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    yield* Effect.forkScoped(service.run((socket) =>
      Effect.scoped(Effect.gen(function* () {
        const { pull } = yield* socket.reader;
        const { write } = yield* socket.writer;
        yield* pull;
        yield* write("half");
        return yield* Effect.interrupt;
      }))
    ));
    const client = yield* dial(service);
    yield* Effect.promise(async () => await client.send(bytes("x")));
    yield* service.ended(1);
    assert.equal(service.records[0]!.reason, "aborted");
  }));
});

test("a clean end is a SocketCloseError with code 1000, behind all that was received", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    const seen = yield* Deferred.make<readonly [string, Socket.SocketErrorReason]>();
    yield* Effect.forkScoped(service.run((socket) =>
      Effect.scoped(Effect.gen(function* () {
        const { pull } = yield* socket.reader;
        let got = "";
        const reason = yield* reasonOf(Effect.forever(Effect.map(pull, (chunks) => got += text(chunks))));
        // It stays so.
        assert.deepEqual(yield* reasonOf(pull), reason);
        yield* Deferred.succeed(seen, [got, reason] as const);
      }))
    ));
    const client = yield* dial(service);
    yield* Effect.promise(async () => await client.send(bytes("all of it")));
    client.end();
    const [got, reason] = yield* Deferred.await(seen);
    assert.equal(got, "all of it");
    assert.ok(reason._tag === "SocketCloseError" && reason.code === 1000);
  }));
});

test("a limit of ours that ends a connection is a SocketReadError with our error as its cause", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving({ idleTimeout: 20 });
    const seen = yield* Deferred.make<Socket.SocketErrorReason>();
    yield* Effect.forkScoped(service.run((socket) =>
      Effect.scoped(
        Effect.flatMap(socket.reader, ({ pull }) =>
          Effect.flatMap(reasonOf(pull), (r) => Deferred.succeed(seen, r))),
      )
    ));
    yield* dial(service);
    const reason = yield* Deferred.await(seen);
    assert.ok(reason._tag === "SocketReadError");
    assert.equal((reason.cause as { _tag: string })._tag, "IdleTimeoutError");
  }));
});

test("the end of the reader's scope fails a pull that waits, with code 1006, and closes the connection", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    yield* Effect.forkScoped(service.run(echo));
    const { reader } = yield* socket({ address: service.server.address });
    const scope = Scope.makeUnsafe();
    const { pull } = yield* Scope.provide(reader, scope);
    const pulling = yield* Effect.forkScoped(Effect.exit(pull), { startImmediately: true });
    yield* Scope.close(scope, Exit.void);
    const exit = yield* Fiber.join(pulling);
    assert.ok(Exit.isFailure(exit));
    const { reason } = Cause.squash(exit.cause) as Socket.SocketError;
    assert.ok(reason._tag === "SocketCloseError" && reason.code === 1006);
    // What was received is not read by anybody any more.
    const late = yield* reasonOf(pull);
    assert.ok(late._tag === "SocketCloseError" && late.code === 1006);
  }));
});

test("a pull that is interrupted loses nothing, and one pull has all chunks that have come", async (t: TestContext) => {
  const place = new Virtual(t);
  const { adapter, clock } = place;
  const scope = Scope.makeUnsafe();
  const service = await place.drive(Effect.runPromise(Scope.provide(serving({ adapter, clock }), scope)));
  const pulls: string[][] = [];
  let goOn: () => void = () => {};
  const serves = Effect.runFork(service.run((socket) =>
    Effect.scoped(Effect.gen(function* () {
      const { pull } = yield* socket.reader;
      const pulling = yield* Effect.forkChild(pull, { startImmediately: true });
      assert.equal(pulling.pollUnsafe(), undefined, "it has not waited");
      yield* Fiber.interrupt(pulling);
      yield* Effect.callback<void>((resume) => void (goOn = () => resume(Effect.void)));
      yield* Effect.forever(Effect.map(pull, (chunks) => pulls.push(chunks.map((chunk) => text([chunk])))));
    }))
  ));
  const peer = await place.dial(service.server);
  for (const word of ["one", "two"]) {
    peer.transport.write(bytes(word));
    await place.settle();
  }
  goOn();
  await place.settle();
  peer.transport.write(bytes("three"));
  await place.settle();
  assert.deepEqual(pulls, [["one", "two"], ["three"]]);
  await place.drive(Effect.runPromise(Fiber.interrupt(serves)));
  peer.abort();
  await place.drive(Effect.runPromise(Scope.close(scope, Exit.void)));
});

test("a write waits for a peer that does not pull, which gets everything in the end", async () => {
  const total = 64 * 1024 * 1024;
  await run(Effect.gen(function* () {
    const service = yield* serving();
    const waits = yield* Deferred.make<void>();
    let sent = 0;
    yield* Effect.forkScoped(service.run((socket) =>
      Effect.scoped(Effect.gen(function* () {
        const { write } = yield* socket.writer;
        const chunk = new Uint8Array(65_536);
        for (; sent < total; sent += chunk.length) {
          const writing = yield* Effect.forkChild(write(chunk), { startImmediately: true });
          if (writing.pollUnsafe() === undefined) yield* Deferred.succeed(waits, undefined);
          yield* Fiber.join(writing);
        }
      }))
    ));
    const client = yield* socket({ address: service.server.address });
    const { pull } = yield* client.reader;
    yield* Deferred.await(waits);
    assert.ok(sent < total, `${sent} bytes had been taken for a peer that does not read`);
    let received = 0;
    const reason = yield* reasonOf(
      Effect.forever(Effect.map(pull, (chunks) => chunks.forEach((chunk) => received += chunk.length))),
    );
    assert.equal(received, total);
    assert.ok(reason._tag === "SocketCloseError" && reason.code === 1000);
  }));
});

test("a write before there is a connection waits for it, and one between two connections for the next", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    yield* Effect.forkScoped(service.run(echo));
    const client = yield* socket({ address: service.server.address });
    const { write } = yield* client.writer;
    for (const word of ["first", "second"]) {
      const writing = yield* Effect.forkScoped(write(word), { startImmediately: true });
      assert.equal(writing.pollUnsafe(), undefined, "it has not waited");
      const got = yield* Effect.scoped(Effect.flatMap(client.reader, ({ pull }) => pull));
      assert.equal(text(got), word);
      yield* Fiber.join(writing);
    }
    assert.equal(service.server.stats().connectionsAccepted, 2);
  }));
});

test("a handler that only writes needs no reader", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    yield* Effect.forkScoped(
      service.run((socket) =>
        Effect.scoped(
          Effect.flatMap(socket.writer, ({ writeAll }) => writeAll(["text, ", bytes("bytes, "), "ü"])),
        )
      ),
    );
    const client = yield* dial(service);
    assert.equal(yield* Effect.promise(() => all(client)), "text, bytes, ü");
  }));
});

test("the end of the writer's scope half-closes: what the peer still sends is read", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    yield* Effect.forkScoped(service.run((socket) =>
      Effect.scoped(Effect.gen(function* () {
        const { write } = yield* socket.writer;
        const { pull } = yield* socket.reader;
        let got = "";
        yield* Effect.ignore(Effect.forever(Effect.map(pull, (chunks) => got += text(chunks))));
        yield* write(`after your end: ${got}`);
      }))
    ));
    const client = yield* socket({ address: service.server.address });
    const { pull } = yield* client.reader;
    yield* Effect.scoped(Effect.flatMap(client.writer, ({ write }) => write("hello")));
    assert.equal(text(yield* pull), "after your end: hello");
  }));
});

test("a channel without input half-closes, and ends with the peer", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    yield* Effect.forkScoped(service.run((socket) =>
      Effect.scoped(Effect.gen(function* () {
        const { write } = yield* socket.writer;
        const { pull } = yield* socket.reader;
        yield* Effect.ignore(Effect.forever(pull));
        yield* write("you had nothing to say");
      }))
    ));
    const client = yield* socket({ address: service.server.address });
    const heard = Stream.empty.pipe(
      Stream.pipeThroughChannel(Socket.toChannel(client)),
      Stream.catchIf(
        (error) => error.reason._tag === "SocketCloseError" && error.reason.code === 1000,
        () => Stream.empty,
      ),
      Stream.decodeText,
      Stream.mkString,
    );
    assert.equal(yield* heard, "you had nothing to say");
  }));
});

test("a channel whose input fails ends at once, though its pull waits", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    yield* Effect.forkScoped(service.run(echo));
    const client = yield* socket({ address: service.server.address });
    const failed = Stream.fail("input").pipe(
      Stream.pipeThroughChannel(Socket.toChannelWith<string>()(client)),
      Stream.runDrain,
    );
    assert.equal(yield* Effect.flip(failed), "input");
  }));
});

test("CloseEvent: a code over 1000 drops the connection, and another ends it behind what was sent", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    let code = 1009;
    yield* Effect.forkScoped(service.run((socket) =>
      Effect.scoped(Effect.gen(function* () {
        const { write } = yield* socket.writer;
        const { pull } = yield* socket.reader;
        yield* write("said");
        yield* write(new Socket.CloseEvent(code, "enough"));
        yield* Effect.ignore(pull);
      }))
    ));
    const dropped = yield* dial(service);
    yield* service.ended(1);
    dropped.destroy();
    const [record] = service.records;
    assert.deepEqual([record!.reason, record!.code, record!.message], ["killed", "1009", "enough"]);
    code = 1000;
    const ended = yield* dial(service);
    assert.equal(yield* Effect.promise(() => all(ended)), "said");
    ended.end();
    yield* service.ended(2);
    assert.deepEqual([service.records[1]!.reason, service.records[1]!.message], ["closed", "enough"]);
  }));
});

test("a write on a connection that has ended is a SocketWriteError", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    const seen = yield* Deferred.make<Socket.SocketErrorReason>();
    yield* Effect.forkScoped(service.run((socket) =>
      Effect.scoped(Effect.gen(function* () {
        const { write } = yield* socket.writer;
        (yield* CurrentConnection).destroy();
        yield* Deferred.succeed(seen, yield* reasonOf(write("late")));
      }))
    ));
    yield* dial(service);
    assert.equal((yield* Deferred.await(seen))._tag, "SocketWriteError");
  }));
});

test("what refuses a client is a SocketOpenError, and no time to connect one of kind Timeout", async () => {
  await run(Effect.gen(function* () {
    const { server } = yield* Effect.scoped(serving());
    const refused = yield* Effect.flatMap(
      socket({ port: server.address.port! }),
      ({ reader }) => reasonOf(reader),
    );
    assert.ok(refused._tag === "SocketOpenError" && refused.kind === "Unknown");
    assert.equal((refused.cause as { reason: string }).reason, "refused");
    const service = yield* serving();
    const none = yield* Effect.flatMap(
      socket({ address: service.server.address, openTimeout: 0 }),
      (s) => reasonOf(s.reader),
    );
    assert.ok(none._tag === "SocketOpenError" && none.kind === "Timeout");
    // A TLS handshake that nobody answers.
    const silent = yield* socket({ address: service.server.address, openTimeout: "50 millis", tls: true });
    const late = yield* reasonOf(silent.reader);
    assert.ok(late._tag === "SocketOpenError" && late.kind === "Timeout");
  }));
});

test("upgrade secures a connection of either side, once, and is unsupported where nobody has allowed it", async () => {
  const ca = await makeAuthority();
  const pair = await ca.sign({ names: ["localhost", "127.0.0.1"] });
  await run(Effect.gen(function* () {
    const service = yield* serving({ upgradable: true });
    const seen = yield* Deferred.make<string>();
    yield* Effect.forkScoped(service.run((socket) =>
      Effect.scoped(Effect.gen(function* () {
        const { write } = yield* socket.writer;
        const { pull, upgrade } = yield* socket.reader;
        assert.equal((yield* reasonOf(upgrade()))._tag, "SocketUpgradeError");
        assert.equal(text(yield* pull), "STARTTLS");
        yield* write("go ahead");
        yield* upgrade({ key: Redacted.make(pair.key), cert: bytes(pair.cert) });
        assert.equal(
          (yield* reasonOf(upgrade({ key: Redacted.make(pair.key), cert: pair.cert })))._tag,
          "SocketUpgradeError",
        );
        yield* Deferred.succeed(seen, text(yield* pull));
        yield* write("secret too");
      }))
    ));
    const client = yield* socket({ address: service.server.address, upgradable: true });
    const { write } = yield* client.writer;
    const { pull, upgrade } = yield* client.reader;
    yield* write("STARTTLS");
    assert.equal(text(yield* pull), "go ahead");
    yield* upgrade({ servername: "localhost", ca: ca.cert });
    yield* write("secret");
    assert.equal(yield* Deferred.await(seen), "secret");
    assert.equal(text(yield* pull), "secret too");
    const plain = yield* Effect.flatMap(serving(), ({ server }) => socket({ address: server.address }));
    const unsupported = yield* Effect.flatMap(plain.reader, (reader) => reasonOf(reader.upgrade()));
    assert.ok(unsupported._tag === "SocketUpgradeError" && unsupported.cause === undefined);
  }));
});

test("an upgrade that fails is a SocketUpgradeError, for the pulls after it too", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving({ upgradable: true });
    yield* Effect.forkScoped(
      service.run((socket) =>
        Effect.scoped(Effect.flatMap(socket.writer, ({ write }) =>
          Effect.andThen(
            write("go ahead"),
            Effect.flatMap(socket.reader, ({ pull }) => Effect.andThen(pull, write("no TLS"))),
          )))
      ),
    );
    const client = yield* socket({ address: service.server.address, upgradable: true });
    const { pull, upgrade } = yield* client.reader;
    assert.equal(text(yield* pull), "go ahead");
    const failed = yield* reasonOf(upgrade());
    assert.ok(failed._tag === "SocketUpgradeError" && failed.cause !== undefined);
    assert.equal((yield* reasonOf(pull))._tag, "SocketUpgradeError");
  }));
});

test("TLS, limits and statistics of serve are those of the layer", async () => {
  const ca = await makeAuthority();
  const pair = await ca.sign({ names: ["127.0.0.1"] });
  await run(Effect.gen(function* () {
    const service = yield* serving({ tls: pair, maxConnections: 1 });
    yield* Effect.forkScoped(service.run(echo));
    const open = Effect.flatMap(
      socket({ address: service.server.address, tls: { ca: ca.cert } }),
      (client) => Effect.all([client.reader, client.writer]),
    );
    const [{ pull }, { write }] = yield* open;
    yield* write("over TLS");
    assert.equal(text(yield* pull), "over TLS");
    // The second one is rejected: during its handshake, or right behind it.
    const second = yield* Effect.exit(Effect.flatMap(open, ([other]) => other.pull));
    assert.ok(Exit.isFailure(second));
    assert.equal(service.server.stats().connectionsRejected, 1);
  }));
});

test("layerSocket gives the same client as a service", async () => {
  await run(Effect.gen(function* () {
    const service = yield* serving();
    yield* Effect.forkScoped(service.run(echo));
    const context = yield* Layer.build(layerSocket({ address: service.server.address }));
    const heard = Stream.make(bytes("by layer")).pipe(
      Stream.pipeThroughChannel(Socket.toChannel(Context.get(context, Socket.Socket))),
      Stream.take(1),
      Stream.decodeText,
      Stream.mkString,
    );
    assert.equal(yield* heard, "by layer");
  }));
});
