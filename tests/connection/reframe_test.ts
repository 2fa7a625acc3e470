// Another framing behind the last frame that was handed over: nothing that came behind it is lost, or cut by the old one.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { FrameError, OptionsError, SocketError } from "../../src/core/errors.ts";
import { concatBytes } from "../../src/core/bytes/bytes.ts";
import { defineFraming } from "../../src/core/framing/define_framing.ts";
import { delimited } from "../../src/core/framing/delimited.ts";
import { fixedLength } from "../../src/core/framing/fixed_length.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { mapFraming } from "../../src/core/framing/map_framing.ts";
import { varintField } from "../../src/core/framing/varint_field.ts";
import { bytes, Gate, hex, text } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

type Any = Framing<unknown, never>;

/** A framing of a user's own that cannot stop within a chunk, and holds nothing that one could ask for. */
const semicolons: Framing<string> = {
  name: "semicolons",
  decoder() {
    let held = "";
    return {
      get buffered() {
        return held.length;
      },
      push(chunk, next) {
        const parts = (held + text(chunk)).split(";");
        held = parts.pop()!;
        parts.forEach((part) => next(part));
      },
    };
  },
  encode: (frame, out) => out.text(`${frame};`),
};
/** Sees the end of a frame in the beginning of the next one, which it has then read. */
const untilHash = defineFraming({
  name: "until #",
  find(found) {
    const at = found.indexOf(35, 1);
    return at < 0 ? undefined : { size: at, start: 1 };
  },
  encode(frame, out) {
    out.byte(35);
    out.bytes(frame);
  },
});
const counted = lengthField({ lengthBytes: 2, strip: 2 });
const json = mapFraming(lines({ encoding: "utf-8" }), {
  decode: (line) => JSON.parse(line) as unknown,
  encode: (value: unknown) => JSON.stringify(value),
});
const words = mapFraming(semicolons, { decode: (word) => word, encode: (word: string) => word });

/** A framing, a frame of it on the wire, and as it is received. */
const pieces: Readonly<Record<string, readonly [framing: Any, wire: Uint8Array, shown: string]>> = {
  lines: [lines(), bytes("one\r\n"), "one"],
  "lines of text": [lines({ encoding: "utf-8" }), bytes("zwölf\n"), "zwölf"],
  delimited: [delimited({ delimiter: "\r\n\r\n" }), bytes("a: b\r\n\r\n"), "a: b"],
  "a length": [counted, hex("0003 61 0a 3b"), "a\n;"],
  "a varint": [varintField(), hex("05 0a 0a 0a 0a 0a"), "\n\n\n\n\n"],
  "a fixed length": [fixedLength({ frameBytes: 3 }), bytes("\n;\n"), "\n;\n"],
  messages: [json, bytes('{"a":1}\n'), '{"a":1}'],
  "its own": [semicolons, bytes("x\ny;"), "x\ny"],
  "messages of its own": [words, bytes(";"), ""],
};

function shown(frame: unknown): string {
  return frame instanceof Uint8Array
    ? text(frame)
    : typeof frame === "string"
    ? frame
    : JSON.stringify(frame);
}

/** The ways to take frames; each reframes behind the frame, as `after` says, and ends with the input. */
const consumers: Readonly<
  Record<string, (after: (frame: unknown, connection: Connection<unknown, never>) => void) => object>
> = {
  onFrame: (after) => ({ onFrame: after }),
  "onFrame with promises": (after) => ({
    async onFrame(frame: unknown, connection: Connection<unknown, never>) {
      await Promise.resolve();
      after(frame, connection);
    },
  }),
  "a loop": (after) => ({
    async handler(connection: Connection<unknown, never>) {
      for await (const frame of connection) after(frame, connection);
    },
  }),
  "loops that are left": (after) => ({
    async handler(connection: Connection<unknown, never>) {
      for (let before = -1; before < connection.stats().framesReceived;) {
        before = connection.stats().framesReceived;
        for await (const frame of connection) {
          after(frame, connection);
          break;
        }
      }
    },
  }),
  "batches()": (after) => ({
    async handler(connection: Connection<unknown, never>) {
      for await (const [frame, ...others] of connection.batches()) {
        assert.deepEqual(others, []);
        after(frame, connection);
      }
    },
  }),
  readable: (after) => ({
    async handler(connection: Connection<unknown, never>) {
      const reader = connection.readable.getReader();
      for (let step = await reader.read(); !step.done; step = await reader.read()) {
        after(step.value, connection);
      }
    },
  }),
};

