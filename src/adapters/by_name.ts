/**
 * Connecting to a name: its addresses are looked up here and tried by `attempts.ts`, since `node:net` abandons each one
 * that has not answered for 250 ms.
 *
 * Used by the adapters that connect through `node:net`.
 */
import { SocketError } from "../core/errors.ts";
import { addressText, isIp } from "../core/text/place.ts";
import type { AdapterConnectOptions, Address } from "../core/transport.ts";
import { abortedConnect } from "./address.ts";
import { firstConnected } from "./attempts.ts";
import { connectError } from "./connect_failure.ts";

/** A TCP address. */
export type TcpAddress = Extract<Address, { readonly transport: "tcp" }>;

/**
 * What `attempt` gives for the address, or for the first one of the name that connects; one that came later is given to
 * `drop`. Rejects with a `SocketError` where the name is unknown.
 */
export async function dialByName<T>(
  address: TcpAddress,
  signal: AdapterConnectOptions["signal"],
  attempt: (at: TcpAddress, signal: AbortSignal | undefined) => Promise<T>,
  drop: (late: T) => void,
): Promise<T> {
  if (isIp(address.host)) return attempt(address, signal);
  const addresses = await addressesOf(address, signal);
  const attemptAt = (host: string, each: AbortSignal | undefined) => attempt({ ...address, host }, each);
  if (addresses.length === 1) return attemptAt(addresses[0]!, signal);
  return firstConnected({ addresses, attempt: attemptAt, drop }, signal);
}

/** All addresses of a name, the best first. */
async function addressesOf(
  address: TcpAddress,
  signal: AdapterConnectOptions["signal"],
): Promise<readonly string[]> {
  if (signal?.aborted) throw abortedConnect(signal, address);
  let aborted: () => void = () => {};
  const given = new Promise<never>((_resolve, reject) => {
    aborted = () => reject(abortedConnect(signal!, address));
    signal?.addEventListener("abort", aborted);
  });
  try {
    // A server has no use for it.
    const found = import("node:dns/promises").then(({ lookup }) => lookup(address.host, { all: true }));
    return (await Promise.race([found, given])).map((each) => each.address);
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "EPERM") throw connectError(cause, address);
    const action = `connect to ${addressText(address)}`;
    const text =
      `${action}: this program has no permission to look up names; on Deno run it with --allow-net`;
    throw new SocketError("permission_denied", text, { cause });
  } finally {
    signal?.removeEventListener("abort", aborted);
  }
}
