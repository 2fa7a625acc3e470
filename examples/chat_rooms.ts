// A chat with rooms. The first line is a name, "/join ROOM" changes the room, and any other line goes to everybody else in it. A
// server that stops says goodbye to all. Try it with several terminals: nc 127.0.0.1 3036
import process from "node:process";
import { type Connection, lines, onSignals, serve } from "millrace";

interface Guest {
  name: string;
  room: string;
}

const server = await serve({
  port: Number(process.argv[2] ?? 3036),
  framing: lines({ encoding: "utf-8", maxFrameBytes: 4096 }),
  idleTimeout: "30 minutes",
  rateLimit: { framesPerSecond: 50 },
  egressPolicy: "drop-oldest",
  goodbye: "* the server stops; come back in a minute",
  context: (): Guest => ({ name: "", room: "" }),
  onConnect: (connection) => void connection.send("your name?"),
  onFrame: (line, connection) => {
    const guest = connection.context;
    if (guest.name === "") {
      guest.name = line.trim() || connection.id;
      return enter(connection, "lobby");
    }
    const [, room] = /^\/join (\w{1,32})$/.exec(line) ?? [];
    if (room !== undefined) return enter(connection, room);
    if (line.startsWith("/")) return connection.send("* there is only /join ROOM");
    tell(connection, `${guest.name}: ${line}`);
  },
  onDisconnect: ({ reason }, connection) => tell(connection, `* ${connection.context.name} left (${reason})`),
});
console.log("rooms:", server.address);

function enter(connection: Connection<string, string, Guest>, room: string): void {
  const guest = connection.context;
  tell(connection, `* ${guest.name} left for ${room}`);
  guest.room = room;
  tell(connection, `* ${guest.name} came`);
  connection.send(`* you are in ${room}`);
}

/** To the others in the room; `publish` does not wait for any of them. */
function tell(from: Connection<string, string, Guest>, text: string): void {
  const { room } = from.context;
  if (room !== "") server.publish(text, (other) => other !== from && other.context.room === room);
}

onSignals(server);
await server.finished;
