/**
 * PROXY protocol version 1: one line of text of at most 107 bytes.
 *
 * Called by `proxy_header.ts` once the line begins with `PROXY `.
 */
import { ipText, ipWords, readIp } from "../text/ip.ts";
import type { ProxyEnd } from "./proxy_info.ts";
import { noValues, type ProxyHeader, type ProxyReading } from "./proxy_reading.ts";

/** The longest line that the protocol allows, its line end included. */
const longest = 107;

/** Reads the line, as strictly as the protocol is written. */
export function readProxyV1(bytes: Uint8Array): ProxyReading {
  const end = bytes.indexOf(10);
  if (end === -1 && bytes.length < longest) return { kind: "more" };
  if (end === -1 || end >= longest) {
    return fault(`a header of version 1 without a line end in ${longest} bytes`);
  }
  if (bytes[end - 1] !== 13) return fault("a header of version 1 whose line does not end with CRLF");
  const line = String.fromCharCode(...bytes.subarray(0, end - 1));
  const header = readLine(line);
  if (header !== undefined) return { kind: "header", header, length: end + 1 };
  return fault(`a malformed header of version 1 (${JSON.stringify(line)})`);
}

function fault(what: string): ProxyReading {
  return { kind: "fault", fault: what };
}

function readLine(line: string): ProxyHeader | undefined {
  // What follows UNKNOWN may be anything, and is to be ignored.
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return headerOf(undefined, undefined);
  const [, family, from = "", to = "", fromPort = "", toPort = ""] =
    /^PROXY TCP([46]) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
  if (family === undefined) return undefined;
  const source = readEnd(family, from, fromPort);
  const destination = readEnd(family, to, toPort);
  return source && destination && headerOf(source, destination);
}

function readEnd(family: string, text: string, port: string): ProxyEnd | undefined {
  const words = ipWords();
  if (readIp(text, words) === undefined || text.includes(":") !== (family === "6")) return undefined;
  if (!/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) return undefined;
  return { ip: ipText(words), port: Number(port) };
}

function headerOf(source: ProxyEnd | undefined, destination: ProxyEnd | undefined): ProxyHeader {
  return { version: 1, local: false, source, destination, ...noValues };
}
