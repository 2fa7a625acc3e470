// A recorded client plays again: the same chunks, behind the same answers, after the same pauses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionsError, SocketError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { raw } from "../../src/core/framing/raw.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { Recording } from "../../src/recording/recording.ts";
import { parseRecording } from "../../src/recording/recording_text.ts";
import { replay, type ReplayOptions } from "../../src/recording/replay.ts";
import { bytes, Gate, rejection, text } from "../support/frames.ts";
import { Real, Virtual } from "../support/server.ts";

type Line = readonly [
  at: number,
  from: "client" | "server",
  what: string | { readonly event: "end" | "reset" },
];

function recordingOf(events: readonly Line[], complete = true): Recording {
  const lines: object[] = [
    { format: "millrace-recording", version: 1, startedAt: "2026-11-27T20:00:00.000Z" },
    { at: 0, connection: 1, event: "open" },
    ...events.map(([at, from, what]) => ({
      at,
      connection: 1,
      from,
      ...(typeof what === "string" ? { text: what } : what),
    })),
    ...(complete ? [{ at: events.at(-1)?.[0] ?? 0, connection: 1, event: "close" }] : []),
  ];
  return parseRecording(lines.map((line) => JSON.stringify(line) + "\n").join(""));
}

const ends: readonly Line[] = [[900, "client", { event: "end" }], [901, "server", { event: "end" }]];
const talk = recordingOf([
  [100, "client", "hel"],
  [200, "client", "lo\n"],
  [210, "server", "HELLO\n"],
  [710, "client", "again\n"],
  [720, "server", "AGA"],
  [721, "server", "IN\n"],
  ...ends,
]);

/** Answers in capitals, and notes which chunks came and when. */
async function shouting(place: Virtual, after = 0) {
  const chunks: [at: number, chunk: string][] = [];
  const begun = place.clock.now();
  const server = await place.serve<Uint8Array>({
    framing: raw(),
    onFrame: async (chunk, connection: Connection<Uint8Array>) => {
      chunks.push([place.clock.now() - begun, text(chunk)]);
      if (after > 0) await new Promise<void>((resolve) => void place.clock.setTimer(resolve, after));
      if (text(chunk).endsWith("\n")) {
        void connection.send(bytes(text(chunk) === "lo\n" ? "HELLO\n" : "AGAIN\n"));
      }
    },
  });
  return { server, chunks };
}

async function played(
  place: Virtual,
  server: { readonly address: ReplayOptions["address"] },
  recording: Recording,
  more: object = {},
) {
  const playing = replay(recording, {
    adapter: place.adapter,
    address: server.address,
    clock: place.clock,
    ...more,
  });
  let settled = false;
  playing.then(() => settled = true, () => settled = true);
  for (let step = 0; step < 3_000 && !settled; step++) await place.pass(10);
  return await place.drive(playing);
}

test("chunks are sent as they were, after the same pauses, and the answers are the same in any chunks (F-72)", async (t) => {
  const place = new Virtual(t);
  const { server, chunks } = await shouting(place);
  const report = await played(place, server, talk);
  assert.deepEqual(chunks.map(([, chunk]) => chunk), ["hel", "lo\n", "again\n"]);
  for (const [at, expected] of [[0, 100], [1, 200], [2, 700]] as const) {
    assert.ok(Math.abs(chunks[at]![0] - expected) <= 12, `${chunks[at]![0]} for ${expected}`);
  }
  assert.deepEqual(report, {
    outcome: "same",
    sentChunks: 3,
    chunks: 3,
    sentBytes: 12,
    receivedBytes: 12,
    expectedBytes: 12,
    differsAt: undefined,
    error: undefined,
  });
  assert.equal(place.records[0]!.reason, "peer_closed");
});

test("a pause counts from the answer that it followed, at any speed (F-72)", async (t) => {
  const place = new Virtual(t);
  const slow = await shouting(place, 1_000);
  await played(place, slow.server, talk, { speed: 2 });
  // Half of 500 ms of thought behind an answer that takes longer than in the recording.
  const [, [second], [third]] = slow.chunks as unknown as [[number], [number], [number]];
  assert.ok(third - second >= 1_250 && third - second <= 1_280, `${third - second}`);
  const fast = await shouting(place);
  const report = await played(place, fast.server, talk, { speed: Infinity });
  assert.deepEqual([report.outcome, fast.chunks.at(-1)![0] <= 20], ["same", true]);
});

