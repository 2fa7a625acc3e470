// A recording: what is written can be read, up to the last whole line, and says what is wrong with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { Recorder } from "../../src/recording/recorder.ts";
import { readPayload, showPayload } from "../../src/recording/recording.ts";
import { connectionOf, parseRecording } from "../../src/recording/recording_text.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { bytes, hex } from "../support/frames.ts";

const head = '{"format":"millrace-recording","version":1,"startedAt":"2026-11-27T20:00:00.000Z"}\n';

test("chunks, sides, ends and times come back as they were recorded (F-72)", () => {
  const clock = new FakeClock();
  let file = "";
  const recorder = new Recorder((line) => void (file += line), { clock });
  const one = recorder.connection("192.0.2.1:5000");
  clock.advance(1.5);
  one.bytes("client", bytes("hello\n"));
  const two = recorder.connection();
  clock.advance(10);
  one.bytes("server", hex("00 ff 0d"));
  two.reset("client");
  one.end("server");
  one.close();
  one.bytes("client", bytes("nothing behind its end"));
  const recording = parseRecording(file);
  assert.equal(recorder.bytesWritten, bytes(file).length);
  assert.deepEqual([recording.full, recording.torn, recording.connections.length], [false, false, 2]);
  assert.deepEqual(recording.connections[0], {
    number: 1,
    at: 0,
    peer: "192.0.2.1:5000",
    complete: true,
    events: [
      { at: 1.5, from: "client", bytes: bytes("hello\n") },
      { at: 11.5, from: "server", bytes: hex("00 ff 0d") },
      { at: 11.5, from: "server", event: "end" },
    ],
  });
  assert.deepEqual(recording.connections[1], {
    number: 2,
    at: 1.5,
    peer: undefined,
    complete: false,
    events: [{ at: 11.5, from: "client", event: "reset" }],
  });
});

test("bytes are text where a person can read them and nothing is lost by it, and hex elsewhere (F-72)", () => {
  for (const text of ["", "a\r\n\tb", "zwölf €", '"\\', "日本"]) {
    assert.deepEqual(showPayload(bytes(text)), { text });
  }
  for (const digits of ["ff", "c3", "00", "1b5b316d", "efbbbf61", "e280ae", "7f", "c285"]) {
    assert.deepEqual(showPayload(hex(digits)), { hex: digits });
  }
  for (let round = 0; round < 256; round++) {
    const payload = Uint8Array.from({ length: round % 9 }, (_, at) => (round * 37 + at * 101) & 255);
    const shown = JSON.parse(JSON.stringify(showPayload(payload))) as { text?: string; hex?: string };
    assert.deepEqual(readPayload(shown.text, shown.hex), payload);
  }
});

test("a recording that was cut off anywhere can be read up to its last whole line (F-72)", () => {
  let file = "";
  const recorder = new Recorder((line) => void (file += line));
  const connection = recorder.connection();
  for (let chunk = 0; chunk < 5; chunk++) connection.bytes("client", bytes(`chunk "${chunk}"\n`));
  const headLength = file.indexOf("\n") + 1;
  let before = 0;
  for (let cut = headLength; cut <= file.length; cut++) {
    const recording = parseRecording(file.slice(0, cut));
    const whole = file.slice(0, cut).split("\n").length - 2;
    // A line that lacks nothing but its line end is whole too.
    const events = recording.connections[0]?.events.length ?? 0;
    assert.ok(events === Math.max(0, whole - 1) || events === whole, `cut at ${cut}`);
    assert.ok(events >= before);
    before = events;
    if (!recording.torn) assert.ok(file.slice(0, cut).endsWith("\n") || file[cut] === "\n", `cut at ${cut}`);
  }
  assert.equal(before, 5);
});

