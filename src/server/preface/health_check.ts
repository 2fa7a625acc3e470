/**
 * The answer to a health check over HTTP, on a port that serves another protocol: from the bytes of a request to those
 * of the response.
 *
 * Used by `preface.ts`. Reads a request as far as it matters here: its method and its path.
 */

/** The longest head of a request, as of common servers. */
const longestHead = 8192;

/** One health check. */
export class HealthCheck {
  readonly #path: string;
  readonly #healthy: () => boolean;
  /** Up to where there is no end of the head. */
  #seen = 0;

  constructor(path: string, healthy: () => boolean) {
    this.#path = path;
    this.#healthy = healthy;
  }

  /** The response, once the head of the request is complete or is none; undefined while more must come. */
  answer(bytes: Uint8Array): Uint8Array | undefined {
    if (!this.#complete(bytes)) {
      return bytes.length < longestHead ? undefined : response(431, "Request Header Fields Too Large", "GET");
    }
    const line = String.fromCharCode(...bytes.subarray(0, bytes.indexOf(10))).replace(/\r$/, "");
    const [, method = "", target = ""] = /^(GET|HEAD) (\/[!-~]*) HTTP\/1\.\d$/.exec(line) ?? [];
    if (method === "") return response(400, "Bad Request", "GET");
    if (target.replace(/\?.*$/, "") !== this.#path) return response(404, "Not Found", method);
    return this.#healthy() ? response(200, "OK", method) : response(503, "Service Unavailable", method);
  }

  /** An empty line has come, whichever line ends it is made of. */
  #complete(bytes: Uint8Array): boolean {
    for (let at = this.#seen; at < bytes.length && at < longestHead; at++) {
      if (bytes[at] !== 10) continue;
      if (bytes[at - 1] === 10 || (bytes[at - 1] === 13 && bytes[at - 2] === 10)) return true;
    }
    this.#seen = bytes.length;
    return false;
  }
}

function response(status: number, reason: string, method: string): Uint8Array {
  const body = `${reason}\n`;
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    "Cache-Control: no-store",
    "Connection: close",
  ];
  return new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${method === "HEAD" ? "" : body}`);
}
