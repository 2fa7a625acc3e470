/**
 * Claims about the types of streams: what flows together at run time compiles. Never run; compiled by the check of types
 * and by `claims_test.ts`.
 */
import type { Duplex } from "../../adapter.ts";
import type { Connection } from "../../mod.ts";
import * as main from "../../streams.ts";

declare const bytes: ReadableStream<Uint8Array>;
declare const connection: Connection<Uint8Array>;
declare const texts: Connection<string>;
declare const duplex: Duplex;

/** What the platform's own streams take is bytes that nobody shares. */
function decoded(readable: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<string> {
  void new Response(readable);
  void readable.pipeThrough(new CompressionStream("gzip")).pipeTo(duplex.writable);
  return readable.pipeThrough(new TextDecoderStream());
}

for (const framing of [main.delimited(), main.lines(), main.fixedLength({ frameBytes: 1 }), main.raw()]) {
  decoded(bytes.pipeThrough(new main.FramerStream(framing)));
  decoded(duplex.readable.pipeThrough(new main.FramerStream(framing)));
  decoded(new Blob([]).stream().pipeThrough(new main.FramerStream(framing)));
}
decoded(connection.readable);
decoded(texts.readable.pipeThrough(new main.EncoderStream(main.lines({ encoding: "utf-8" }))));
decoded(duplex.readable.pipeThrough(new main.MetricsTapStream()));
decoded(duplex.readable.pipeThrough(new main.IdleWatchdogStream("1 second")));
decoded(duplex.readable.pipeThrough(new main.RateLimiterStream({ bytesPerSecond: 1 })));
decoded(bytes.pipeThrough(new main.KeepaliveWriterStream({ interval: 1, payload: new Uint8Array(1) })));

void connection.readable.pipeTo(connection.writable);
void connection.readable.pipeTo(duplex.writable);
void bytes.pipeTo(connection.writable);
void duplex.readable.pipeThrough(new TextDecoderStream()).pipeTo(texts.writable);
void texts.readable.pipeThrough(new TextEncoderStream()).pipeTo(connection.writable);
void bytes.pipeThrough(
  new main.FramerStream(main.lines({ encoding: "utf-8" }), {
    writableStrategy: { highWaterMark: 1, size: (chunk) => chunk.length },
    readableStrategy: new CountQueuingStrategy({ highWaterMark: 1 }),
  }),
).pipeTo(texts.writable);
declare const buffers: ReadableStream<ArrayBuffer>;
decoded(buffers.pipeThrough(new main.FramerStream(main.raw())));
export const frames: ReadableStream<Uint8Array> = new main.FramerStream(main.lines()).readable;
// @ts-expect-error lines of text are no bytes
decoded(bytes.pipeThrough(new main.FramerStream(main.lines({ encoding: "utf-8" }))));
// @ts-expect-error a burst goes with the rate that fills it
decoded(duplex.readable.pipeThrough(new main.RateLimiterStream({ burstBytes: 5 })));
decoded(duplex.readable.pipeThrough(new main.RateLimiterStream({ bytesPerSecond: 5, burstBytes: 50 })));
