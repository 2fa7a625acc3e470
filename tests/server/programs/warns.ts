// A server with the logger that it has by default, or with one that throws. A frame that is no greeting is answered with an error of
// ten thousand characters, which is logged.
import process from "node:process";
import { lines, serve } from "../../../mod.ts";

const server = await serve({
  port: 0,
  framing: lines({ encoding: "utf-8" }),
  ...(process.argv[2] === "broken"
    ? {
      logger: () => {
        throw new Error("broken logger");
      },
    }
    : {}),
  async handler(connection) {
    for await (const line of connection) {
      if (line !== "hello") throw new Error("x".repeat(10_000));
      await connection.send(line);
    }
  },
});
console.log("listens on", server.address.port);
process.on("SIGTERM", () => void server.close().then(() => process.exit(0)));
