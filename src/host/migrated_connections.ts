/**
 * Whether Linux moves connections that wait at a listener which closes to another one of the same port, by
 * `net.ipv4.tcp_migrate_req` (ip-sysctl, from Linux 5.14 on).
 *
 * Used by `server/shared_port.ts`.
 */
import { readFileSync } from "node:fs";

const setting = "/proc/sys/net/ipv4/tcp_migrate_req";

/** Undefined where the system does not tell: an older Linux, another system, or Deno without `--allow-all`. */
export function migratesConnections(file: string = setting): boolean | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
  return text === "1" ? true : text === "0" ? false : undefined;
}
