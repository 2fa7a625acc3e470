// Streams of Deno's standard library in one chain with ours. On Deno: deno run -A examples/std_streams.ts; elsewhere install
// both from JSR first: npx jsr add @std/streams @std/assert
import { assertEquals } from "@std/assert";
import { TextLineStream, toText } from "@std/streams";
import { EncoderStream, FramerStream, lengthField, MetricsTapStream } from "millrace/streams";

const framing = lengthField({ lengthBytes: 2, strip: 2 });
const sent = new MetricsTapStream();

// Each line of a file becomes a frame with its length in front, as a device expects it.
const frames = new Blob(["first\nsecond\r\n", "third\n"]).stream()
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream())
  .pipeThrough(new TextEncoderStream())
  .pipeThrough(new EncoderStream(framing))
  .pipeThrough(sent);

// The other way round, from frames to text.
const text = frames
  .pipeThrough(new FramerStream(framing))
  .pipeThrough(new TextDecoderStream());

assertEquals(await toText(text), "firstsecondthird");
console.log(`${sent.counts.items} frames, ${sent.counts.bytes} bytes`);
