/** What the admin endpoint needs to know of a request: which page of which host, read strictly and never guessed at. */
import type { HttpRequest } from "../host/http_peer.ts";
import { isIpv6, plainHost } from "./host_name.ts";

/** Headers that a request may have. */
const mostHeaders = 100;

/** Which page of which host, or the status that says what is wrong with the request. */
type AdminRequest =
  | { readonly path: string; readonly host: string | undefined; readonly status?: undefined }
  | { readonly status: 400 | 431; readonly error: string };

/** Reads a request. `host` is undefined where HTTP/1.0 says nothing. */
export function readAdminRequest({ method, target, version, headers }: HttpRequest): AdminRequest {
  if (version !== "1.0" && version !== "1.1") return malformed("this is not a request in HTTP/1.1");
  if (headers.length > mostHeaders) {
    return { status: 431, error: `there are more than ${mostHeaders} headers` };
  }
  const hosts = headers.filter(([name]) => name.toLowerCase() === "host").map(([, value]) =>
    hostOf(value.trim())
  );
  if (hosts.length > 1 || (hosts.length === 0 && version === "1.1")) {
    return malformed("there must be one Host header");
  }
  if (hosts.includes(undefined)) return malformed("the Host header is malformed");
  const found = readTarget(method, target);
  if (found === undefined) return malformed("the target is not a path");
  if (found.authority === undefined) return { path: found.path, host: hosts[0] };
  // The target's own authority counts where it has one, and a malformed header is refused all the same.
  const host = hostOf(found.authority);
  return host === undefined ? malformed("the host of the target is malformed") : { path: found.path, host };
}

function malformed(error: string): AdminRequest {
  return { status: 400, error };
}

function readTarget(
  method: string,
  target: string,
): { readonly path: string; readonly authority: string | undefined } | undefined {
  if (method === "CONNECT") return { path: "*", authority: target };
  if (target === "*") return { path: "*", authority: undefined };
  const [, authority, path] = /^(?:https?:\/\/([^/?#]*))?((?:\/[^?#]*)?)(?:\?[^#]*)?$/i.exec(target) ?? [];
  if (path === undefined || (authority === undefined && path === "")) return undefined;
  return { path: path === "" ? "/" : path, authority };
}

/** The name or address, lower case, without brackets, port and final dot; undefined when it is none. */
function hostOf(text: string): string | undefined {
  const [, address, name, port = ""] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = address ?? name;
  if (host === undefined || Number(port) > 65_535 || (address !== undefined && !isIpv6(address))) {
    return undefined;
  }
  return plainHost(host);
}
