/**
 * PROXY protocol version 2: 16 bytes, two addresses, and values with a type and a length each (TLV).
 *
 * Called by `proxy_header.ts` behind the signature.
 */
import { ipText, ipWords } from "../text/ip.ts";
import type { ProxyEnd } from "./proxy_info.ts";
import { noValues, type ProxyReading } from "./proxy_reading.ts";
import { readTlvs } from "./proxy_tlvs.ts";

/** Signature, version and command, family and protocol, length. */
const fixedLength = 16;
/** Bytes of both addresses, by family: unspecified, IPv4, IPv6, Unix. */
const addressLengths = [0, 12, 36, 216] as const;

type Ends = { readonly source: ProxyEnd; readonly destination: ProxyEnd };

/** Reads it, as strictly as the protocol is written; `maxBytes` is the longest header. */
export function readProxyV2(bytes: Uint8Array, maxBytes: number): ProxyReading {
  // Each byte is judged when it is here, so that a peer which is wrong is told so at once.
  const { length: have } = bytes;
  const [command, family] = [bytes[12]!, bytes[13]!];
  if (have > 12 && command >> 4 !== 2) return fault(`the version ${command >> 4}`);
  if (have > 12 && (command & 15) > 1) return fault(`the unknown command ${command & 15}`);
  const local = (command & 15) === 0;
  // Of a LOCAL header the rest is to be discarded, whatever it says.
  if (have > 13 && !local && (family >> 4 > 3 || (family & 15) > 2)) {
    return fault(`the unknown family 0x${hex(family)}`);
  }
  if (have < fixedLength) return { kind: "more" };
  const length = fixedLength + bytes[14]! * 256 + bytes[15]!;
  if (length > maxBytes) return fault(`${length} bytes, over the limit of ${maxBytes}`);
  const addresses = local ? 0 : addressLengths[family >> 4]!;
  if (fixedLength + addresses > length) return fault("addresses that it has no room for");
  if (have < length) return { kind: "more" };
  const header = bytes.subarray(0, length);
  const values = local ? {} : readTlvs(header, fixedLength + addresses);
  if (typeof values === "string") return fault(values);
  const ends = local ? undefined : readEnds(header, family);
  return {
    kind: "header",
    length,
    header: {
      version: 2,
      local,
      source: ends?.source,
      destination: ends?.destination,
      ...noValues,
      ...values,
    },
  };
}

function fault(what: string): ProxyReading {
  return { kind: "fault", fault: `a header of version 2 with ${what}` };
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** Undefined where the proxy does not say. A transport that is not specified makes the addresses so, too. */
function readEnds(header: Uint8Array, family: number): Ends | undefined {
  if ((family & 15) === 0) return undefined;
  switch (family >> 4) {
    case 1:
      return { source: readIpv4(header, 16, 24), destination: readIpv4(header, 20, 26) };
    case 2:
      return { source: readIpv6(header, 16, 48), destination: readIpv6(header, 32, 50) };
    case 3:
      return { source: readPath(header, 16), destination: readPath(header, 124) };
    default:
      return undefined;
  }
}

function readIpv4(header: Uint8Array, at: number, port: number): ProxyEnd {
  const words = ipWords();
  words[2] = 0xffff;
  words[3] = word(header, at);
  return { ip: ipText(words), port: header[port]! * 256 + header[port + 1]! };
}

function readIpv6(header: Uint8Array, at: number, port: number): ProxyEnd {
  const words = ipWords();
  for (let index = 0; index < 4; index++) words[index] = word(header, at + index * 4);
  return { ip: ipText(words), port: header[port]! * 256 + header[port + 1]! };
}

function word(header: Uint8Array, at: number): number {
  return header[at]! * 0x1000000 + header[at + 1]! * 0x10000 + header[at + 2]! * 256 + header[at + 3]!;
}

/** The path ends at its first zero; one of a socket without a file begins with a zero, and is shown with `@` (as `ss` does). */
function readPath(header: Uint8Array, at: number): ProxyEnd {
  const field = header.subarray(at, at + 108);
  const abstract = field[0] === 0;
  const end = field.indexOf(0, abstract ? 1 : 0);
  const text = new TextDecoder().decode(field.subarray(abstract ? 1 : 0, end === -1 ? undefined : end));
  return { ip: "", port: 0, path: abstract && text !== "" ? `@${text}` : text };
}
