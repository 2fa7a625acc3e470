/**
 * Passes connections on to a server, both ways, and records what goes through: each FIN as a half-close, and resets too. The
 * slower side, or the disk, sets the pace.
 *
 * Used by `millrace record`.
 */
import { connect } from "../client/connect.ts";
import type { Connection } from "../connection/connection.ts";
import type { CloseReason } from "../connection/termination.ts";
import { raw } from "../core/framing/raw.ts";
import { formatAddress } from "../core/text/address.ts";
import type { Address } from "../core/transport.ts";
import type { ConnectionRecorder, Recorder } from "../recording/recorder.ts";
import type { RecordedSide } from "../recording/recording.ts";
import { serve } from "../server/serve.ts";
import type { Server } from "../server/server.ts";
import type { LogRecord } from "../core/logger.ts";

/** From where, to where, and how. */
interface ProxyOrder {
  readonly listen: Address;
  readonly target: Address;
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
}

type Bytes = Connection<Uint8Array>;

/** A proxy that listens. */
export interface RecordingProxy {
  readonly server: Server<Uint8Array>;
  /** Resolves when nothing more is recorded; only once the server is closed. */
  settled(): Promise<void>;
}

/** Listens; rejects when it cannot. `failed` is told why a connection was not passed on. */
export async function recordingProxy(
  order: ProxyOrder,
  recorder: Recorder,
  logger: (record: LogRecord) => void,
  failed: (error: unknown) => void,
  signal: AbortSignal,
): Promise<RecordingProxy> {
  const { listen, target, idleTimeoutMs, maxConnections } = order;
  const limits = { framing: raw(), idleTimeout: idleTimeoutMs, closeTimeout: idleTimeoutMs };
  const open = new Set<Promise<void>>();
  const server = await serve<Uint8Array>({
    ...limits,
    address: listen,
    maxConnections,
    signal,
    logger,
    async handler(client) {
      const { ip, port } = client.peer;
      const record = recorder.connection(
        ip === "" ? undefined : formatAddress({ transport: "tcp", host: ip, port }),
      );
      let server: Bytes;
      try {
        server = await connect({ ...limits, address: target, allowHalfOpen: true });
      } catch (error) {
        record.close();
        client.destroy();
        return failed(error);
      }
      const over = close(record, [
        follow(client, server, record, "client"),
        follow(server, client, record, "server"),
      ]);
      open.add(over);
      void over.then(() => open.delete(over));
      await Promise.all([pump(client, server, record, "client"), pump(server, client, record, "server")]);
      await server.closed;
    },
  });
  return { server, settled: async () => void await Promise.all(open) };
}

/** The end of both; what we have cut off ourselves was not recorded to its end. */
async function close(record: ConnectionRecorder, ends: readonly Promise<CloseReason>[]): Promise<void> {
  const reasons = await Promise.all(ends);
  const whole = reasons.every((reason) => reason === "peer_closed" || reason === "handler_done");
  if (whole || reasons.includes("peer_reset")) record.close();
}

/** Passes on until one side ends; how it ended otherwise is told by its record. */
async function pump(from: Bytes, to: Bytes, record: ConnectionRecorder, side: RecordedSide): Promise<void> {
  try {
    for await (const bytes of from) {
      const slow = record.bytes(side, bytes);
      if (slow !== undefined) await slow;
      await to.send(bytes);
    }
  } catch {
    return;
  }
  // Behind a stop of ours is no end of theirs.
  const { state } = from;
  if (state === "open" || (state === "closed" && (await from.closed).reason === "peer_closed")) {
    record.end(side);
  }
  to.end();
}

/** A reset can also come when nothing is read or sent any more. */
async function follow(
  from: Bytes,
  to: Bytes,
  record: ConnectionRecorder,
  side: RecordedSide,
): Promise<CloseReason> {
  const { reason, endedWith } = await from.closed;
  if (reason === "peer_reset") record.reset(side);
  if (endedWith === "rst") to.destroy();
  return reason;
}
