// A load balancer for TCP: it checks its targets, tells them who the client is, and passes on bytes, FIN and resets both ways.
// Usage: load_balancer.ts PORT TARGET…, such as load_balancer.ts 3037 10.0.0.1:3034 10.0.0.2:3034
import process from "node:process";
import { type Connection, onSignals, raw, serve } from "millrace";
import { balancer } from "millrace/client";

const [port = "3037", ...targets] = process.argv.slice(2);
const both = { framing: raw(), idleTimeout: "124 minutes", closeTimeout: "124 minutes" } as const;
type Bytes = Connection<Uint8Array>;

async function pump(from: Bytes, to: Bytes): Promise<void> {
  void from.closed.then(({ endedWith }) => endedWith === "rst" && to.destroy());
  for await (const bytes of from) await to.send(bytes);
  to.end();
}

const servers = await balancer({
  ...both,
  targets,
  balance: "least-connections",
  allowHalfOpen: true,
  connectTimeout: "2 seconds",
  proxyHeader: { version: 2 },
  healthCheck: { every: "1 second" },
  breaker: { failures: 2 },
  onEvent: ({ type, target }) => console.log(type, target),
});
const handler = async (client: Bytes): Promise<void> => {
  const server = await servers.connect({ source: client.peer });
  await Promise.all([pump(client, server), pump(server, client)]);
  await server.closed;
};
const server = await serve({ ...both, port: Number(port), handler });
console.log("load balancer:", server.address);

onSignals(server);
await server.finished;
await servers.close();
