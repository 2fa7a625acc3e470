/**
 * The connection beneath a `Socket` of Effect, as a service, and the framing of such connections. Only the entry point
 * `effect` loads it; what needs Effect's own sockets is in `effect_socket.ts`.
 */
import * as Context from "effect/Context";
import { raw } from "../../core/framing/raw.ts";
import type { Framing } from "../../core/framing/framing.ts";
import type { Connection } from "../connection.ts";

/** What can be written to a `Socket`: bytes, or text, which is sent as UTF-8. */
export type SocketChunk = Uint8Array | string;

/** A connection beneath a `Socket`: frames are what one read returned. */
export type SocketConnection = Connection<Uint8Array, SocketChunk>;

/** Key of the service {@linkcode CurrentConnection}. */
export interface CurrentConnection {
  /** Tells it from other keys. */
  readonly CurrentConnection: unique symbol;
}

/**
 * The connection that a handler of `SocketServer.run` runs for: its `peer`, `id`, `stats()` and `destroy()`. Read and write
 * through the `Socket`.
 */
export const CurrentConnection: Context.Service<CurrentConnection, SocketConnection> = serviceKey();

/** An Effect before version 4 has no such keys, which the functions here say when they are called. */
function serviceKey(): Context.Service<CurrentConnection, SocketConnection> {
  const name = "@millrace/millrace/CurrentConnection";
  return typeof Context.Service === "function" ? Context.Service(name) : undefined as never;
}

const bytes = raw();

/** No framing; text is encoded where it is gathered. */
export const socketFraming: Framing<Uint8Array, SocketChunk> = {
  ...bytes,
  encode(chunk, out) {
    if (typeof chunk === "string") out.text(chunk);
    else bytes.encode(chunk, out);
  },
};
