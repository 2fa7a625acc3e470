/**
 * Where to listen or connect, as a program writes it: what is wrong with a host or a path, and the one form of a host
 * that is used from here on, so that no runtime reads it in its own way.
 *
 * Called by `server/` and `client/`, by the adapters for paths, and by the gateway for what it is given.
 */
import type { Address } from "../transport.ts";
import { misread, read, type Reading } from "./reading.ts";
import { serverName } from "./server_name.ts";

/**
 * Reads a host. Names get lower case and A-labels (`xn--…`) and keep a dot at their end, which is for the resolver;
 * IPv6 addresses may stand in brackets and get their shortest form (RFC 5952), those that hold an IPv4 address become
 * that. Only link-local addresses have a zone, and need one.
 */
export function readHost(text: unknown): Reading<string> {
  if (typeof text !== "string" || text === "") return misread("a host name or an IP address");
  if (text === "*") {
    return misread('"::" for every address of this machine, or "0.0.0.0" for every one of IPv4');
  }
  const bare = /^\[([^[\]]*:[^[\]]*)\]$/.exec(text)?.[1] ?? text;
  if (/^[^:]+:\d+$/.test(bare)) {
    return misread("a host without a port", "a port is an option of its own, or both are one address");
  }
  if (bare.includes(":")) return readIpv6(bare);
  if (isIpv4(bare)) return read(bare);
  // Some systems read all of these as IPv4 addresses, each in its own way.
  if (/(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i.test(bare)) {
    return misread('an IPv4 address of four numbers, 0 to 255 without leading zeros, such as "127.0.0.1"');
  }
  const name = serverName(bare);
  if (name === undefined || name.startsWith("*")) {
    return misread(
      "a host name of letters, digits, - and _ with single dots between its parts, or an IP address",
    );
  }
  return read(bare.endsWith(".") ? `${name}.` : name);
}

function readIpv6(text: string): Reading<string> {
  const [address = "", zone, ...rest] = text.split("%");
  const expected = misread('an IPv6 address such as "::1", without a port');
  if (rest.length > 0 || !/^[\da-f:.]+$/i.test(address)) return expected;
  let host: string;
  try {
    host = new URL(`http://[${address}]`).hostname.slice(1, -1);
  } catch {
    return expected;
  }
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(host) ?? [];
  if (high !== undefined && low !== undefined && zone === undefined) {
    const bytes = [high, low].flatMap((part) => {
      const number = Number.parseInt(part, 16);
      return [number >> 8, number & 255];
    });
    return read(bytes.join("."));
  }
  const local = /^fe[89ab][\da-f]:/.test(host);
  if (zone === undefined) {
    return local ? misread(`an address with its zone, such as "${host}%eth0"`) : read(host);
  }
  if (!local) return misread("an address without a zone, which only link-local addresses have");
  // The number of an interface is not understood by every runtime.
  if (!/^(?!\d+$)[\w.-]{1,15}$/.test(zone)) {
    return misread(`the name of a network interface as the zone, such as "${host}%eth0"`);
  }
  return read(`${host}%${zone}`);
}

/** Whether a host is an IP address; it has been read before. */
export function isIp(host: string): boolean {
  return host.includes(":") || isIpv4(host);
}

function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}

/**
 * The name or address that a server's certificate must be for, and that is asked for with SNI (RFC 6066: A-labels, no
 * dot at the end); undefined when it is none.
 */
export function peerName(text: unknown): string | undefined {
  const reading = readHost(text);
  if (!reading.ok) return undefined;
  const host = reading.value;
  return isIp(host) ? host.replace(/%.*$/, "") : host.replace(/\.$/, "");
}

/** An address for an error message: `127.0.0.1:3034`, `[::1]:3034`, or the path. */
export function addressText(address: Address): string {
  if (address.transport === "unix") return address.path;
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

/** What is wrong with the path of a Unix socket; `longest` is what the system takes, in bytes. */
export function pathFault(path: string, longest: number | undefined): string | undefined {
  if (path === "") return "the path is empty";
  if (path.includes("\0")) {
    return "the path has a zero byte, at which systems cut it off (sockets without a file are not supported)";
  }
  const { length } = new TextEncoder().encode(path);
  if (longest === undefined || length <= longest) return undefined;
  return `the path has ${length} bytes, and ${longest} is the maximum`;
}
