// An echo server for lines. Try it: nc 127.0.0.1 3034
//
//   bun examples/echo.ts
//   deno run --allow-net examples/echo.ts
//   npx tsx examples/echo.ts
import process from "node:process";
import { lines, onSignals, serve } from "millrace";

const server = await serve({
  port: Number(process.argv[2] ?? 3034),
  framing: lines(),
  handler: async (connection) => {
    for await (const line of connection) await connection.send(line);
  },
});
console.log("echo:", server.address);

onSignals(server);
await server.finished;
