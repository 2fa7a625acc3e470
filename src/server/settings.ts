/**
 * The check of a server's options: options in, a smaller complete record out, every fault at once.
 */
import { type BackoffSchedule, checkBackoff } from "../core/time/backoff.ts";
import { checkDuration } from "../core/time/duration.ts";
import { connectionKeys, type ConnectionProfile, resolveProfile } from "../connection/profile.ts";
import {
  checkAbilities,
  resolveAddress,
  resolveRights,
  resolveTuning,
} from "../connection/socket_settings.ts";
import { onFirstUse } from "../core/loading.ts";
import { checkFlag, checkInteger, defaults, OptionsCheck } from "../core/options.ts";
import type { TlsMaterial } from "../core/tls/tls.ts";
import type { Adapter, AdapterListenOptions, Address } from "../core/transport.ts";
import { certificateHost } from "../certificates/certificate_host.ts";
import { admissionKeys, type AdmissionSettings, most, resolveAdmission } from "./admission_settings.ts";
import { resolveFirstBytes } from "./preface/first_bytes_settings.ts";
import { planPrefaces, type PrefaceSettings, resolveProxy } from "./preface/preface_settings.ts";
import type { UncheckedServeOptions } from "./server_options.ts";
import { resolveTls, type ServerSecurity } from "./server_tls.ts";

/** Checked settings of a server. */
export interface ServerSettings<Received, Sent, Context> {
  readonly listen: Omit<AdapterListenOptions, "failed" | "handshakes">;
  readonly tls: ServerSecurity | undefined;
  readonly profile: ConnectionProfile<Received, Sent, Context>;
  readonly admission: AdmissionSettings;
  /** `Infinity` for no limit. */
  readonly maxHandshakes: number;
  /** What stands in front of connections; undefined for nothing. */
  readonly preface: PrefaceSettings<ConnectionProfile<Received, Sent, Context>> | undefined;
  /** `Infinity` for no limit. */
  readonly maxPending: number;
  readonly shutdownDeadline: number;
  readonly drainSpread: number;
  /** Undefined for one attempt. */
  readonly bindRetry: BackoffSchedule | undefined;
}

/** Waits between attempts to bind, where retrying is asked for. */
export const bindRetryDefaults: BackoffSchedule = {
  initial: 100,
  factor: 2,
  max: 5_000,
  jitter: 0.2,
  attempts: Infinity,
  for: 60_000,
};

const serverHooks = [
  "handler",
  "onTlsError",
  "onDrain",
  "onState",
  "onAudit",
  "onStats",
  "onListenerError",
  "logger",
] as const;

const serverKeys: readonly string[] = [
  ...connectionKeys,
  "port",
  "host",
  "path",
  "address",
  "fd",
  "mode",
  "owner",
  "backlog",
  "reusePort",
  "ipv6Only",
  ...admissionKeys,
  "tls",
  "maxHandshakes",
  "proxyProtocol",
  "firstBytes",
  "maxPending",
  "shutdownDeadline",
  "drainSpread",
  "bindRetry",
  ...serverHooks,
  "adapter",
  "clock",
  "signal",
];

