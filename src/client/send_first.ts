/**
 * Bytes that are sent before a connection begins, on a transport that has just connected.
 *
 * Called by `client.ts`. The connection neither counts them nor waits for them.
 */
import { concatBytes } from "../core/bytes/bytes.ts";
import { SocketError } from "../core/errors.ts";
import { BegunTransport } from "../core/flow/begun_transport.ts";
import type { Transport } from "../core/transport.ts";

/** Resolves once the kernel has all of them, with the transport from there on; rejects when it breaks, or at the signal. */
export function sendFirst(
  below: Transport,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    let received: Uint8Array = new Uint8Array(0);
    let ended = false;
    const failed = (error: SocketError): void => {
      signal?.removeEventListener("abort", aborted);
      reject(error);
    };
    const aborted = (): void => {
      failed(new SocketError("aborted", "send a PROXY protocol header: aborted"));
      transport.abort();
    };
    const transport = new BegunTransport(below, {
      // A server that speaks first.
      data: (chunk) => {
        received = concatBytes([received, chunk]);
        transport.unread(received, ended);
        return false;
      },
      drain: () => {
        signal?.removeEventListener("abort", aborted);
        resolve(transport);
      },
      end: () => transport.unread(received, ended = true),
      close: (error) =>
        failed(error ?? new SocketError("closed", "send a PROXY protocol header: the peer closed")),
    });
    if (transport.write(bytes)) return resolve(transport);
    signal?.addEventListener("abort", aborted);
    transport.begin();
  });
}
