// Framings and connections as channels and sinks of Effect, and another framing in the place of one.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Stream from "effect/Stream";
import { channel, decode, encode, frames, reframe, send, sink } from "../../effect.ts";
import type { FrameError, OptionsError } from "../../src/core/errors.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { silence } from "../../src/core/framing/silence.ts";
import { asHandler, serveEffects } from "../support/effect.ts";
import { Virtual } from "../support/server.ts";

const utf8 = lines({ encoding: "utf-8", checkSent: true });
const bytes = (value: string) => new TextEncoder().encode(value);

/** What comes out, and how it ends. */
async function outcome<Value, Failure>(stream: Stream.Stream<Value, Failure>) {
  const seen: Value[] = [];
  const exit = await Effect.runPromise(
    Effect.exit(Stream.runForEach(stream, (value) => Effect.sync(() => seen.push(value)))),
  );
  return { seen, error: Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined };
}

test("decode cuts bytes wherever they were split, and ends with them", async () => {
  const chunks = ["one\ntw", "o\n\nthr", "ee\n"].map(bytes);
  const { seen, error } = await outcome(
    Stream.fromIterable(chunks).pipe(Stream.rechunk(1), Stream.pipeThroughChannel(decode(utf8))),
  );
  assert.deepEqual(seen, ["one", "two", "", "three"]);
  assert.equal(error, undefined);
});

test("decode gives the frames before a fault, and then the fault; an end inside a frame is one", async () => {
  const long = lines({ encoding: "utf-8", maxFrameBytes: 4 });
  const over = await outcome(
    Stream.make(bytes("one\ntwo\ntoo long\n")).pipe(Stream.pipeThroughChannel(decode(long))),
  );
  assert.deepEqual(over.seen, ["one", "two"]);
  assert.equal((over.error as FrameError).reason, "too_large");
  const torn = await outcome(Stream.make(bytes("one\ntw")).pipe(Stream.pipeThroughChannel(decode(utf8))));
  assert.deepEqual(torn.seen, ["one"]);
  assert.equal((torn.error as FrameError).reason, "truncated");
  const skipped: FrameError[] = [];
  const skip = lines({ encoding: "utf-8", maxFrameBytes: 4, onFrameError: "skip" });
  const gone = await outcome(
    Stream.make(bytes("one\ntoo long\ntwo\n")).pipe(
      Stream.pipeThroughChannel(decode(skip, { onFrameError: (error) => skipped.push(error) })),
    ),
  );
  assert.deepEqual([gone.seen, gone.error, skipped.length], [["one", "two"], undefined, 1]);
});

test("decode lets the failure of what comes in through, behind the frames before it", async () => {
  const broken = Stream.concat(Stream.make(bytes("one\ntw")), Stream.fail("broken" as const));
  const { seen, error } = await outcome(broken.pipe(Stream.pipeThroughChannelOrFail(decode(utf8))));
  assert.deepEqual([seen, error], [["one"], "broken"]);
});

test("decode cuts at most 1,024 frames at once, and asks for no bytes before they are taken", async () => {
  let asked = 0;
  const source = Stream.fromIterable([bytes("\n".repeat(3_000)), bytes("last\n")]).pipe(
    Stream.rechunk(1),
    Stream.tap(() => Effect.sync(() => asked++)),
  );
  const sizes: [number, number][] = [];
  await Effect.runPromise(
    source.pipe(
      Stream.pipeThroughChannel(decode(utf8)),
      Stream.runForEachArray((frames) => Effect.sync(() => sizes.push([frames.length, asked]))),
    ),
  );
  assert.deepEqual(sizes, [[1_024, 1], [1_024, 1], [952, 1], [1, 2]]);
});

test("decode says of a framing of your own that the input ended inside a frame", async () => {
  const pairs: Framing<Uint8Array> = {
    name: "pairs",
    decoder: () => ({
      buffered: 1,
      push() {},
    }),
    encode: (frame, out) => out.bytes(frame),
  };
  const { error } = await outcome(Stream.make(bytes("abc")).pipe(Stream.pipeThroughChannel(decode(pairs))));
  assert.deepEqual([(error as FrameError).reason, (error as FrameError).offset], ["truncated", 2]);
});

test("decode passes on what a framing still has at the end of the input", async () => {
  const whole: Framing<string, never> = {
    name: "whole",
    decoder: () => {
      let held = "";
      return {
        get buffered() {
          return held.length;
        },
        push: (chunk) => void (held += new TextDecoder().decode(chunk)),
        flush: (next) => next(held),
      };
    },
    encode() {},
  };
  const { seen, error } = await outcome(
    Stream.make(bytes("a"), bytes("b")).pipe(Stream.pipeThroughChannel(decode(whole))),
  );
  assert.deepEqual([seen, error], [["ab"], undefined]);
});

test("decode refuses a framing that ends frames by silence, which needs a connection's clock", () => {
  assert.throws(() => decode(silence({ gap: 10 })), (error: OptionsError) => error.reason === "unsupported");
});

