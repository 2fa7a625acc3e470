// Connects to the port that is given, as often as is said, and resets each connection as soon as it is there.
import { connect } from "node:net";
import process from "node:process";

const [port, times] = process.argv.slice(2).map(Number);
for (let i = 0; i < times!; i++) {
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port!, "127.0.0.1", () => socket.resetAndDestroy());
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}
