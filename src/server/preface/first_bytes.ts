/**
 * Which protocol a connection is, by its first bytes.
 *
 * Asked by `preface.ts` each time that more have come. Knows no connection and no clock.
 */

/** A protocol, and what its connections begin with. */
export interface ProtocolStart<Profile> {
  readonly starts: readonly Uint8Array[];
  readonly profile: Profile;
}

/** What may be told apart on one port. */
export interface FirstBytes<Profile> {
  /** TLS, in which all connections begin that are nothing else; `choice`: those that begin with a ClientHello do. */
  readonly tls: "none" | "choice" | "rest";
  /** An HTTP health check is answered. */
  readonly health: boolean;
  readonly protocols: readonly ProtocolStart<Profile>[];
}

/** What it is: the server's own protocol, another one of its, TLS, or a health check; `more` must come to say so. */
export type Choice<Profile> = "more" | "own" | "tls" | "health" | Profile;

/** The header of a record, and the type of its first message. The version varies with the client. */
const clientHello: readonly (number | undefined)[] = [0x16, 3, undefined, undefined, undefined, 1];
const requests: readonly Uint8Array[] = ["GET /", "HEAD /"].map((text) => new TextEncoder().encode(text));

/** What a connection is of which nothing matches. */
export function otherwise<Profile>({ tls }: FirstBytes<Profile>): "own" | "tls" {
  return tls === "rest" ? "tls" : "own";
}

/** In the order of the candidates, the first that matches; one that still may has to be waited for. */
export function choose<Profile extends object>(
  bytes: Uint8Array,
  first: FirstBytes<Profile>,
): Choice<Profile> {
  const { tls, health, protocols } = first;
  if (tls === "choice") {
    const match = begins(bytes, clientHello);
    if (match !== false) return match === true ? "tls" : "more";
  }
  if (health) {
    const match = beginsWithAny(bytes, requests);
    if (match !== false) return match === true ? "health" : "more";
  }
  for (const { starts, profile } of protocols) {
    const match = beginsWithAny(bytes, starts);
    if (match !== false) return match === true ? profile : "more";
  }
  return otherwise(first);
}

/** Undefined while it may. */
function beginsWithAny(bytes: Uint8Array, starts: readonly Uint8Array[]): boolean | undefined {
  let open = false;
  for (const start of starts) {
    const match = begins(bytes, start);
    if (match === true) return true;
    if (match === undefined) open = true;
  }
  return open ? undefined : false;
}

function begins(bytes: Uint8Array, start: ArrayLike<number | undefined>): boolean | undefined {
  const { length } = start;
  for (let at = 0; at < length && at < bytes.length; at++) {
    if (start[at] !== undefined && bytes[at] !== start[at]) return false;
  }
  return bytes.length >= length ? true : undefined;
}
