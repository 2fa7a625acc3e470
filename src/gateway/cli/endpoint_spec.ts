/** Endpoints on the command line: `HOST:PORT`, `[::1]:3034`, `:3034`, `3034`, `unix:/run/echo.sock`. */
import { pathFault, readHost } from "../../core/text/place.ts";
import type { Address } from "../../core/transport.ts";

/** Parses an endpoint; without a host it is this machine. Throws a `RangeError` that says what is wanted. */
export function parseEndpoint(text: string): Address {
  const refuse = (expected: string): never => {
    throw new RangeError(`found ${JSON.stringify(text)}, expected ${expected}`);
  };
  const usual = "HOST:PORT such as 127.0.0.1:3034 or [::1]:3034, or unix:/path/to.sock";
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return path === "" ? refuse(usual) : { transport: "unix", path: parsePath(path) };
  }
  const match = /^(?:(?:\[([^\]]+)\]|([^:[\]\s]*)):)?(\d+)$/.exec(text);
  if (match === null) return refuse(usual);
  const host = parseHost(match[1] ?? (match[2] || "127.0.0.1"));
  return { transport: "tcp", host, port: parsePort(match[3]!, 1) };
}

/** A host in the form in which it is used. */
export function parseHost(text: string): string {
  const { host, expected } = readHost(text);
  if (expected !== undefined) throw new RangeError(`found ${JSON.stringify(text)}, expected ${expected}`);
  return host;
}

/** The path of a Unix socket. */
export function parsePath(text: string): string {
  const fault = pathFault(text, undefined);
  if (fault !== undefined) throw new RangeError(`found ${JSON.stringify(text)}, expected a path; ${fault}`);
  return text;
}

/** A port number, `lowest` or more. */
export function parsePort(text: string, lowest = 0): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port >= lowest && port <= 65_535) return port;
  throw new RangeError(`found ${JSON.stringify(text)}, expected a port from ${lowest} to 65535`);
}
