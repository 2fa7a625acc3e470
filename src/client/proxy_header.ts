/**
 * The check of the option `proxyHeader`, and the header that follows from it once a connection is there.
 *
 * Called by `client.ts`.
 */
import type { OptionsCheck } from "../core/options.ts";
import type { ProxyEnd, ProxyTlv } from "../core/proxy/proxy_info.ts";
import { TlvType } from "../core/proxy/proxy_info.ts";
import { pathBytes, type ProxySubject, writeProxyV1, writeProxyV2 } from "../core/proxy/proxy_writer.ts";
import { ipWords, readIp } from "../core/text/ip.ts";
import type { Peer } from "../core/transport.ts";
import type { ProxyHeaderOptions } from "./proxy_header_options.ts";

/** Room for addresses and the checksum is left in what a header can have. */
const mostValues = 65_000;

/** Checks the option; faults go to `check`. What comes back makes the bytes for a connection with these ends. */
export function resolveProxyHeader(
  check: OptionsCheck,
  given: ProxyHeaderOptions | undefined,
): ((peer: Peer) => Uint8Array) | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== "object" || given === null || (given.version !== 1 && given.version !== 2)) {
    check.refuse(
      "proxyHeader",
      given,
      "an object with version 1 or 2, such as { version: 2, source: connection.peer }",
    );
    return undefined;
  }
  check.keys(given, ["version", "source", "destination", "tlvs"], "proxyHeader.");
  const { version, source = "own", destination } = given;
  if (typeof source !== "string") checkEnd(check, "proxyHeader.source", source, version);
  else check.oneOf("proxyHeader.source", source, "own", ["own", "local"]);
  if (destination !== undefined) checkEnd(check, "proxyHeader.destination", destination, version);
  const tlvs = checkValues(check, given.tlvs, version, source === "local");
  return (peer) => {
    const subject = source === "local" ? source : subjectOf(source, destination, peer);
    return version === 1 ? writeProxyV1(subject) : writeProxyV2(subject, tlvs);
  };
}

/** `peer` is this connection as this side sees it. */
function subjectOf(source: ProxyEnd | "own", destination: ProxyEnd | undefined, peer: Peer): ProxySubject {
  const { local } = peer;
  const own: ProxyEnd = local.transport === "tcp"
    ? { ip: local.host, port: local.port }
    : { ip: "", port: 0 };
  const from = source === "own" ? own : source;
  if (from.ip === "" && from.path === undefined) return "unknown";
  if (destination !== undefined && (destination.ip !== "" || destination.path !== undefined)) {
    return { source: from, destination };
  }
  if (from.path !== undefined) return { source: from, destination: { ip: "", port: 0, path: "" } };
  // Over a Unix socket there is no address to name.
  const to = peer.ip === "" ? { ip: from.ip.includes(":") ? "::" : "0.0.0.0", port: 0 } : peer;
  return { source: from, destination: { ip: to.ip, port: to.port } };
}

function checkEnd(check: OptionsCheck, path: string, end: ProxyEnd, version: 1 | 2): void {
  const { ip, port, path: place } = (end ?? {}) as Partial<ProxyEnd>;
  const expected = 'an end of a connection such as { ip: "192.0.2.7", port: 4000 }, or connection.peer';
  if (typeof ip !== "string" || (ip !== "" && readIp(ip, ipWords()) === undefined)) {
    return check.refuse(path, end, expected);
  }
  if (!Number.isInteger(port) || port! < 0 || port! > 65_535) {
    return check.refuse(`${path}.port`, port, "0 to 65535");
  }
  if (place === undefined) return;
  if (version === 1) {
    check.refuse(`${path}.path`, place, "to be left out with version 1, which knows no paths");
  } else if (ip !== "" || new TextEncoder().encode(place).length > pathBytes) {
    check.refuse(`${path}.path`, place, `at most ${pathBytes} bytes, and ip: ""`);
  }
}

function checkValues(
  check: OptionsCheck,
  given: ProxyHeaderOptions["tlvs"],
  version: 1 | 2,
  local: boolean,
): ProxyTlv[] {
  if (given === undefined) return [];
  const at = "proxyHeader.tlvs";
  if (version === 1 || local) {
    const which = version === 1 ? "version 1" : 'source: "local"';
    check.refuse(at, given, `to be left out with ${which}, which has no values`);
    return [];
  }
  if (!Array.isArray(given)) {
    check.refuse(at, given, "a list of { type, value }");
    return [];
  }
  const tlvs = (given as NonNullable<ProxyHeaderOptions["tlvs"]>).map(({ type, value }) => ({
    type,
    value: typeof value === "string" ? new TextEncoder().encode(value) : value,
  }));
  let sum = 0;
  for (const [index, { type, value }] of tlvs.entries()) {
    if (!Number.isInteger(type) || type < 0 || type > 255 || type === TlvType.crc32c) {
      check.refuse(`${at}[${index}].type`, type, "0 to 255, and not 3, which is the checksum");
    }
    if (!(value instanceof Uint8Array)) check.refuse(`${at}[${index}].value`, value, "bytes or text");
    else sum += 3 + value.length;
  }
  if (sum > mostValues) {
    check.refuse(at, `${sum} bytes`, `at most ${mostValues} bytes with types and lengths`);
  }
  return tlvs;
}
