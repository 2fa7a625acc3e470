// One trace span per connection, with whichever tracer the program has.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import * as Tracer from "effect/Tracer";
import { connect, serve } from "../../effect.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { Virtual } from "../support/server.ts";

/** A tracer that keeps its spans, with what happened on them. */
function keeping() {
  const spans: { span: Tracer.NativeSpan; events: string[] }[] = [];
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options);
      const events: string[] = [];
      const { event } = span;
      span.event = (name, ...rest) => {
        events.push(name);
        event.call(span, name, ...rest);
      };
      spans.push({ span, events });
      return span;
    },
  });
  return { spans, tracer };
}

test("each connection is one span, with peer, reason and counts; its handler's spans are inside (F-53)", async (t) => {
  const place = new Virtual(t);
  const { spans, tracer } = keeping();
  const scope = Scope.makeUnsafe();
  const start = place.clock.wallTime();
  const program = serve({
    port: 0,
    framing: lines({ maxFrameBytes: 10 }),
    logger: () => {},
    adapter: place.adapter,
    clock: place.clock,
    handler: (connection) =>
      Effect.promise(async () => {
        for await (const frame of connection) await connection.send(frame);
      }).pipe(Effect.withSpan("handling")),
  });
  const server = await place.drive(
    Effect.runPromise(Scope.provide(Effect.provideService(program, Tracer.Tracer, tracer), scope)),
  );
  place.atEnd(() => place.drive(Effect.runPromise(Scope.close(scope, Exit.void))));
  const peer = await place.dial(server);
  const [id] = [...server.connections.keys()];
  peer.write("one\n");
  await place.pass(2_000);
  peer.write("far too long for us\n");
  await place.settle();
  peer.end();
  await place.settle();
  const connections = spans.filter(({ span }) => span.name === "millrace.connection");
  assert.equal(connections.length, 1);
  const [{ span, events }] = connections as [(typeof connections)[number]];
  assert.equal(span.kind, "server");
  assert.deepEqual(Object.fromEntries(span.attributes), {
    "conn.id": id,
    "network.peer.address": "127.0.0.1",
    "network.peer.port": span.attributes.get("network.peer.port"),
    "millrace.reason": "frame_error",
    "millrace.endedBy": "peer",
    "millrace.endedWith": "fin",
    "millrace.bytesReceived": 24,
    "millrace.bytesSent": 4,
    "millrace.framesReceived": 1,
    "millrace.framesSent": 1,
  });
  assert.deepEqual(events, ["frame error"]);
  const { status } = span;
  assert.ok(status._tag === "Ended" && Exit.isFailure(status.exit));
  assert.equal(status.startTime, BigInt(start) * 1_000_000n);
  assert.equal(status.endTime - status.startTime, 2_000_000_000n);
  const inner = spans.find(({ span }) => span.name === "handling");
  assert.ok(inner !== undefined && inner.span.parent._tag === "Some");
  assert.equal(inner.span.parent.value.spanId, span.spanId);
});

test("a client's connection is a span of kind client, and without a tracer there is none (F-53)", async (t) => {
  const place = new Virtual(t);
  const { spans, tracer } = keeping();
  const server = await place.serve({ framing: lines(), handler: () => {} });
  const port = server.address.transport === "tcp" ? server.address.port : 0;
  const program = connect({ port, framing: lines(), adapter: place.adapter, clock: place.clock });
  const scoped = Effect.scoped(Effect.asVoid(program));
  await place.drive(Effect.runPromise(Effect.provideService(scoped, Tracer.Tracer, tracer)));
  await place.settle();
  assert.deepEqual(spans.map(({ span }) => [span.name, span.kind, span.status._tag]), [[
    "millrace.connection",
    "client",
    "Ended",
  ]]);
});
