/**
 * The head of an HTTP request, read strictly: what is not exactly a request is refused with a status, never guessed at.
 *
 * Used by the admin endpoint. Knows neither its pages nor sockets. https://www.rfc-editor.org/rfc/rfc9112
 */

import { isIpv6, plainHost } from "./host_name.ts";

/** Why a head is refused, as the status that says so. */
export class HttpRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What the admin endpoint needs to know of a request. */
export interface HttpHead {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Whom it is for, without the port; undefined where HTTP/1.0 says nothing. */
  readonly host: string | undefined;
  /** Another request may follow on the same connection. */
  readonly keepAlive: boolean;
}

/** The longest head, in bytes. */
export const longestHead: number = 16 * 1024;
const mostHeaders = 100;

/** Cuts heads out of what arrives; holds no more than one of the longest. */
export class HeadReader {
  #text = "";
  #searched = 0;
  readonly #decoder: TextDecoder = new TextDecoder("latin1");

  /** True while a head has begun and is not complete. */
  get begun(): boolean {
    return this.#text !== "";
  }

  push(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes);
  }

  /** The next whole head, read; undefined when more bytes are needed. Throws `HttpRefusal`. */
  next(): HttpHead | undefined {
    // Some clients end a body with a line end too many.
    if (this.#searched === 0) this.#text = this.#text.replace(/^(?:\r?\n)+/, "");
    const end = /\r?\n\r?\n/g;
    end.lastIndex = Math.max(0, this.#searched - 3);
    const match = end.exec(this.#text);
    if ((match?.index ?? this.#text.length) > longestHead) {
      throw new HttpRefusal(431, `the head has more than ${longestHead} bytes`);
    }
    if (match === null) {
      this.#searched = this.#text.length;
      return undefined;
    }
    const head = this.#text.slice(0, match.index);
    this.#text = this.#text.slice(match.index + match[0].length);
    this.#searched = 0;
    return readHead(head);
  }
}

function readHead(text: string): HttpHead {
  const [first = "", ...lines] = text.split(/\r?\n/);
  const [, method, target, major, minor] =
    /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e]+) HTTP\/(\d)\.(\d)$/.exec(first) ?? [];
  if (method === undefined || target === undefined) {
    throw new HttpRefusal(400, "this is no request line of HTTP/1.1");
  }
  if (major !== "1") throw new HttpRefusal(505, `HTTP/${major}.${minor} is not supported, use HTTP/1.1`);
  if (lines.length > mostHeaders) throw new HttpRefusal(431, `there are more than ${mostHeaders} headers`);
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\uffff]*)$/.exec(line) ??
      [];
    if (name === undefined || value === undefined) throw new HttpRefusal(400, "a header is malformed");
    const key = name.toLowerCase();
    headers.set(key, [...headers.get(key) ?? [], value.trimEnd()]);
  }
  const old = minor === "0";
  const { path, authority } = readTarget(method, target);
  const hosts = headers.get("host") ?? [];
  if (hosts.length > 1 || (hosts.length === 0 && !old)) {
    throw new HttpRefusal(400, "there must be one Host header");
  }
  // The target's own authority counts where it has one, and a malformed header is refused all the same.
  const named = hosts.map(hostOf);
  const host = authority === undefined ? named[0] : hostOf(authority);
  const connection = (headers.get("connection") ?? []).join(",").toLowerCase().split(/[\s,]+/);
  const keepAlive = !old && !connection.includes("close") && !hasBody(headers) && method !== "CONNECT";
  return { method, path, host, keepAlive };
}

function readTarget(
  method: string,
  target: string,
): { readonly path: string; readonly authority: string | undefined } {
  if (method === "CONNECT") return { path: "*", authority: target };
  if (target === "*") return { path: "*", authority: undefined };
  const [, authority, path] = /^(?:https?:\/\/([^/?#]*))?((?:\/[^?#]*)?)(?:\?[^#]*)?$/i.exec(target) ?? [];
  if (path === undefined || (authority === undefined && path === "")) {
    throw new HttpRefusal(400, "the target is no path");
  }
  return { path: path === "" ? "/" : path, authority };
}

/** The name or address of `Host`, lower case, without brackets, port and final dot. */
function hostOf(text: string): string {
  const [, address, name, port = ""] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = address ?? name;
  if (host === undefined || Number(port) > 65_535 || (address !== undefined && !isIpv6(address))) {
    throw new HttpRefusal(400, "the Host header is malformed");
  }
  return plainHost(host);
}

function hasBody(headers: ReadonlyMap<string, readonly string[]>): boolean {
  const lengths = headers.get("content-length") ?? [];
  if (lengths.some((length) => !/^\d{1,15}$/.test(length) || length !== lengths[0])) {
    throw new HttpRefusal(400, "Content-Length is malformed");
  }
  return headers.has("transfer-encoding") || Number(lengths[0] ?? 0) > 0;
}