test("at its maximum size a recording ends with a line that says so, and grows no more (F-72)", () => {
  let file = "";
  const recorder = new Recorder((line) => void (file += line), { maxBytes: "1KiB" });
  const connection = recorder.connection();
  for (let chunk = 0; chunk < 1_000; chunk++) connection.bytes("client", bytes("ä".repeat(20)));
  connection.close();
  recorder.connection();
  assert.ok(bytes(file).length <= 1024, `${bytes(file).length} bytes`);
  assert.ok(bytes(file).length > 700);
  assert.equal(recorder.full, true);
  const recording = parseRecording(file);
  assert.deepEqual([recording.full, recording.connections[0]!.complete], [true, false]);
  assert.throws(() => new Recorder(() => {}, { maxBytes: 0 }), OptionsError);
});

test("no recording is larger than its maximum size, whatever that is (F-72)", () => {
  for (let maxBytes = 400; maxBytes < 600; maxBytes++) {
    let file = "";
    const connection = new Recorder((line) => void (file += line), { maxBytes }).connection();
    for (let chunk = 0; chunk < 20; chunk++) connection.bytes("client", bytes("x"));
    assert.ok(file.length <= maxBytes, `${file.length} of ${maxBytes}`);
    assert.equal(parseRecording(file).full, true);
  }
});

test("a promise of the writer is that of the chunk (F-72)", () => {
  const slow = Promise.resolve();
  const recorder = new Recorder(() => slow);
  assert.equal(recorder.connection().bytes("server", bytes("x")), slow);
});

const faults: readonly (readonly [text: string, line: string, expected: RegExp])[] = [
  ["", "line 1", /the first line of a recording/],
  ["GET / HTTP/1.1\n", "line 1", /found "GET \/ HTTP\/1.1"/],
  [head.replace('"version":1', '"version":2'), "line 1", /found 2, expected version 1/],
  [`${head}nonsense\n{}\n`, "line 2", /an object in JSON/],
  [`${head}[]\n`, "line 2", /an object in JSON/],
  [`${head}{"at":-1}\n`, "line 2", /"at", in milliseconds/],
  [`${head}{"at":0,"connection":0}\n`, "line 2", /"connection", a number from 1/],
  [`${head}{"at":0,"connection":1,"from":"client","text":""}\n`, "line 2", /opened before/],
  [
    `${head}{"at":0,"connection":1,"event":"open"}\n{"at":0,"connection":1,"event":"open"}\n`,
    "line 3",
    /one "open"/,
  ],
  [
    `${head}{"at":0,"connection":1,"event":"open"}\n{"at":0,"connection":1,"from":"me"}\n`,
    "line 3",
    /client or server/,
  ],
  [
    `${head}{"at":0,"connection":1,"event":"open"}\n{"at":0,"connection":1,"from":"client","hex":"0"}\n`,
    "line 3",
    /hex digits/,
  ],
  [
    `${head}{"at":0,"connection":1,"event":"open"}\n{"at":0,"connection":1,"from":"client","event":"x"}\n`,
    "line 3",
    /open, end, reset, close or full/,
  ],
  [
    `${head}{"at":0,"connection":1,"event":"open"}\n{"at":0,"connection":1,"event":"close"}\n` +
    `{"at":0,"connection":1,"from":"client","text":"x"}\n`,
    "line 4",
    /not closed yet/,
  ],
];
for (const [text, line, expected] of faults) {
  test(`a text that is no recording says where, and what is wanted: ${JSON.stringify(text.slice(-60))} (F-72)`, () => {
    assert.throws(() => parseRecording(text), (error) => {
      assert.ok(error instanceof OptionsError && error.issues[0]!.path === line, String(error));
      assert.match(error.message, expected);
      return true;
    });
  });
}

test("a connection that is not in the recording is refused with those that are (F-72)", () => {
  const recording = parseRecording(`${head}{"at":0,"connection":3,"event":"open"}\n`);
  assert.equal(connectionOf(recording).number, 3);
  assert.throws(
    () => connectionOf(recording, 1),
    /connection: found 1, expected a connection of the recording: 3$/,
  );
  assert.throws(() => connectionOf(parseRecording(head)), /a recording with a connection in it/);
});
