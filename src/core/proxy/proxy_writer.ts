/**
 * Writes PROXY protocol headers of both versions.
 *
 * Called by `client/` with what its options have been resolved to. What cannot be written has been refused by then.
 */
import { crc32c } from "../checksum/checksums.ts";
import { ipFamily, ipWords, readIp } from "../text/ip.ts";
import { type ProxyEnd, type ProxyTlv, TlvType, v2Signature } from "./proxy_info.ts";

/** Both ends of the connection that a header is about. */
interface ProxyEnds {
  readonly source: ProxyEnd;
  readonly destination: ProxyEnd;
}

/** What a header says of them: that the proxy does not know them, or that the connection is one of its own. */
export type ProxySubject = ProxyEnds | "unknown" | "local";

/** Bytes of a path in a header. */
export const pathBytes = 108;

/** The line, which has one form for all that are no clients. */
export function writeProxyV1(subject: ProxySubject): Uint8Array {
  if (typeof subject === "string") return new TextEncoder().encode("PROXY UNKNOWN\r\n");
  const { source, destination } = subject;
  const family = source.ip.includes(":") || destination.ip.includes(":") ? 6 : 4;
  const text = ({ ip }: ProxyEnd): string => family === 6 && !ip.includes(":") ? `::ffff:${ip}` : ip;
  const line = `TCP${family} ${text(source)} ${text(destination)} ${source.port} ${destination.port}`;
  return new TextEncoder().encode(`PROXY ${line}\r\n`);
}

/** A header of version 2, with its checksum. One that is local has nothing else, since receivers discard all of it. */
export function writeProxyV2(subject: ProxySubject, tlvs: readonly ProxyTlv[]): Uint8Array {
  const [family, addresses] = typeof subject === "string" ? [0, new Uint8Array(0)] : addressesOf(subject);
  const local = subject === "local";
  const values = local ? [] : [...tlvs, { type: TlvType.crc32c, value: new Uint8Array(4) }];
  const length = addresses.length + values.reduce((sum, { value }) => sum + 3 + value.length, 0);
  const header = new Uint8Array(16 + length);
  header.set(v2Signature);
  header.set([local ? 0x20 : 0x21, family, length >> 8, length & 255], 12);
  header.set(addresses, 16);
  let at = 16 + addresses.length;
  for (const { type, value } of values) {
    header.set([type, value.length >> 8, value.length & 255], at);
    header.set(value, at + 3);
    at += 3 + value.length;
  }
  if (!local) new DataView(header.buffer).setUint32(header.length - 4, crc32c(header));
  return header;
}

function addressesOf({ source, destination }: ProxyEnds): [family: number, addresses: Uint8Array] {
  if (source.path !== undefined || destination.path !== undefined) {
    const addresses = new Uint8Array(2 * pathBytes);
    addresses.set(new TextEncoder().encode(source.path ?? ""));
    addresses.set(new TextEncoder().encode(destination.path ?? ""), pathBytes);
    return [0x31, addresses];
  }
  const [from, to] = [ipWords(), ipWords()];
  readIp(source.ip, from);
  readIp(destination.ip, to);
  const words = ipFamily(from) === 4 && ipFamily(to) === 4 ? [from[3]!, to[3]!] : [...from, ...to];
  const addresses = new Uint8Array(words.length * 4 + 4);
  const view = new DataView(addresses.buffer);
  words.forEach((word, at) => view.setUint32(at * 4, word));
  view.setUint16(words.length * 4, source.port);
  view.setUint16(words.length * 4 + 2, destination.port);
  return [words.length === 2 ? 0x11 : 0x21, addresses];
}
