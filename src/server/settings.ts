/**
 * The check at the server's door: options in, a smaller complete record out, every fault at once.
 */
import {
  connectionKeys,
  type ConnectionProfile,
  resolveAddress,
  resolveProfile,
  resolveTuning,
} from "../connection/profile.ts";
import { defaults, OptionsCheck } from "../core/options.ts";
import type { Adapter, Capability, ListenOptions } from "../core/transport.ts";
import type { ServerOptions } from "./server_options.ts";

/** Checked settings of a server. */
export interface ServerSettings<Received, Sent, Context> {
  readonly listen: Omit<ListenOptions, "failed">;
  readonly profile: ConnectionProfile<Received, Sent, Context>;
  /** `Infinity` for no limit. */
  readonly maxConnections: number;
  readonly farewell: Uint8Array | undefined;
  readonly shutdownDeadline: number;
}

const serverKeys: readonly string[] = [
  ...connectionKeys,
  "port",
  "host",
  "path",
  "backlog",
  "reusePort",
  "ipv6Only",
  "maxConnections",
  "farewell",
  "shutdownDeadline",
  "handler",
  "onReject",
  "onState",
  "onStats",
  "onListenerError",
  "logger",
  "adapter",
  "clock",
];

/** Throws `OptionsError` with everything that is wrong. */
export function resolveServer<Received, Sent, Context>(
  options: ServerOptions<Received, Sent, Context>,
  adapter: Adapter,
): ServerSettings<Received, Sent, Context> {
  const check = new OptionsCheck();
  check.keys(options, serverKeys);
  const { handler, onFrame, farewell } = options;
  if ((handler === undefined) === (onFrame === undefined)) {
    check.refuse("handler", handler && "handler and onFrame", "exactly one of handler and onFrame");
  }
  for (const name of ["handler", "onReject", "onState", "onStats", "onListenerError", "logger"] as const) {
    if (options[name] !== undefined && typeof options[name] !== "function") {
      check.refuse(name, options[name], "a function");
    }
  }
  const most = check.integer("maxConnections", options.maxConnections, defaults.maxConnections, 0);
  const settings: ServerSettings<Received, Sent, Context> = {
    listen: {
      address: resolveAddress(check, options, adapter, 0),
      backlog: options.backlog === undefined ? undefined : check.integer("backlog", options.backlog, 0, 1),
      reusePort: options.reusePort ?? false,
      ipv6Only: options.ipv6Only ?? false,
      tls: undefined,
      ...resolveTuning(check, options),
    },
    profile: resolveProfile(check, options, handler),
    maxConnections: most === 0 ? Infinity : most,
    farewell: typeof farewell === "string" ? new TextEncoder().encode(farewell) : farewell,
    shutdownDeadline: check.duration("shutdownDeadline", options.shutdownDeadline, defaults.shutdownDeadline),
  };
  checkAbilities(check, options, adapter);
  check.done();
  return settings;
}

function checkAbilities(
  check: OptionsCheck,
  options: Pick<ServerOptions<unknown>, "backlog" | "reusePort" | "ipv6Only" | "tcpKeepAlive" | "noDelay">,
  adapter: Adapter,
): void {
  const { backlog, reusePort, ipv6Only, tcpKeepAlive, noDelay } = options;
  const wanted: [boolean, Capability, string, unknown][] = [
    [backlog !== undefined, "backlog", "backlog", backlog],
    [reusePort === true, "reusePort", "reusePort", reusePort],
    [ipv6Only === true, "ipv6Only", "ipv6Only", ipv6Only],
    [tcpKeepAlive === false, "keepAlive", "tcpKeepAlive", tcpKeepAlive],
    [
      tcpKeepAlive !== undefined && typeof tcpKeepAlive === "number",
      "keepAliveDelay",
      "tcpKeepAlive",
      tcpKeepAlive,
    ],
    [noDelay === false, "noDelay", "noDelay", noDelay],
  ];
  for (const [isWanted, ability, path, found] of wanted) {
    if (isWanted && !adapter.can[ability]) {
      check.unsupported(path, found, `to be left out: sockets of ${adapter.name} cannot do this`);
    }
  }
}
