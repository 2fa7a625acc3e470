/**
 * Connecting to a name: its addresses are looked up here and tried by `attempts.ts`, since `node:net` abandons each one
 * that has not answered for 250 ms.
 *
 * Used by the adapters that connect through `node:net`.
 */
import { SocketError, socketErrorFrom } from "../core/errors.ts";
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

/** Both families in turn, so that one without a route takes no longer than one address (RFC 8305, 4). */
export function alternating(
  found: readonly { readonly address: string; readonly family: number }[],
): readonly string[] {
  const first = found.filter(({ family }) => family === found[0]!.family);
  const other = found.filter(({ family }) => family !== found[0]!.family);
  const turns = Array.from(
    { length: Math.max(first.length, other.length) },
    (_, at) => [first[at], other[at]],
  );
  return turns.flat().flatMap((each) => each === undefined ? [] : [each.address]);
}

/** All addresses of a name, the best first. Rejects with a `SocketError`. */
export async function lookUp(host: string): Promise<readonly string[]> {
  const action = `look up ${host}`;
  try {
    return await found(host);
  } catch (cause) {
    throw denied(cause, action) ?? socketErrorFrom(cause, action);
  }
}

async function found(host: string): Promise<readonly string[]> {
  // A server has no use for it.
  const { lookup } = await import("node:dns/promises");
  return alternating(await lookup(host, { all: true }));
}

function denied(cause: unknown, action: string): SocketError | undefined {
  if ((cause as { code?: unknown }).code !== "EPERM") return undefined;
  const text = `${action}: this program has no permission to look up names; on Deno run it with --allow-net`;
  return new SocketError("permission_denied", text, { cause });
}

/** The same for connecting, which may be given up. */
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
    return await Promise.race([found(address.host), given]);
  } catch (cause) {
    throw denied(cause, `connect to ${addressText(address)}`) ?? connectError(cause, address);
  } finally {
    signal?.removeEventListener("abort", aborted);
  }
}
