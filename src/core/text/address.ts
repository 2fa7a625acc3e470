/**
 * Addresses as people write them: the one grammar of the library's options, of the configuration and of the command
 * line, and the one way in which addresses are shown.
 *
 * What a host may be is said by `place.ts`.
 */
import type { Address } from "../transport.ts";
import { addressText, pathFault, readHost } from "./place.ts";
import { misread, read, type Reading } from "./reading.ts";

/** What is done there. */
export type AddressUse = "listen" | "connect";

const forms =
  'an address: "HOST:PORT" such as "127.0.0.1:3034" or "[::1]:3034", a port of this machine such as 3034, ' +
  'or "unix:PATH" such as "unix:/run/millrace.sock"';

/**
 * Reads an address: `HOST:PORT`, IPv6 in brackets, a port of this machine as a number or a text, `unix:` and a path. For
 * listening port 0 lets the system choose one; for connecting `:PORT` is one of this machine as well.
 */
export function readAddress(input: unknown, use: AddressUse): Reading<Address> {
  if (typeof input === "number") return onHost("127.0.0.1", input, use);
  if (typeof input !== "string") return misread(forms);
  if (input.startsWith("unix:") && input.length > "unix:".length) {
    const path = input.slice("unix:".length);
    const fault = pathFault(path, undefined);
    return fault === undefined
      ? read({ transport: "unix", path })
      : misread("the path of a Unix socket", fault);
  }
  const [, v6, name, port] = /^(?:(?:\[([^\]\s]+)\]|([^:[\]\s]*)):)?(\d+)$/.exec(input) ?? [];
  if (port === undefined) return misread(forms);
  if (name === "" && use === "listen") {
    // Elsewhere it is every address of the machine: who writes it should say whether that is meant.
    return misread(
      "a host before the port",
      `say which one: 127.0.0.1:${port} for this machine only, 0.0.0.0:${port} or [::]:${port} for all`,
    );
  }
  const host = readHost(v6 ?? (name || "127.0.0.1"));
  return host.ok ? onHost(host.value, port, use) : misread(`${host.expected}, before the port`);
}

function onHost(host: string, text: string | number, use: AddressUse): Reading<Address> {
  const port = readPort(text, use);
  return port.ok ? read({ transport: "tcp", host, port: port.value }) : port;
}

/** Reads a port, as a number or digits; 0 is one for listening only. */
export function readPort(input: string | number, use: AddressUse): Reading<number> {
  const least = use === "listen" ? 0 : 1;
  const port = typeof input === "number" ? input : /^\d{1,5}$/.test(input) ? Number(input) : NaN;
  return Number.isInteger(port) && port >= least && port <= 65_535
    ? read(port)
    : misread(`a port from ${least} to 65535`);
}

/** An address as it is written: `127.0.0.1:3034`, `[::1]:3034`, `unix:/run/millrace.sock`. */
export function formatAddress(address: Address): string {
  return address.transport === "unix" ? `unix:${address.path}` : addressText(address);
}
