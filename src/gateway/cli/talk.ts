/** What `millrace connect` talks over: one connection, or with `--reconnect` one after the other. */
import { reconnect } from "../../client/reconnecting/reconnect.ts";
import type { ReconnectFailure, ReconnectOptions } from "../../client/reconnecting/reconnect_options.ts";
import { formatAddress } from "../../core/text/address.ts";
import type { Address } from "../../core/transport.ts";
import { oneLine } from "./failure.ts";
import { formatMs } from "./format_ms.ts";
import { say, type Shell } from "./shell.ts";

/** What a conversation needs; a connection has it. */
export interface Talk extends AsyncIterable<Uint8Array> {
  send(frame: Uint8Array): void | Promise<void>;
  flush(): Promise<void>;
  end(): void;
  close(): Promise<unknown>;
  destroy(): void;
}

/** Connects again and again, and says so. The end of the input is no end for the server, which may be another one by then. */
export function reconnectingTalk(
  options: ReconnectOptions<Uint8Array> & { readonly address: Address },
  shell: Shell,
): Talk {
  const tell = ({ error, record }: ReconnectFailure, wait: number | undefined): void => {
    if (wait === undefined) return;
    const lost = record === undefined || record.framesUnsent === 0
      ? ""
      : `, and ${record.framesUnsent} frames were not sent`;
    const what = record === undefined
      ? oneLine(error)
      : `${formatAddress(options.address)}: the connection ended (${record.message ?? record.reason})${lost}`;
    say(shell, `millrace: ${what}; connecting again in ${formatMs(wait)}\n`);
  };
  const client = reconnect<Uint8Array>({
    ...options,
    logger: () => {},
    onConnected: () => say(shell, `millrace: connected to ${formatAddress(options.address)}\n`),
    onDisconnected: tell,
  });
  return {
    [Symbol.asyncIterator]: () => client[Symbol.asyncIterator](),
    send: (frame) => {
      const wait = client.send(frame);
      // What a connection had accepted when it ended has been told; the next frame is for the next one.
      return wait === undefined ? undefined : wait.catch(() => {});
    },
    flush: async () => {
      for (let flushed = false; !flushed && client.state !== "closed";) {
        flushed = await client.flush().then(() => true, () => false);
      }
    },
    end: () => {},
    close: () => client.close(),
    destroy: () => client.destroy(),
  };
}
