/**
 * What is different in a new configuration of a running gateway: endpoint by endpoint, and what only a restart can change.
 *
 * Compares what is written, so that it knows of every key.
 */
import { liveKeys, type LiveOptions } from "../../server/live_options.ts";
import type { EndpointConfig, ServerEndpointConfig } from "../config/endpoint_config.ts";
import type { GatewayConfig } from "../config/config.ts";
import { type ConfigFault, FaultList, type Locate } from "../config/fault.ts";
import { refuseSharedPlaces } from "../config/shared_places.ts";
import { refuseSharedSubjects } from "../config/shared_subjects.ts";
import { changedKeys } from "../config/written.ts";

/** One endpoint that stays, with other limits. */
interface Update {
  readonly before: EndpointConfig;
  readonly settings: EndpointConfig;
  readonly keys: readonly (keyof LiveOptions)[];
}

/** One that begins when others have ended. */
interface Heir {
  readonly settings: EndpointConfig;
  /** The one whose listening socket it takes over; undefined for a socket of its own. */
  readonly from: string | undefined;
  /** Its address is not bound by one that ends: it can be bound before anything changes. */
  readonly free: boolean;
}

/** What is to be done. */
export interface Difference {
  readonly unchanged: readonly string[];
  readonly updates: readonly Update[];
  /** Those that end: removed and replaced ones. */
  readonly going: readonly EndpointConfig[];
  readonly removed: readonly string[];
  readonly replaced: readonly string[];
  readonly added: readonly string[];
  /** New ones that have nothing in common with those that end. */
  readonly independent: readonly EndpointConfig[];
  readonly heirs: readonly Heir[];
}

/** Keys beside the endpoints that a running gateway can change. */
const changeable: readonly string[] = ["endpoints", "shutdown", "log"];

/** What only a restart can change. */
export function restartFaults(
  before: GatewayConfig,
  after: GatewayConfig,
  locate: Locate = () => undefined,
): readonly ConfigFault[] {
  const list = new FaultList(locate);
  for (const key of changedKeys(before.written, after.written)) {
    if (changeable.includes(key)) continue;
    const [old, found] = [before.written.get(key), after.written.get(key)];
    const expected = old === undefined
      ? "it to be left out, as when the gateway started"
      : `${isTable(old) ? "the table" : old}, as when the gateway started`;
    const value = found && JSON.parse(found) as unknown;
    // What is in a table may be a secret, and this goes to logs.
    const shown = isTable(found) ? Object.keys(value as object) : value;
    list.add([key], shown, expected, "restart the gateway to change it");
  }
  return list.faults;
}

function isTable(text: string | undefined): boolean {
  return text?.startsWith("{") === true;
}

/** Compares endpoints that run with those that are wanted. */
export function difference(
  running: readonly EndpointConfig[],
  wanted: readonly EndpointConfig[],
): Difference {
  const before = new Map(running.map((settings) => [settings.name, settings]));
  const [unchanged, replaced, added]: [string[], string[], string[]] = [[], [], []];
  const updates: Update[] = [];
  const coming: EndpointConfig[] = [];
  for (const settings of wanted) {
    const { name } = settings;
    const old = before.get(name);
    const keys = old && changedKeys(old.written, settings.written);
    if (old === undefined || keys === undefined) {
      added.push(name);
      coming.push(settings);
    } else if (keys.length === 0) unchanged.push(name);
    else if (old.mode === "server" && settings.mode === "server" && areLive(keys)) {
      updates.push({ before: old, settings, keys });
    } else {
      replaced.push(name);
      coming.push(settings);
    }
  }
  const names = new Set(wanted.map(({ name }) => name));
  const removed = running.filter(({ name }) => !names.has(name)).map(({ name }) => name);
  const going = running.filter(({ name }) => removed.includes(name) || replaced.includes(name));
  const independent = coming.filter((settings) =>
    going.every((old) =>
      old.name !== settings.name && !sharesPlace(old, settings) && !sharesSubject(old, settings)
    )
  );
  const heirs = coming.filter((settings) => !independent.includes(settings)).map((settings): Heir => ({
    settings,
    from: going.find((old) => sameSocket(old, settings))?.name,
    free: settings.mode === "server" && settings.inherited === undefined &&
      going.every((old) => !sharesPlace(old, settings)),
  }));
  return { unchanged, updates, going, removed, replaced, added, independent, heirs };
}

function areLive(keys: readonly string[]): keys is readonly (keyof LiveOptions)[] {
  return keys.every((key) => liveKeys.some((live) => live === key));
}

/** What belongs to the socket that listens, and to those that it accepts. */
const ofSocket = ["listen", "backlog", "reusePort", "ipv6Only", "noDelay", "tcpKeepAlive"];

function sameSocket(old: EndpointConfig, settings: EndpointConfig): boolean {
  if (old.mode === "client" || settings.mode === "client" || old.tls || settings.tls) return false;
  // Port 0 is that of the same endpoint only.
  if (old.name !== settings.name && isAnyPort(settings)) return false;
  return ofSocket.every((key) => old.written.get(key) === settings.written.get(key));
}

function isAnyPort({ address, inherited }: ServerEndpointConfig): boolean {
  return inherited === undefined && address.transport === "tcp" && address.port === 0;
}

/** Both cannot listen at one time. */
function sharesPlace(old: EndpointConfig, settings: EndpointConfig): boolean {
  if (old.mode === "client" || settings.mode === "client") return false;
  const list = new FaultList();
  const places = [old, settings].map(({ written, listener }) => ({
    path: ["listen"],
    value: JSON.parse(written.get("listen")!) as unknown,
    reusePort: listener.reusePort === true,
    ipv6Only: listener.ipv6Only === true,
  }));
  refuseSharedPlaces(list, places);
  return list.faults.length > 0;
}

function sharesSubject(old: EndpointConfig, settings: EndpointConfig): boolean {
  const list = new FaultList();
  const { node = "" } = settings;
  refuseSharedSubjects(list, [old, settings], { node });
  return list.faults.length > 0;
}