/** Frames of these kinds one after the other, each cut by the framing that the one before it has asked for. */
async function play(place: Virtual, names: readonly string[], take: string, chunks: readonly Uint8Array[]) {
  const got: string[] = [];
  const server = await place.serve<unknown>({
    framing: pieces[names[0]!]![0],
    reframable: true,
    ...consumers[take]!((frame, connection) => {
      got.push(shown(frame));
      const following = names[got.length];
      if (following !== undefined) connection.reframe(pieces[following]![0]);
    }),
  } as never);
  const peer = await place.dial(server);
  for (const chunk of chunks) {
    peer.write(chunk);
    await place.settle();
  }
  peer.end();
  await place.settle();
  assert.equal(place.records.at(-1)?.reason, "peer_closed", place.records.at(-1)?.error?.message);
  await place.drive(server.close());
  return got;
}

const all = [...Object.keys(pieces), ...Object.keys(pieces).reverse(), "lines", "a length", "lines"];
const wire = concatBytes(all.map((name) => pieces[name]![1]));
const expected = all.map((name) => pieces[name]![2]);

for (const take of Object.keys(consumers)) {
  test(`reframing in ${take}: each frame says how the next is cut, however the bytes are split (F-81)`, async (t) => {
    const place = new Virtual(t);
    assert.deepEqual(await play(place, all, take, [wire]), expected, "in one chunk");
    assert.deepEqual(
      await play(place, all, take, [...wire].map((byte) => Uint8Array.of(byte))),
      expected,
      "bytes",
    );
    for (let at = 1; at < wire.length; at++) {
      const chunks = [wire.subarray(0, at), wire.subarray(at)];
      assert.deepEqual(await play(place, all, take, chunks), expected, `split at ${at}`);
    }
  });
}

const prefixes: readonly (readonly [name: string, framing: Framing<Uint8Array>])[] = [
  ["a delimiter before each frame", delimited({ delimiter: "#-", position: "prefix" })],
  ["a function", untilHash],
];
for (const [name, framing] of prefixes) {
  test(`reframing behind a frame that ends where the next begins, by ${name}, gives that one from its beginning (F-81)`, async (t) => {
    const place = new Virtual(t);
    const stream = bytes("#-ab#-cd#-ef");
    for (let at = 1; at < stream.length; at++) {
      const got: string[] = [];
      const server = await place.serve<Uint8Array>({
        framing,
        reframable: true,
        handler: async (connection) => {
          for await (const frame of connection) {
            got.push(text(frame));
            if (got.length === 2) connection.reframe(fixedLength({ frameBytes: 2 }));
          }
        },
      });
      const peer = await place.dial(server);
      peer.write(stream.subarray(0, at));
      await place.settle();
      peer.write(stream.subarray(at)).end();
      await place.settle();
      assert.deepEqual(got.slice(1), [framing === untilHash ? "-cd" : "cd", "#-", "ef"], `split at ${at}`);
      await place.drive(server.close());
    }
  });
}

test("reframing from outside of the loop gives the frame that has begun to the new framing, whole (F-81)", async (t) => {
  const place = new Virtual(t);
  const long = "x".repeat(6_000);
  for (const sent of [["par"], ["p", "a", "r"], ["one\npa", "r"], [`${long}`, "y", "par"]]) {
    const got: string[] = [];
    const server = await place.serve<Uint8Array>({
      framing: lines(),
      reframable: true,
      onFrame: (frame) => void got.push(text(frame)),
    });
    const peer = await place.dial(server);
    for (const part of sent) {
      peer.write(part);
      await place.settle();
    }
    const [connection] = server.connections.values();
    connection!.reframe(fixedLength({ frameBytes: 1 }));
    assert.equal(got.join(""), sent.length === 2 ? "one" : "", "nothing is delivered during the call");
    await place.settle();
    peer.write("tial").end();
    await place.settle();
    assert.equal(got.join(""), `${sent.join("").replace("\n", "")}tial`);
    await place.drive(server.close());
  }
});

test("reframing twice before anything is cut leaves the last framing, and nothing is lost (F-81)", async (t) => {
  const place = new Virtual(t);
  const got: string[] = [];
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    reframable: true,
    onFrame: (frame, connection) => {
      got.push(text(frame));
      if (got.length > 1) return;
      connection.reframe(fixedLength({ frameBytes: 7 }));
      connection.reframe(fixedLength({ frameBytes: 2 }));
    },
  });
  const peer = await place.dial(server);
  peer.write("go\nabcde");
  await place.settle();
  const [connection] = server.connections.values();
  connection!.reframe(fixedLength({ frameBytes: 3 }));
  connection!.reframe(fixedLength({ frameBytes: 1 }));
  peer.write("fg").end();
  await place.settle();
  assert.deepEqual(got, ["go", "ab", "cd", "e", "f", "g"]);
});

