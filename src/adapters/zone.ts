/**
 * The zone of a link-local address (`fe80::1%eth0`): the name of a network interface, of which runtimes say different
 * things where there is none, and newer versions of Node nothing at all.
 *
 * Loaded by `placed.ts` when an address has one.
 */
import { networkInterfaces } from "node:os";
import { SocketError } from "../core/errors.ts";

/** Throws where this machine has no such interface. */
export function checkZone(host: string): void {
  const zone = host.slice(host.indexOf("%") + 1);
  let names: readonly string[];
  try {
    names = Object.keys(networkInterfaces());
  } catch {
    // Deno tells only with --allow-sys. Its own sockets refuse an unknown one.
    return;
  }
  if (!names.includes(zone)) throw unknownZone(host, undefined);
}

/** What a runtime says of an address whose zone or host it cannot use, as one reason. */
export function zoneError(error: unknown, host: string): unknown {
  const unclear = error instanceof SocketError &&
    (error.reason === "host_not_found" || error.reason === "unknown");
  return unclear ? unknownZone(host, error.cause) : error;
}

function unknownZone(host: string, cause: unknown): SocketError {
  const text =
    `use ${host}: this machine has no such network interface, or the interface does not have this address`;
  return new SocketError("address_not_available", text, { cause });
}
