/**
 * The values behind the addresses of a PROXY protocol header of version 2: split, verified, and those with a meaning read.
 *
 * Called by `proxy_v2.ts`.
 */
import { crc32c } from "../checksum/checksums.ts";
import type { ProxyHeader } from "./proxy_reading.ts";
import { type ProxyTls, type ProxyTlv, TlvType } from "./proxy_info.ts";

/** What values can say. */
type Told = Partial<Pick<ProxyHeader, "alpn" | "authority" | "uniqueId" | "namespace" | "tls" | "tlvs">>;

/** Bytes of type and length. */
const headLength = 3;

/** The values of a header from `at` on; a text says what is wrong with them. */
export function readTlvs(header: Uint8Array, at: number): Told | string {
  if (at === header.length) return {};
  const all = split(header, at);
  if (all === undefined) return "a value that it has no room for";
  const fault = checksumFault(header, all);
  if (fault !== undefined) return fault;
  const tlvs = all.filter(({ type }) => type !== TlvType.crc32c && type !== TlvType.noop)
    .map(({ type, value }) => ({ type, value: value.slice() }));
  const find = (type: number): Uint8Array | undefined => tlvs.find((tlv) => tlv.type === type)?.value;
  const ssl = find(TlvType.ssl);
  const tls = ssl && readTls(ssl);
  if (typeof tls === "string") return tls;
  return {
    tlvs,
    tls,
    alpn: text(find(TlvType.alpn)),
    authority: text(find(TlvType.authority)),
    namespace: text(find(TlvType.namespace)),
    uniqueId: find(TlvType.uniqueId),
  };
}

/** The values, as views of the header; undefined when one reaches beyond its end. */
function split(bytes: Uint8Array, from: number): ProxyTlv[] | undefined {
  const all: ProxyTlv[] = [];
  let at = from;
  while (at < bytes.length) {
    if (at + headLength > bytes.length) return undefined;
    const end = at + headLength + bytes[at + 1]! * 256 + bytes[at + 2]!;
    if (end > bytes.length) return undefined;
    all.push({ type: bytes[at]!, value: bytes.subarray(at + headLength, end) });
    at = end;
  }
  return all;
}

/** The checksum is that of the whole header, its own four bytes taken for zero. */
function checksumFault(header: Uint8Array, all: readonly ProxyTlv[]): string | undefined {
  const sums = all.filter(({ type }) => type === TlvType.crc32c);
  const [sum] = sums;
  if (sum === undefined) return undefined;
  if (sums.length > 1) return "two checksums";
  const { value } = sum;
  if (value.length !== 4) return `a checksum of ${value.length} bytes`;
  const found = new DataView(value.buffer, value.byteOffset).getUint32(0);
  const zeroed = header.slice();
  zeroed.fill(0, value.byteOffset - header.byteOffset, value.byteOffset - header.byteOffset + 4);
  return crc32c(zeroed) === found ? undefined : "a wrong checksum";
}

function readTls(value: Uint8Array): ProxyTls | string {
  const inner = value.length < 5 ? undefined : split(value, 5);
  if (inner === undefined) return "a value about TLS that has no room for its parts";
  const find = (type: number): string | undefined => text(inner.find((tlv) => tlv.type === type)?.value);
  const [client = 0] = value;
  const result = new DataView(value.buffer, value.byteOffset).getUint32(1);
  return {
    secured: (client & 1) !== 0,
    certificate: (client & 2) !== 0,
    certificateInSession: (client & 4) !== 0,
    // Without a certificate HAProxy says 0, too.
    verified: (client & 6) !== 0 && result === 0,
    version: find(TlvType.sslVersion),
    commonName: find(TlvType.sslCommonName),
    cipher: find(TlvType.sslCipher),
    signatureAlgorithm: find(TlvType.sslSignatureAlgorithm),
    keyAlgorithm: find(TlvType.sslKeyAlgorithm),
  };
}

/** Undefined where it is no UTF-8: with replaced letters two names could become one. */
function text(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return undefined;
  }
}