test("what was sent before reframing leaves in the old framing, and what is sent after it in the new one (F-81)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    reframable: true,
    onFrame: (frame, connection) => {
      void connection.send(frame);
      connection.reframe(counted);
      void connection.send(frame);
    },
  });
  const peer = await place.dial(server);
  peer.write("ab\n");
  await place.settle();
  assert.deepEqual(peer.all, hex("61 62 0a 00 02 61 62"));
});

test("frames of the new framing go to the onFrame that reframing was given (F-81)", async (t) => {
  const place = new Virtual(t);
  const got: unknown[] = [];
  const server = await place.serve<string>({
    framing: lines({ encoding: "utf-8" }),
    reframable: true,
    onFrame: (line, connection) => {
      got.push(line.toUpperCase());
      connection.reframe(counted, { onFrame: (frame) => void got.push(frame.length) });
    },
  });
  const peer = await place.dial(server);
  peer.write(concatBytes([bytes("hello\n"), hex("0001 61 0002 61 62")]));
  await place.settle();
  assert.deepEqual(got, ["HELLO", 1, 2]);
});

test("with last, batches have several frames again, and the framing does not change any more (F-81)", async (t) => {
  const place = new Virtual(t);
  const got: string[][] = [];
  const errors: unknown[] = [];
  const server = await place.serve<string>({
    framing: lines({ encoding: "utf-8" }),
    reframable: true,
    handler: async (connection) => {
      for await (const line of connection) if (line === "go") break;
      const binary = connection.reframe(counted, { last: true });
      for await (const batch of binary.batches()) {
        got.push(batch.map(text));
        try {
          binary.reframe(counted);
        } catch (error) {
          errors.push(error);
        }
      }
    },
  });
  const peer = await place.dial(server);
  peer.write(concatBytes([bytes("wait\ngo\n"), hex("0001 61 0002 61 62 0000")])).end();
  await place.settle();
  assert.deepEqual(got, [["a", "ab", ""]]);
  assert.ok(errors[0] instanceof OptionsError && errors[0].reason === "conflict", String(errors[0]));
});

test("the new framing has limits of its own, and its skipping (F-81)", async (t) => {
  const place = new Virtual(t);
  const got: string[] = [];
  const faults: string[] = [];
  const server = await place.serve<Uint8Array>({
    framing: lines({ maxFrameBytes: 4 }),
    reframable: true,
    onFrameError: (error) => void faults.push(`${error.reason} ${error.size}`),
    onFrame: (frame, connection) => {
      got.push(text(frame));
      if (got.length === 1) connection.reframe(lines({ maxFrameBytes: 8, onFrameError: "skip" }));
      if (got.length === 2) connection.reframe(lines({ maxFrameBytes: 2 }));
    },
  });
  const peer = await place.dial(server);
  peer.write("1234\nmuch too long\n12345678\n12\n");
  await place.settle();
  assert.deepEqual([got, faults], [["1234", "12345678", "12"], ["too_large 13"]]);
  peer.write("123");
  await place.settle();
  assert.deepEqual(faults, ["too_large 13", "too_large 3"]);
  peer.end();
  await place.settle();
  assert.equal(place.records[0]!.reason, "frame_error");
});

test("the first frame is diagnosed by the framing in force (F-81)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    reframable: true,
    onConnect: (connection) => void connection.reframe(lengthField({ lengthBytes: 4 })),
    onFrame: () => {},
  });
  const peer = await place.dial(server);
  peer.write("GET / HTTP/1.1\r\n\r\n").end();
  await place.settle();
  const error = place.records[0]!.error;
  assert.ok(error instanceof FrameError && error.looksLike === "an HTTP request", String(error));
});

test("S-44: nothing is cut ahead of a loop that may reframe, and 64 KiB are cut to their end (F-81)", async (t) => {
  const place = new Virtual(t, { bufferSize: 4 * 1024 * 1024 });
  const gate = new Gate();
  let frames = 0;
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    reframable: true,
    handler: async (connection) => {
      await gate.promise;
      for await (const _ of connection) {
        // Back and forth: each change leaves a rest to the next framing.
        if (frames++ % 2 === 0) connection.reframe(fixedLength({ frameBytes: 1 }));
        else connection.reframe(lines());
      }
    },
  });
  const peer = await place.dial(server);
  for (let chunk = 0; chunk < 4; chunk++) peer.write(new Uint8Array(65_536).fill(10));
  await place.settle();
  const [connection] = server.connections.values();
  const { inboxFrames, framesReceived, bytesReceived } = connection!.stats();
  assert.deepEqual([inboxFrames, framesReceived], [0, 0]);
  assert.ok(bytesReceived > 0, "read as far as ingressLimit allows");
  gate.open();
  peer.end();
  for (let turn = 0; frames < 262_144 && turn < 1000; turn++) await place.settle();
  assert.equal(frames, 262_144);
});

