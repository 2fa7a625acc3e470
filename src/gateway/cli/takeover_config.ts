/**
 * What a configuration says of sockets that one process holds for others: `millrace gateway` with `--takeover` or
 * `--processes`.
 *
 * Used by `gateway_command.ts`.
 */
import type { GatewayConfig } from "../config/config.ts";
import type { EndpointConfig } from "../config/endpoint_config.ts";
import { CommandFailure, exitCodes } from "./failure.ts";
import { handed, type Places, socketName } from "../processes/held_sockets.ts";

/** What two gateways cannot have at a time. Throws where the configuration has it. */
export function checkTakeover({ admin, bus, endpoints }: GatewayConfig): void {
  const both = "which the old and the new process would have at the same time";
  if (admin !== undefined) refuse(`admin, ${both}: use --processes 1, whose first process has it`);
  if (bus.type === "stdio") refuse(`the bus stdio, ${both}: use another bus`);
  for (const endpoint of endpoints) {
    if (endpoint.mode === "client") continue;
    const { name, inherited, listener: { reusePort, bindRetry } } = endpoint;
    if (inherited !== undefined) refuse(`endpoint ${name}: whoever holds its socket keeps it`);
    if (reusePort) refuse(`reusePort of endpoint ${name}: the socket is shared anyway`);
    if (bindRetry !== undefined && bindRetry !== false) {
      refuse(`bindRetry of endpoint ${name}: leave one out`);
    }
  }
}

function refuse(what: string): never {
  throw new CommandFailure(exitCodes.usage, `--takeover cannot be combined with ${what}`);
}

/** What its servers listen on. */
export function placesOf(config: GatewayConfig): Places {
  const places = new Map();
  for (const endpoint of config.endpoints) {
    if (endpoint.mode === "client") continue;
    const { name, address, file, listener: { ipv6Only } } = endpoint;
    places.set(socketName(name, address), {
      address,
      rights: file && { mode: file.mode, ...file.owner },
      ipv6Only,
    });
  }
  return places;
}

/** The same with its servers on these sockets. */
export function withSockets(config: GatewayConfig, sockets: ReadonlyMap<string, number>): GatewayConfig {
  return { ...config, endpoints: config.endpoints.map((endpoint) => inheriting(endpoint, sockets)) };
}

function inheriting(endpoint: EndpointConfig, sockets: ReadonlyMap<string, number>): EndpointConfig {
  if (endpoint.mode === "client") return endpoint;
  const { file: _file, listener, ...rest } = endpoint;
  const { ipv6Only: _ipv6Only, reusePort: _reusePort, bindRetry: _bindRetry, ...kept } = listener;
  const fd = handed(sockets, socketName(endpoint.name, endpoint.address), endpoint.address);
  return { ...rest, listener: kept, inherited: { fd } };
}
