/** An endpoint as data: what the admin endpoint's `/connections` and the command `conn.list` show of it. */
import type { GatewayEndpoint } from "./endpoint.ts";
import { writable } from "./json_text.ts";

/** One endpoint as `/connections` shows it. */
export function picture(endpoint: GatewayEndpoint): object {
  const { connections: _, admission, ...rest } = endpoint.inspect();
  const { name, mode } = endpoint;
  const devices = endpoint.identities?.stats();
  const traffic = { ...endpoint.traffic(), ...devices };
  return {
    ...rest,
    admission: writable(admission),
    name,
    mode,
    traffic,
    connections: connectionList(endpoint),
  };
}

/** Its connections, with whose they are where that is known. */
export function connectionList(endpoint: GatewayEndpoint): readonly object[] {
  const { connections } = endpoint.inspect();
  const { identities } = endpoint;
  if (identities === undefined) return connections;
  return connections.map((connection) => ({ ...connection, identity: identities.of(connection.id) }));
}
