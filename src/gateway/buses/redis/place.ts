/** Where a Redis server is, as its URL says it. */

/** A host, a port, a database, and whether TLS is spoken. */
interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly tls: boolean;
}

const form = /^(rediss?):\/\/(?:\[([0-9a-fA-F:.]+)\]|([^\s/@:?#[\]]+))(?::(\d{1,5}))?(?:\/(\d{1,5})?)?$/;

/** What is expected in the place of something else. */
export const placeExpected =
  'a URL such as "redis://127.0.0.1:6379" or "rediss://redis.example.org/2"; user and password have keys of their own';

/** Undefined where it is none. */
export function readPlace(url: unknown): RedisPlace | undefined {
  const [, scheme, six, name, port = "6379", db = "0"] = form.exec(typeof url === "string" ? url : "") ?? [];
  if (scheme === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { host: (six ?? name)!, port: Number(port), db: Number(db), tls: scheme === "rediss" };
}
