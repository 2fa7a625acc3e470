// A server that stops at signals, on a clock that moves as standard input says: a number of milliseconds a line. The
// process ends with its input, if the server has stopped.
import process from "node:process";
import { lines, onSignals, serve, type SignalsOptions } from "../../../mod.ts";
import { FakeClock } from "../../../src/testing/mod.ts";

const [deadline = "60000", ...signals] = process.argv.slice(2);
let release!: () => void;
const released = new Promise<void>((resolve) => release = resolve);
const server = await serve({
  port: 0,
  framing: lines({ encoding: "utf-8" }),
  onDrain: () => console.log("draining"),
  handler: async (connection) => {
    for await (const line of connection) await connection.send(line);
    // What a connection still has to finish when the server drains.
    await released;
    await connection.send("done");
  },
});
const clock = new FakeClock();
onSignals(server, {
  deadline: Number(deadline),
  clock,
  signals: signals.length > 0 ? signals as SignalsOptions["signals"] : undefined,
});

// Behind the library's own listeners, so that what is printed has been heard there.
const heard = (["SIGINT", "SIGTERM"] as const).map((name) =>
  [name, () => console.log("heard", name)] as const
);
for (const [name, listener] of heard) process.on(name, listener);
process.stdin.setEncoding("utf8").on("data", (text: string) => {
  for (const word of text.trim().split("\n")) {
    if (word === "release") release();
    else if (word === "deaf") { for (const [name, listener] of heard) process.off(name, listener); }
    else clock.advance(Number(word));
    console.log("did", word);
  }
});
console.log("port:", server.address.port);
const { drained, destroyed } = await server.finished;
console.log("finished:", drained, "drained,", destroyed.length, "destroyed");