test("a server that drains delivers what it has by the framings that are asked for (F-81)", async (t) => {
  const place = new Virtual(t);
  const got: string[] = [];
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    reframable: true,
    onFrame: async (frame, connection) => {
      got.push(text(frame));
      await new Promise<void>((resolve) => void place.clock.setTimer(resolve, 10));
      if (got.length === 1) connection.reframe(fixedLength({ frameBytes: 2 }));
    },
  });
  const peer = await place.dial(server);
  peer.write("go\nab");
  await place.settle();
  peer.write("cdef");
  await place.settle();
  const closing = server.close();
  await place.pass(100);
  peer.end();
  await place.drive(closing);
  assert.deepEqual(got, ["go", "ab", "cd", "ef"]);
});

test("a drain waits for all that came before it, a frame that had begun and goes to the new framing among it (F-81)", async (t) => {
  const place = new Virtual(t);
  const got: string[] = [];
  const gate = new Gate();
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    reframable: true,
    handler: async (connection) => {
      const left = connection[Symbol.asyncIterator]();
      const nothing = left.next();
      await gate.promise;
      await left.return!();
      await nothing;
      await again.promise;
      for await (const frame of connection.reframe(fixedLength({ frameBytes: 3 }))) got.push(text(frame));
    },
  });
  const again = new Gate();
  const peer = await place.dial(server);
  peer.write("par");
  await place.settle();
  gate.open();
  await place.settle();
  peer.write("tial 1");
  await place.settle();
  const closing = server.close();
  await place.settle();
  again.open();
  await place.settle();
  peer.end();
  await place.drive(closing);
  assert.deepEqual(got, ["par", "tia", "l 1"]);
});

test("an end inside a frame of the new framing is told as one, and the old one has no say (F-81)", async (t) => {
  const place = new Virtual(t);
  const got: string[] = [];
  const server = await place.serve<Uint8Array>({
    framing: counted,
    reframable: true,
    handler: async (connection) => {
      for await (const frame of connection) {
        got.push(text(frame));
        connection.reframe(lines());
      }
    },
  });
  const peer = await place.dial(server);
  peer.write(concatBytes([hex("0001 61"), bytes("one\nhalf")])).end();
  await place.settle();
  assert.deepEqual(got, ["a", "one"]);
  const { reason, error } = place.records[0]!;
  assert.ok(
    reason === "frame_error" && error instanceof FrameError && error.reason === "truncated",
    String(error),
  );
});

test("reframing is refused where it makes no sense, with a typed error, and changes nothing (F-81)", async (t) => {
  const place = new Virtual(t);
  const never = await place.serve<Uint8Array>({ framing: lines(), onFrame: () => {} });
  const plain = await place.connect(never, { framing: lines() });
  const refused = (act: () => unknown): unknown => {
    try {
      act();
    } catch (error) {
      return error;
    }
    throw new Error("it was taken");
  };
  const conflict = refused(() => plain.reframe(counted));
  assert.ok(conflict instanceof OptionsError && conflict.reason === "conflict", String(conflict));
  assert.equal(conflict.issues[0]!.path, "reframable");

  const connection = await place.connect(never, { framing: lines(), reframable: true });
  for (
    const wrong of [
      () => connection.reframe({} as never),
      () => connection.reframe(counted, { first: 1 } as never),
    ]
  ) {
    const error = refused(wrong);
    assert.ok(error instanceof OptionsError && error.reason === "invalid", String(error));
  }
  const handler = refused(() => connection.reframe(counted, { onFrame: () => {} }));
  assert.ok(handler instanceof OptionsError && handler.issues[0]!.path === "onFrame", String(handler));
  void connection.close();
  const ended = refused(() => connection.reframe(counted));
  assert.ok(ended instanceof SocketError && ended.reason === "closed", String(ended));
  assert.match(ended.message, /^reframe connection .*: it has ended \(closed\)$/);
  assert.equal(ended.connectionId, connection.id);
});

test("the peer's FIN does not keep what is behind it from the new framing, and sending goes on (F-81)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<Uint8Array>({
    framing: lines(),
    onFrame: (_, connection) => {
      void connection.send(bytes("ok"));
      void connection.send(bytes("rest"));
      connection.end();
    },
  });
  const connection = await place.connect(server, { framing: lines(), reframable: true, allowHalfOpen: true });
  void connection.send(bytes("go"));
  await place.settle();
  const got: string[] = [];
  const loop = (async () => {
    for await (const line of connection) {
      got.push(text(line));
      if (got.length === 1) connection.reframe(fixedLength({ frameBytes: 1 }));
    }
    void connection.reframe(lines()).send(bytes("over"));
  })();
  await place.drive(loop);
  assert.equal(got.join(" "), "ok r e s t \n");
  await place.settle();
  assert.equal(server.stats().framesReceived, 2);
});
