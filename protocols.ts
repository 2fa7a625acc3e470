/**
 * `millrace/protocols`: framings of protocols in the field, ready to use with `serve`, `connect`, `FramerStream` and the
 * gateway. They need no sockets, so they run in browsers and at the edge.
 *
 * @example Netstrings, each sent back
 * ```ts
 * import { serve } from "@millrace/millrace";
 * import { netstring } from "@millrace/millrace/protocols";
 *
 * const server = await serve({
 *   port: 0,
 *   framing: netstring(),
 *   onFrame: (frame, connection) => connection.send(frame),
 * });
 * await server.close();
 * ```
 *
 * @module
 */
export type { FrameErrorPolicy, Framing } from "./src/core/framing/framing.ts";
export type { SizeInput } from "./src/core/text/size.ts";
export { netstring, type NetstringOptions } from "./src/protocols/netstring.ts";
export { parseFraming } from "./src/protocols/framing_text.ts";
