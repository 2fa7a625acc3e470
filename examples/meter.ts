// Takes a reading each tenth of a second and sends it to examples/collector.ts. It connects again whenever that is gone, and sends
// again what was not acknowledged, so that no reading is lost.
import process from "node:process";
import { reconnect } from "millrace/client";
import { type Reading, readings } from "./readings.ts";

/** Without an acknowledgement; beyond 1,000 the oldest are dropped. */
const open = new Map<number, Reading>();

const client = reconnect({
  address: `127.0.0.1:${process.argv[2] ?? 3039}`,
  framing: readings,
  reconnect: { initial: "100ms", max: "5 seconds" },
  logOn: async (connection) => {
    for (const reading of open.values()) await connection.send(reading);
  },
  onConnected: () => console.log("connected,", open.size, "sent again"),
  onFrame: ({ number }) => void open.delete(number),
});
process.once("SIGTERM", () => void client.close({ deadline: "5 seconds" }));

for (let number = 1; client.state !== "closing" && client.state !== "closed"; number++) {
  const reading = { number, value: 20 + Math.sin(number / 10) };
  open.set(number, reading);
  if (open.size > 1000) open.delete(open.keys().next().value!);
  // One that fails is still in the map, and sent again.
  void client.deliver(reading);
  await new Promise((resolve) => setTimeout(resolve, 100));
}
