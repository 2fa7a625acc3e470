/**
 * The TLS options of an upgrade, checked. What a server's connections say alike is checked once, and its certificate
 * read once, so that an upgrade costs what a handshake costs and sessions can be resumed.
 *
 * Used by `upgrade.ts`.
 */
import type { OptionsCheck } from "../../core/options.ts";
import type { TlsUpgradeSettings } from "../../core/tls/tls.ts";
import { warnInsecure } from "./trust.ts";
import type { UpgradePlace } from "../profile.ts";
import type { TlsClientOptions, TlsServerOptions } from "./options.ts";
import { resolveClientTls, resolveServerTls, withCertificates } from "./settings.ts";

type Given = TlsServerOptions | TlsClientOptions;

/** Checked settings. */
interface UpgradeSettings {
  readonly tls: TlsUpgradeSettings;
  readonly authorize: TlsServerOptions["authorize"];
  /** Rejects with `TlsError` `material` when our own certificate is not fit for service. `now` is wall-clock time. */
  prepare(now: number): Promise<void>;
}

interface Known {
  readonly given: Given;
  readonly tls: TlsUpgradeSettings;
  prepared: Promise<void> | undefined;
}

/** What was said last, by the server that it was said on. */
const known = new WeakMap<UpgradePlace, Known>();

/** Checks the options; faults go to `check`. */
export function resolveUpgrade(check: OptionsCheck, given: Given, place: UpgradePlace): UpgradeSettings {
  if (place.side === "client") {
    const client = resolveClientTls(check, given as TlsClientOptions, place.address, place.adapter);
    if (client.insecureSkipVerify) warnInsecure(client.serverName);
    return { tls: { client }, authorize: undefined, prepare: () => Promise.resolve() };
  }
  const options = given as TlsServerOptions;
  const protocol = resolveServerTls(check, options, place.adapter);
  const { cert = "", key = "", certificates, authorize } = options;
  let entry = known.get(place);
  if (entry === undefined || !sameOptions(entry.given, given)) {
    const choice = certificates ?? { material: { cert, key }, several: false, select: () => undefined };
    entry = { given, tls: { server: withCertificates(protocol, choice) }, prepared: undefined };
  }
  const { tls } = entry;
  const found = entry;
  return {
    tls,
    authorize,
    prepare: (now) => {
      known.set(place, found);
      // What `certificates()` returns has checked its own.
      return certificates === undefined ? prepare(found, place, { cert, key }, now) : Promise.resolve();
    },
  };
}

function prepare(
  entry: Known,
  place: UpgradePlace,
  pair: { readonly cert: string; readonly key: string },
  now: number,
): Promise<void> {
  return entry.prepared ??= (place.checkPair?.(pair, now) ?? Promise.resolve()).catch((error) => {
    // It may be good later: one that is not valid yet, for one.
    if (known.get(place) === entry) known.delete(place);
    throw error;
  });
}

/** Whether they say the same about handshakes; `authorize` is asked after them. */
function sameOptions(one: Given, other: Given): boolean {
  const first = Object.entries(one).filter(isAboutHandshakes);
  const second = new Map(Object.entries(other).filter(isAboutHandshakes));
  return first.length === second.size && first.every(([key, value]) => same(value, second.get(key)));
}

function isAboutHandshakes([key, value]: [string, unknown]): boolean {
  return key !== "authorize" && value !== undefined;
}

function same(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
