/**
 * Whether any route leads to an address, as Linux tells it in /proc.
 *
 * Used by `bun/dial.ts`: Bun tells every attempt that fails as refused, also where nobody could be asked.
 */
import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";

/** A route is up; and it is one that says no. */
const up = 1, reject = 0x200;

/** The tables of the kernel, as text. */
interface RouteTables {
  readonly ipv4: string;
  readonly ipv6: string;
  readonly own: readonly string[];
}

/** True only where it is sure that TCP can't get there; `ip` has no zone. */
export function isUnreachable(ip: string, tables: RouteTables | undefined = readTables()): boolean {
  // IPv4 in the clothes of IPv6 is in neither table as it stands.
  if (tables === undefined || tables.own.includes(ip) || /^::ffff:/i.test(ip)) return false;
  return isIPv4(ip) ? !reached4(ip, tables.ipv4) : !reached6(ip, tables.ipv6);
}

function readTables(): RouteTables | undefined {
  try {
    return {
      ipv4: readFileSync("/proc/net/route", "latin1"),
      ipv6: readFileSync("/proc/net/ipv6_route", "latin1"),
      own: Object.values(networkInterfaces()).flatMap((list) => list ?? []).map(({ address }) => address),
    };
  } catch {
    return undefined;
  }
}

function reached4(ip: string, table: string): boolean {
  const bytes = ip.split(".").map(Number);
  // This machine; and what TCP never goes to: groups and everybody.
  if (bytes[0] === 127 || bytes[0] === 0) return true;
  if ((bytes[0]! >= 224 && bytes[0]! <= 239) || ip === "255.255.255.255") return false;
  // The numbers in this table lie as they do in memory: the first byte is the lowest.
  const wanted = bytes.reduceRight((all, byte) => all * 256 + byte, 0);
  return table.split("\n").slice(1).map((line) => line.split("\t")).some((row) => {
    const [to, flags, mask] = [row[1], row[3], row[7]].map((text) => parseInt(text ?? "", 16));
    return (flags! & up) !== 0 && (flags! & reject) === 0 && (wanted & mask!) >>> 0 === to;
  });
}

function reached6(ip: string, table: string): boolean {
  const wanted = bitsOf(ip);
  if (wanted.startsWith("1".repeat(8))) return false;
  const routes = table.split("\n").map((line) => line.trim().split(/\s+/)).filter((row) => row.length >= 10)
    .map(([to, length, , , , metric, , , flags]) => ({
      prefix: [...to!].map((digit) => parseInt(digit, 16).toString(2).padStart(4, "0")).join("").slice(
        0,
        parseInt(length!, 16),
      ),
      metric: parseInt(metric!, 16),
      flags: parseInt(flags!, 16),
    }))
    .filter(({ prefix, flags }) => (flags & up) !== 0 && wanted.startsWith(prefix))
    .sort((one, other) => other.prefix.length - one.prefix.length || one.metric - other.metric);
  return routes[0] !== undefined && (routes[0].flags & reject) === 0;
}

/** The 128 bits of an IPv6 address, as digits. */
function bitsOf(ip: string): string {
  const [head = "", tail] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string) => text === "" ? [] : text.split(":");
  const [front, back] = [groups(head), groups(tail ?? "")];
  const all = [...front, ...Array<string>(8 - front.length - back.length).fill("0"), ...back];
  return all.map((group) => parseInt(group, 16).toString(2).padStart(16, "0")).join("");
}
