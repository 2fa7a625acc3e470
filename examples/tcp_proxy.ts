// A TCP proxy that forwards bytes both ways, each FIN as a half-close, and resets. The slower side sets the pace, and memory
// is bounded.
// Usage: tcp_proxy.ts PORT TARGET_PORT [TARGET_HOST] [IDLE]
import process from "node:process";
import { connect, type Connection, type DurationInput, onSignals, raw, serve } from "millrace";

// A pair of connections is dropped when it has been idle for IDLE. RFC 5382 asks for two hours and four minutes if the protocol
// is unknown.
const [port = "3036", to = "3034", host = "127.0.0.1", idle = "124 minutes"] = process.argv.slice(2);
const limits = { idleTimeout: idle as DurationInput, closeTimeout: idle as DurationInput };
type Bytes = Connection<Uint8Array>;

async function pump(from: Bytes, to: Bytes): Promise<void> {
  // A reset can also arrive when nothing is read or sent any more.
  void from.closed.then(({ endedWith }) => endedWith === "rst" && to.destroy());
  for await (const bytes of from) await to.send(bytes);
  to.end();
}

const server = await serve({
  ...limits,
  port: Number(port),
  framing: raw(),
  handler: async (client) => {
    const place = { host, port: Number(to), framing: raw() };
    try {
      const target = await connect({ ...limits, ...place, allowHalfOpen: true });
      await Promise.all([pump(client, target), pump(target, client)]);
      await target.closed;
    } catch (error) {
      console.error(String(error));
      client.destroy();
    }
  },
});
console.log("proxy:", server.address);

onSignals(server);
await server.finished;
