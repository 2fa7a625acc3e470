// A TCP proxy: bytes both ways, half-closes included. The slower side sets the pace, memory stays bounded.
// Usage: tcp_proxy.ts PORT TARGET_PORT [TARGET_HOST]
import process from "node:process";
import { connect, type Connection, raw, serve } from "../mod.ts";

const [port = "3036", targetPort = "3034", targetHost = "127.0.0.1"] = process.argv.slice(2);

async function pump(from: Connection<Uint8Array>, to: Connection<Uint8Array>): Promise<void> {
  for await (const bytes of from) await to.send(bytes);
  to.end();
}

const server = await serve({
  port: Number(port),
  framing: raw(),
  handler: async (client) => {
    const target = await connect({ host: targetHost, port: Number(targetPort), framing: raw() });
    try {
      await Promise.all([pump(client, target), pump(target, client)]);
    } catch (error) {
      target.abort();
      throw error;
    }
    await target.close();
  },
});
console.log("proxy:", server.address);

process.once("SIGTERM", () => void server.shutdown());
await server.finished;