test("other bytes, more bytes and missing ones are told apart, each with its place (F-72)", async (t) => {
  const place = new Virtual(t);
  const answering = (answer: string, end = true) =>
    place.serve<string>({
      framing: lines({ encoding: "utf-8" }),
      allowHalfOpen: true,
      onFrame: (_, connection) => {
        void connection.send(answer);
        if (end) connection.end();
      },
    });
  const one = recordingOf([[1, "client", "x\n"], [2, "server", "12345\n"], ...ends]);
  const cases: readonly (readonly [string, boolean, string, number | undefined])[] = [
    ["12345", true, "same", undefined],
    ["12x45", true, "different", 2],
    ["12345\n", true, "different", 6],
    ["1234", true, "different", 4],
    ["12", false, "different", 2],
  ];
  for (const [answer, end, outcome, differsAt] of cases) {
    const report = await played(place, await answering(answer, end), one, { wait: "1s" });
    assert.deepEqual([report.outcome, report.differsAt], [outcome, differsAt], answer);
  }
  const silent = await place.serve<Uint8Array>({ framing: raw(), onFrame: () => {} });
  const missing = await played(place, silent, talk, { wait: "1s" });
  assert.deepEqual([missing.outcome, missing.sentChunks, missing.receivedBytes], ["missing", 2, 0]);
  const cutting = await place.serve<Uint8Array>({
    framing: raw(),
    onFrame: (_, connection) => connection.destroy(),
  });
  const cut = await played(place, cutting, talk);
  assert.deepEqual([cut.outcome, cut.sentChunks, cut.error?.reason], ["missing", 1, "reset"]);
});

test("of a recording that was cut off, more than was recorded may come (F-72)", async (t) => {
  const place = new Virtual(t);
  const { server } = await shouting(place);
  const half = recordingOf([[1, "client", "hel"], [2, "client", "lo\n"], [3, "server", "HE"]], false);
  assert.equal((await played(place, server, half)).outcome, "same");
});

test("a wait is one without progress: a slow answer is waited for as long as it goes on (F-72)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<Uint8Array>({
    framing: raw(),
    onFrame: async (_, connection) => {
      for (const letter of "12345\n") {
        await new Promise<void>((resolve) => void place.clock.setTimer(resolve, 900));
        await connection.send(bytes(letter));
      }
    },
  });
  const one = recordingOf([[1, "client", "x\n"], [2, "server", "12345\n"], ...ends]);
  assert.equal((await played(place, server, one, { wait: "1s" })).outcome, "same");
});

test("what the server takes slowly is progress too (F-72)", async (t) => {
  const place = new Virtual(t, { bufferSize: 1024 });
  const server = await place.serve<Uint8Array>({
    framing: raw(),
    rateLimit: { bytesPerSecond: 2_000, burstBytes: 1_000 },
    onFrame: () => {},
  });
  const one = recordingOf([[1, "client", "x".repeat(20_000)], [2, "client", { event: "end" }]]);
  const report = await played(place, server, one, { wait: "3s" });
  assert.deepEqual([report.outcome, report.sentBytes], ["same", 20_000]);
});

test("a client's reset is one, and FIN is one; progress is told, and a signal ends it (F-72)", async (t) => {
  const place = new Virtual(t);
  const server = await place.serve<Uint8Array>({ framing: raw(), onFrame: () => {} });
  const reset = recordingOf([[1, "client", "x"], [2, "client", { event: "reset" }]]);
  assert.equal((await played(place, server, reset)).outcome, "same");
  assert.equal(place.records.at(-1)!.reason, "peer_reset");

  const told: number[] = [];
  const long = recordingOf([[1, "client", "x"], [60_000, "client", "y"]], false);
  const stop = new AbortController();
  const onProgress = ({ sentChunks }: { sentChunks: number }): void => {
    told.push(sentChunks);
    if (told.length === 100) stop.abort();
  };
  const error = await rejection(played(place, server, long, { onProgress, signal: stop.signal }));
  assert.ok(error instanceof SocketError && error.reason === "aborted", String(error));
  assert.deepEqual([told[0], told.at(-1), told.length], [0, 1, 100]);
});

test("wrong options are refused before a socket opens (F-72)", async (t) => {
  const place = new Virtual(t);
  const to = { adapter: place.adapter, address: "127.0.0.1:1" };
  for (
    const wrong of [
      { speed: 0 },
      { speed: -1 },
      { wait: "soon" },
      { address: "nowhere" },
      { connection: 2 },
      { spead: 1 },
    ]
  ) {
    const error = await rejection(replay(talk, { ...to, ...wrong } as never));
    assert.ok(error instanceof OptionsError, String(error));
  }
});

test("a recording plays on real sockets, with more than a kernel takes at once (F-72)", async (t) => {
  const place = await Real.at(t);
  const begun = new Gate();
  const server = await place.serve<Uint8Array>({
    framing: raw(),
    onFrame: async (chunk, connection) => {
      begun.open();
      await connection.send(chunk);
    },
  });
  const piece = "0123456789abcdef".repeat(4_096);
  const events: Line[] = [];
  for (let at = 0; at < 100; at++) events.push([at, "client", piece], [at, "server", piece]);
  const report = await replay(recordingOf([...events, ...ends]), {
    adapter: place.adapter,
    address: server.address,
    speed: Infinity,
  });
  await begun.promise;
  assert.deepEqual([report.outcome, report.receivedBytes], ["same", 100 * piece.length]);
});
