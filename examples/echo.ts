// An echo server for lines. Try it: nc 127.0.0.1 3034
//
//   bun examples/echo.ts
//   deno run --allow-net examples/echo.ts
//   npx tsx examples/echo.ts
import process from "node:process";
import { lines, serve } from "../mod.ts";

const server = await serve({
  port: Number(process.argv[2] ?? 3034),
  framing: lines(),
  handler: async (connection) => {
    for await (const line of connection) await connection.send(line);
  },
});
console.log("echo:", server.address);

process.once("SIGINT", () => void server.close());
process.once("SIGTERM", () => void server.shutdown({ deadline: "10 seconds" }));
await server.finished;
