/** A plain client of JetStream (`URL`) that publishes messages of 256 bytes as fast as they are stored, 1,024 on their way. */
import process from "node:process";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const [servers = ""] = process.argv.slice(2);
const nats = await connect({ servers });
const manager = await jetstreamManager(nats);
await manager.streams.add({ name: "plain", subjects: ["plain.in.>"] });
const client = jetstream(nats);
const payload = new Uint8Array(255).fill(120);
let stored = 0;
let number = 0;
const publish = async (connection: number): Promise<void> => {
  for (;;) {
    await client.publish(`plain.in.c${connection}`, payload, { msgID: `c${connection}.${++number}` });
    stored++;
  }
};
console.log(JSON.stringify({ port: 0 }));
process.stdin.on("data", () => console.log(JSON.stringify({ stored })));
process.stdin.on("end", () => process.exit(0));
for (let slot = 0; slot < 1_024; slot++) void publish(slot % 100);
