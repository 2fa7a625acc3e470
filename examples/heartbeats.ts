// 1,000 devices on one server. Each sends a heartbeat when it has nothing else to say; ten fall silent, as behind a broken link, and
// are dropped, and all others stay.
import process from "node:process";
import { connect, lines, serve } from "millrace";

const [devices = 1000, silent = 10] = process.argv.slice(2).map(Number);
const framing = lines({ encoding: "utf-8", maxFrameBytes: 1024 });
const beat = new TextEncoder().encode("beat\n");

let [heartbeats, dropped] = [0, 0];
let allDropped: () => void;
const silentAreGone = new Promise<void>((resolve) => allDropped = resolve);

const server = await serve({
  port: 0,
  host: "127.0.0.1",
  framing,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 10_000,
  // Five heartbeats may be lost.
  readIdleTimeout: "5 seconds",
  onFrame: (line, connection) => {
    if (line === "beat") heartbeats++;
    else return connection.send(`welcome, ${line}`);
  },
  onDisconnect: ({ reason }) => {
    if (reason === "idle_timeout" && ++dropped === silent) allDropped();
  },
});

/** Resolves when it is welcome. One that falls silent has sent its name and nothing else. */
function device(number: number): Promise<void> {
  return new Promise((welcome, failed) => {
    const keepalive = number <= silent ? undefined : { interval: "1 second", payload: beat } as const;
    connect({ address: server.address, framing, keepalive, onFrame: () => welcome() })
      .then((connection) => connection.send(`device ${number}`))
      .catch(failed);
  });
}

for (let first = 1; first <= devices; first += 100) {
  const some = Array.from({ length: Math.min(100, devices - first + 1) }, (_, at) => device(first + at));
  await Promise.all(some);
}
console.log(`${server.connections.size} of ${devices} devices are connected`);
await silentAreGone;
console.log(`${dropped} silent ones were dropped, ${server.connections.size} are connected`);
console.log(`${heartbeats} heartbeats came`);
await server.close({ deadline: "10 seconds" });
