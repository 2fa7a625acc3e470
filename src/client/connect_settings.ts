/** The check of what `connect` takes: options in, what an adapter and a connection are given out. Connects to nothing. */
import { connectionKeys, type ConnectionProfile, resolveProfile } from "../connection/profile.ts";
import { resolveAddress, resolveTuning } from "../connection/socket_settings.ts";
import { resolveClientTls } from "../connection/tls/settings.ts";
import { defaults, OptionsCheck } from "../core/options.ts";
import { checkDuration } from "../core/time/duration.ts";
import type { Adapter, AdapterConnectOptions } from "../core/transport.ts";
import type { UncheckedConnectOptions } from "./connect_options.ts";
import { resolveProxyHeader } from "./proxy_header.ts";

/** Names of the options of `connect`. */
export const connectKeys: readonly string[] = [
  ...connectionKeys,
  "port",
  "host",
  "path",
  "address",
  "tls",
  "proxyHeader",
  "connectTimeout",
  "signal",
  "adapter",
  "clock",
];

/** Checked options. */
interface ConnectSettings<Received, Sent, Context> {
  readonly dial: Omit<AdapterConnectOptions, "signal">;
  /** Of connecting, in milliseconds. */
  readonly timeout: number;
  readonly profile: ConnectionProfile<Received, Sent, Context>;
}

/** Throws `OptionsError`. */
export function resolveConnect<Received, Sent, Context>(
  options: UncheckedConnectOptions<Received, Sent, Context>,
  adapter: Adapter,
): ConnectSettings<Received, Sent, Context> {
  const check = new OptionsCheck();
  check.keys(options, connectKeys);
  const settings = checkConnect(check, options, adapter);
  check.done();
  return settings;
}

/** The same, with faults going to `check`. */
export function checkConnect<Received, Sent, Context>(
  check: OptionsCheck,
  options: UncheckedConnectOptions<Received, Sent, Context>,
  adapter: Adapter,
): ConnectSettings<Received, Sent, Context> {
  const address = resolveAddress(check, options, adapter, "connect");
  const { tls } = options;
  const settings = {
    dial: {
      address,
      upgradable: options.upgradable === true,
      tls: tls === undefined ? undefined : resolveClientTls(check, tls, address, adapter),
      preface: resolveProxyHeader(check, options.proxyHeader),
      ...resolveTuning(check, options, adapter),
    },
    timeout: checkDuration(check, "connectTimeout", options.connectTimeout, defaults.connectTimeout),
    profile: resolveProfile(check, options, undefined, { side: "client", adapter, address }),
  };
  if (options.upgradable && tls !== undefined) {
    check.refuse("upgradable", true, "to be left out: with tls the connection is secured from the start");
  }
  return settings;
}
