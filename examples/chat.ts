// A chat: every line is sent to all other connections. Try it with several terminals: nc 127.0.0.1 3035
import process from "node:process";
import { lines, onSignals, serve } from "millrace";

const server = await serve({
  port: Number(process.argv[2] ?? 3035),
  framing: lines({ encoding: "utf-8" }),
  idleTimeout: "30 minutes",
  // A connection that does not read loses the oldest lines, and no other connection waits for it.
  egressPolicy: "drop-oldest",
  context: () => ({ name: "" }),
  onConnect: (connection) => void connection.send("your name?"),
  // `publish` does not wait; the promise of `broadcast` would wait for the slowest peer and hold this one back.
  onFrame: (line, connection) => {
    const { name } = connection.context;
    if (name !== "") {
      server.publish(`${name}: ${line}`, (other) => other !== connection);
      return;
    }
    connection.context.name = line.trim() || connection.id;
    connection.send(`hello, ${connection.context.name}; ${server.connections.size} here`);
    server.publish(`* ${connection.context.name} came`, (other) => other !== connection);
  },
  onDisconnect: ({ reason }, connection) =>
    void server.publish(`* ${connection.context.name || connection.id} left (${reason})`),
});
console.log("chat:", server.address);

onSignals(server);
await server.finished;