/** Throws `OptionsError` with everything that is wrong. */
export function resolveServer<Received, Sent, Context>(
  options: UncheckedServeOptions<Received, Sent, Context>,
  adapter: Adapter,
): ServerSettings<Received, Sent, Context> {
  const check = new OptionsCheck();
  check.keys(options, serverKeys);
  const { handler, onFrame } = options;
  if ((handler === undefined) === (onFrame === undefined)) {
    check.refuse("handler", handler && "handler and onFrame", "exactly one of handler and onFrame");
  }
  check.functions(options, [...serverHooks, "onReject"]);
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    check.refuse("signal", options.signal, "an AbortSignal");
  }
  if (adapter.listens === false) {
    check.unsupported("adapter", adapter.name, "a host with sockets that listen: Bun, Deno or Node.js");
  }
  const tls = resolveTls(check, options.tls, adapter);
  const { fd: descriptor } = options;
  const address = descriptor === undefined
    ? resolveAddress(check, options, adapter, "listen")
    : resolveDescriptor(check, options, adapter);
  const profile = resolveProfile(check, options, handler, { side: "server", adapter, address, checkPair });
  const settings: ServerSettings<Received, Sent, Context> = {
    listen: {
      address,
      descriptor,
      backlog: options.backlog === undefined
        ? undefined
        : checkInteger(check, "backlog", options.backlog, 0, 1, 2 ** 31 - 1),
      rights: descriptor === undefined ? resolveRights(check, options, address, adapter) : undefined,
      reusePort: options.reusePort ?? false,
      ipv6Only: options.ipv6Only ?? false,
      tls: tls?.tls,
      upgradable: options.upgradable === true,
      ...resolveTuning(check, options, adapter),
    },
    profile,
    tls,
    admission: resolveAdmission(check, options, address, options.proxyProtocol !== undefined),
    maxHandshakes: most(check, "maxHandshakes", options.maxHandshakes, defaults.maxHandshakes),
    preface: planPrefaces(
      resolveProxy(check, options.proxyProtocol, address),
      resolveFirstBytes(check, options.firstBytes, options.tls !== undefined, profile),
    ),
    maxPending: most(check, "maxPending", options.maxPending, defaults.maxPending),
    shutdownDeadline: checkDuration(
      check,
      "shutdownDeadline",
      options.shutdownDeadline,
      defaults.shutdownDeadline,
    ),
    drainSpread: checkDuration(check, "drainSpread", options.drainSpread, 0, { zero: true, infinite: false }),
    bindRetry: resolveBindRetry(check, options.bindRetry),
  };
  const { backlog, reusePort, ipv6Only } = options;
  checkFlag(check, "reusePort", reusePort);
  checkFlag(check, "ipv6Only", ipv6Only);
  checkAbilities(check, adapter, [
    ["backlog", backlog, backlog !== undefined],
    ["reusePort", reusePort, reusePort === true],
    ["ipv6Only", ipv6Only, ipv6Only === true],
  ]);
  if (address.transport === "unix") {
    for (const name of ["reusePort", "ipv6Only"] as const) {
      if (options[name] === true) {
        check.refuse(name, true, "to be left out with a Unix socket: it is for ports");
      }
    }
  }
  if (options.upgradable && options.tls !== undefined) {
    check.refuse("upgradable", true, "to be left out: with tls connections are secured from the start");
  }
  if (options.maxPending !== undefined && settings.preface === undefined) {
    check.refuse("maxPending", options.maxPending, "to be left out without proxyProtocol and firstBytes");
  }
  check.done();
  return settings;
}

/** What goes with an address that is bound, and not with a socket that is. */
const ofBinding = [
  "port",
  "host",
  "path",
  "address",
  "mode",
  "owner",
  "reusePort",
  "ipv6Only",
  "bindRetry",
] as const;

/** Checks a descriptor that is to be listened on; where it is bound is known once it is. */
function resolveDescriptor(
  check: OptionsCheck,
  options: Pick<UncheckedServeOptions<unknown>, "fd" | (typeof ofBinding)[number]>,
  adapter: Adapter,
): Address {
  checkInteger(check, "fd", options.fd, 0, 0, 2 ** 31 - 1);
  for (const name of ofBinding) {
    const value = options[name];
    if (value !== undefined && value !== false) {
      check.refuse(name, value, "to be left out with fd, which is bound");
    }
  }
  checkAbilities(check, adapter, [["descriptor", options.fd, true, "fd"]]);
  return { transport: "tcp", host: defaults.host, port: 0 };
}

function resolveBindRetry(
  check: OptionsCheck,
  given: UncheckedServeOptions<unknown>["bindRetry"],
): BackoffSchedule | undefined {
  if (given === undefined || given === false) return undefined;
  return given === true ? bindRetryDefaults : checkBackoff(check, "bindRetry", given, bindRetryDefaults);
}

const host = onFirstUse(certificateHost);

/** For upgrades; what `serve` is given is checked by `certificates`. */
async function checkPair(pair: TlsMaterial, now: number): Promise<void> {
  (await host()).checkPair(pair, now, { cert: "cert", key: "key" });
}
