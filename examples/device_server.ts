// Devices that send a two-byte length, a one-byte kind and a payload. Kind 1 is a reading, which is acknowledged;
// kind 2 asks for the time. A device that is silent for a minute is disconnected.
import process from "node:process";
import { lengthField, onSignals, serve } from "millrace";

const server = await serve({
  port: Number(process.argv[2] ?? 3038),
  framing: lengthField({ lengthBytes: 2, strip: 2, maxFrameBytes: 4096 }),
  readIdleTimeout: "60 seconds",
  firstFrameTimeout: "10 seconds",
  maxConnections: 10_000,
  rateLimit: { framesPerSecond: 100 },
  context: () => ({ readings: 0 }),
  onFrame: (frame, connection) => {
    const [kind, ...payload] = frame;
    if (kind === 1) {
      connection.context.readings++;
      console.log(connection.peer.ip, "reading", payload.join(" "));
      return connection.send(Uint8Array.of(1, connection.context.readings & 0xff));
    }
    if (kind !== 2) return connection.destroy({ reason: `unknown kind ${kind}`, code: "kind" });
    const time = new DataView(new ArrayBuffer(9));
    time.setUint8(0, 2);
    time.setBigUint64(1, BigInt(Date.now()));
    return connection.send(new Uint8Array(time.buffer));
  },
  onDisconnect: ({ connectionId, reason, framesReceived }) =>
    console.log(connectionId, "left:", reason, "after", framesReceived, "frames"),
});
console.log("devices:", server.address);

onSignals(server);
await server.finished;
