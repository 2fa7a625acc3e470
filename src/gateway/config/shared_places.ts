/**
 * Places to listen side by side: no two of them can be bound at one time.
 *
 * Called by `config.ts`. Compares what the texts stand for and not the texts: `3034` and `127.0.0.1:3034` are one place.
 */
import type { Address } from "../../core/transport.ts";
import { plainHost } from "../host_name.ts";
import { type ConfigPath, type FaultList, formatPath } from "./fault.ts";
import { inheritedKey, isTable } from "./socket_place.ts";
import { address } from "./values.ts";

/** One listener as it is written. */
export interface ListenPlace {
  readonly path: ConfigPath;
  readonly value: unknown;
  /** It shares its port with others that do so as well. */
  readonly reusePort: boolean;
  /** `::` does not stand for addresses of IPv4. */
  readonly ipv6Only: boolean;
}

/** Says of each which earlier one has its place. What is no address is a fault of its own. */
export function refuseSharedPlaces(list: FaultList, places: readonly ListenPlace[]): void {
  const taken: { readonly place: ListenPlace; readonly address: Address }[] = [];
  for (const place of places) {
    const own = addressOf(place.value);
    if (own === undefined) continue;
    const other = taken.find((each) => collide(place, own, each.place, each.address));
    taken.push({ place, address: own });
    if (other === undefined) continue;
    const owner = other.place.path.length > 2 ? other.place.path.slice(0, -1) : other.place.path;
    const written = other.place.value === place.value ? "" : `, ${JSON.stringify(other.place.value)},`;
    list.add(
      place.path,
      place.value,
      `a different address from that of ${formatPath(owner)}${written}`.replace(/,$/, ""),
    );
  }
}

function addressOf(value: unknown): Address | undefined {
  const inherited = inheritedKey(value);
  if (inherited !== undefined) return { transport: "unix", path: inherited };
  try {
    return isTable(value) ? address("listen")(`unix:${String(value["path"])}`) : address("listen")(value);
  } catch {
    return undefined;
  }
}

function collide(one: ListenPlace, own: Address, other: ListenPlace, taken: Address): boolean {
  if (own.transport === "unix" || taken.transport === "unix") {
    return own.transport === "unix" && taken.transport === "unix" && own.path === taken.path;
  }
  // Port 0 is another port each time.
  if (own.port !== taken.port || own.port === 0) return false;
  const [host, takenHost] = [plainHost(own.host), plainHost(taken.host)];
  if (host === takenHost) return true;
  if (one.reusePort && other.reusePort) return false;
  return covers(host, takenHost, one.ipv6Only) || covers(takenHost, host, other.ipv6Only);
}

/** True when listening on `all` takes the port on `host` too. A name may be of either kind, and is left alone. */
function covers(all: string, host: string, ipv6Only: boolean): boolean {
  if (all === "0.0.0.0") return /^\d+(?:\.\d+){3}$/.test(host);
  if (all === "::") return host.includes(":") || (!ipv6Only && /^\d+(?:\.\d+){3}$/.test(host));
  return false;
}
