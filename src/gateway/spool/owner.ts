/**
 * One owner for each directory: a socket listens in it, so that the owner is seen to be gone as soon as it is killed.
 *
 * Used by `place.ts`. Which process it is stands in a file beside the socket.
 */
import { detectAdapter } from "../../adapters/detect.ts";
import { SocketError } from "../../core/errors.ts";
import { type Disk, processNumber } from "../../host/disk.ts";
import { SpoolError } from "../errors.ts";

const socketName = "lock";
const ownerName = "owner.json";

/** The right to a directory. */
export interface Ownership {
  release(): Promise<void>;
}

/** Another one has the directory. */
export class Owned extends SpoolError {
  /** It is this process. */
  readonly ours: boolean;
  constructor(folder: string, pid: number | undefined, cause: unknown) {
    const who = pid === undefined ? "another process" : `process ${pid}`;
    super("in_use", `spool ${folder}: ${who} uses it; stop that one, or name another directory`, { cause });
    this.ours = pid === processNumber();
  }
}

/** Rejects with `Owned`, or with a `SpoolError` `unusable`. */
export async function own(disk: Disk, folder: string): Promise<Ownership> {
  const adapter = await detectAdapter();
  const path = `${folder}/${socketName}`;
  const listener = await adapter.listen({
    address: { transport: "unix", path },
    backlog: undefined,
    reusePort: false,
    ipv6Only: false,
    noDelay: true,
    keepAlive: "system",
    tls: undefined,
    failed: () => {},
  }, (transport) => transport.abort()).catch(async (cause: Error) => {
    if (cause instanceof SocketError && cause.reason === "address_in_use") {
      throw new Owned(folder, await ownerOf(disk, folder), cause);
    }
    throw new SpoolError("unusable", `spool ${folder}: ${cause.message}`, { cause });
  });
  // Only a message of others is the poorer where the disk is full.
  await note(disk, folder).catch(() => {});
  return {
    async release() {
      await disk.remove(`${folder}/${ownerName}`).catch(() => {});
      await listener.stop();
    },
  };
}

/** Names of files that say who has it. */
export const ownerFiles: readonly string[] = [socketName, ownerName];

async function note(disk: Disk, folder: string): Promise<void> {
  const path = `${folder}/${ownerName}`;
  await disk.remove(path).catch(() => {});
  const file = await disk.open(path, "wx+");
  try {
    await file.write(new TextEncoder().encode(JSON.stringify({ pid: processNumber() })), 0);
  } finally {
    await file.close();
  }
}

async function ownerOf(disk: Disk, folder: string): Promise<number | undefined> {
  try {
    const file = await disk.open(`${folder}/${ownerName}`, "r");
    try {
      const bytes = new Uint8Array(256);
      const read = await file.read(bytes, 0);
      const { pid } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, read))) as { pid?: unknown };
      return typeof pid === "number" ? pid : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
