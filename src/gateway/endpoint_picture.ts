/** An endpoint as data: what the admin endpoint's `/connections` shows of it. */
import type { GatewayEndpoint } from "./endpoint.ts";
import { writable } from "./json_text.ts";

/** One endpoint as `/connections` shows it. */
export function picture(endpoint: GatewayEndpoint): object {
  const { connections, admission, ...rest } = endpoint.inspect();
  const { name, mode } = endpoint;
  return { ...rest, admission: writable(admission), name, mode, traffic: endpoint.traffic(), connections };
}