test("encode writes frames, and fails with one that cannot be written behind those before it", async () => {
  const { seen, error } = await outcome(
    Stream.make("one", "two", "not\none", "four").pipe(Stream.pipeThroughChannel(encode(utf8))),
  );
  assert.equal(seen.map((chunk) => new TextDecoder().decode(chunk)).join(""), "one\ntwo\n");
  assert.equal((error as FrameError).reason, "malformed");
});

/** A connection of a server on which nothing happens by itself, and its peer. */
async function pair(t: TestContext) {
  const place = new Virtual(t);
  const server = await place.serve<string>({ framing: utf8, handler: () => {}, reframable: true });
  const peer = await place.dial(server);
  const [connection] = server.connections.values();
  return { place, server, peer, connection: connection! };
}

test("a connection as a channel: input is sent, its end half-closes, and frames come out to the end", async (t) => {
  const { place, peer, connection } = await pair(t);
  const running = Effect.runPromise(
    Stream.make("one", "two").pipe(Stream.pipeThroughChannel(channel(connection)), Stream.runCollect),
  );
  await place.settle();
  assert.equal(peer.text, "one\ntwo\n");
  assert.ok(peer.ended, "it has not half-closed");
  peer.transport.write(bytes("a\nb\n"));
  await place.settle();
  peer.transport.end();
  assert.deepEqual(await place.drive(running), ["a", "b"]);
});

test("a channel that is interrupted ends its connection as aborted", async (t) => {
  const { place, connection } = await pair(t);
  const fiber = Effect.runFork(
    Stream.never.pipe(Stream.pipeThroughChannel(channel(connection)), Stream.runDrain),
  );
  await place.settle();
  assert.equal(connection.state, "open");
  await place.drive(Effect.runPromise(Fiber.interrupt(fiber)));
  await place.settle();
  assert.equal(place.records[0]?.reason, "aborted");
});

test("a channel whose input fails, or has a frame that cannot be written, fails with that and drops the connection", async (t) => {
  for (
    const [input, expected] of [[Stream.fail("input"), "input"], [
      Stream.make("not\none"),
      "malformed",
    ]] as const
  ) {
    const { place, connection } = await pair(t);
    const failing = Effect.flip(
      (input as Stream.Stream<string, string>).pipe(
        Stream.pipeThroughChannelOrFail(channel(connection)),
        Stream.runDrain,
      ),
    );
    const error = await place.drive(Effect.runPromise(failing));
    assert.equal(typeof error === "string" ? error : (error as FrameError).reason, expected);
    await place.settle();
    assert.equal(place.records[0]?.reason, "aborted");
  }
});

test("a channel that is left early leaves the connection open, and the next frame to the next reader", async (t) => {
  const { place, peer, connection } = await pair(t);
  peer.transport.write(bytes("one\n"));
  await place.settle();
  const first = Stream.never.pipe(
    Stream.pipeThroughChannel(channel(connection)),
    Stream.take(1),
    Stream.runCollect,
  );
  assert.deepEqual(await place.drive(Effect.runPromise(first)), ["one"]);
  peer.transport.write(bytes("two\n"));
  await place.settle();
  assert.deepEqual(
    await place.drive(Effect.runPromise(Stream.runCollect(Stream.take(frames(connection), 1)))),
    ["two"],
  );
  assert.equal(connection.state, "open");
});

test("a sink sends every frame, and leaves the connection open", async (t) => {
  const { place, peer, connection } = await pair(t);
  await place.drive(Effect.runPromise(Stream.run(Stream.make("one", "two"), sink(connection))));
  await place.settle();
  assert.equal(peer.text, "one\ntwo\n");
  assert.equal(connection.state, "open");
  connection.destroy();
  await place.settle();
  const late = await Effect.runPromise(Effect.flip(Stream.run(Stream.make("late"), sink(connection))));
  assert.equal(late._tag, "SocketError");
});

test("reframe puts another framing in place, and fails with a typed error where it may not (F-81)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<string>({
    framing: utf8,
    reframable: true,
    handler: asHandler((connection) =>
      Effect.gen(function* () {
        yield* Stream.runDrain(Stream.takeUntil(frames(connection), (line) => line === "BINARY"));
        const binary = yield* reframe(connection, lengthField({ lengthBytes: 2, strip: 2 }), { last: true });
        yield* Stream.runForEach(frames(binary), (frame) => send(binary, frame));
        const late = yield* Effect.flip(reframe(binary, utf8));
        assert.equal(late._tag, "OptionsError");
      })
    ),
  }, serveEffects);
  const peer = await place.dial(server);
  peer.transport.write(bytes("hello\nBINARY\n\0\x03abc"));
  await place.settle();
  assert.equal(peer.text, "\0\x03abc");
  peer.transport.end();
  await place.settle();
  assert.equal(place.records[0]?.reason, "peer_closed");
  assert.equal(server.stats().handlerErrors, 0);
});
