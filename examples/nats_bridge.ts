// A service on NATS that knows nothing of sockets: what comes from one endpoint of examples/gateway_bridge.yaml goes to every
// connection of the other one.
import process from "node:process";
import { connect, headers } from "@nats-io/transport-node";

const [servers = "nats://127.0.0.1:4222"] = process.argv.slice(2);
const nats = await connect({ servers, maxReconnectAttempts: -1 });
const all = headers();
all.set("conn.id", "*"); // every connection of the endpoint
for (const [from, to] of [["left", "right"], ["right", "left"]]) {
  nats.subscribe(`millrace.${from}.in.>`, {
    callback: (error, { data }) => {
      if (error) console.error(error.message);
      else nats.publish(`millrace.${to}.out`, data, { headers: all });
    },
  });
}
await nats.flush();
console.log("bridging left and right on", nats.getServer());
process.once("SIGTERM", () => void nats.drain());
process.once("SIGINT", () => void nats.drain());
await nats.closed();
