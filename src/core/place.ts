/**
 * Where to listen or connect, as a program writes it: what is wrong with a host or a path, and the one form of a host
 * that is used from here on, so that no runtime reads it in its own way.
 *
 * Called by the doors of `server/` and `client/`, by the adapters for paths, and by the gateway for what it is given.
 */

/** What is wrong with the path of a Unix socket; `longest` is what the system takes, in bytes. */
export function pathFault(path: string, longest: number | undefined): string | undefined {
  if (path === "") return "the path is empty";
  if (path.includes("\0")) {
    return "the path has a zero byte, at which systems cut it off (sockets without a file are not supported)";
  }
  const { length } = new TextEncoder().encode(path);
  if (longest === undefined || length <= longest) return undefined;
  return `the path has ${length} bytes, and ${longest} is the maximum`;
}
