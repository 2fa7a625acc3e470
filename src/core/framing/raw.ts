/**
 * No framing: each read is a packet.
 */
import { view } from "../bytes/bytes.ts";
import { OptionsCheck } from "../options.ts";
import type { Decoder, Framing } from "./framing.ts";
import { requireBytes } from "./refusal.ts";

/** Has nothing to hold, so one serves every connection. */
const decoder: Decoder<Uint8Array> = {
  buffered: 0,
  waiting: 0,
  push(chunk, next) {
    // Runtimes give subclasses of Uint8Array; what reaches a handler is the same everywhere.
    if (chunk.length > 0) next(chunk.constructor === Uint8Array ? chunk : view(chunk, 0, chunk.length));
  },
  /** There is never a rest: a chunk is one frame. */
  resume() {},
};

/**
 * No framing: a frame is what one read returned. Where one read ends and the next begins depends on the network and
 * the runtime: a message may arrive in several reads, and several messages in one.
 *
 * @example An echo of bytes
 * ```ts
 * import { connect, raw, serve } from "@millrace/millrace";
 *
 * await using server = await serve({
 *   port: 0,
 *   framing: raw(),
 *   onFrame: (bytes, connection) => connection.send(bytes),
 * });
 * await using connection = await connect({ port: server.address.port, framing: raw() });
 * await connection.send(Uint8Array.of(1, 2, 3));
 * for await (const bytes of connection) {
 *   console.log(bytes.join()); // 1,2,3
 *   break;
 * }
 * ```
 *
 * @throws {OptionsError} `invalid`, because it has no options
 */
export function raw(options: Readonly<Record<string, never>> = {}): Framing<Uint8Array> {
  const check = new OptionsCheck();
  check.keys(options, []);
  check.done();
  return {
    name: "raw",
    hint: { kind: "raw" },
    decoder: () => decoder,
    encode(bytes, out) {
      requireBytes("raw", bytes);
      out.bytes(bytes);
    },
  };
}
