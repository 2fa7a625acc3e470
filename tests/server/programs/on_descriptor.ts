// An echo server on an inherited descriptor. Arguments: the descriptor, and the options of `serve` as JSON. Each line of
// standard input is a method to call; SIGTERM drains. What it does is told on standard output.
import process from "node:process";
import { lines, MillraceError, serve, type ServeOptions } from "../../../mod.ts";

const [fd = "3", options = "{}"] = process.argv.slice(2);

async function run(): Promise<void> {
  const server = await serve({
    ...JSON.parse(options) as Record<string, never>,
    fd: Number(fd),
    framing: lines({ encoding: "utf-8" }),
    onFrame: (line, connection) => connection.send(`${process.pid} ${line}`),
  } as ServeOptions<string>);
  process.on("SIGTERM", () => void server.close({ deadline: "10 seconds" }));
  process.stdin.setEncoding("utf8").on("data", (text: string) => {
    for (const word of text.trim().split("\n")) {
      const done = word === "again" ? again() : server[word as "suspend" | "resume" | "close"]();
      done.then(() => console.log("did", word), (error) => console.log("failed", word, told(error)));
    }
  });
  console.log("serving", JSON.stringify(server.address), server.inspect().tls?.engine ?? "plain");
  await server.finished;
  console.log("finished", JSON.stringify(server.stats().connectionsRejected));
}

/** A second server on the same descriptor. */
async function again(): Promise<void> {
  const other = await serve({ fd: Number(fd), framing: lines(), onFrame: () => {}, logger: () => {} });
  await other.close();
}

function told(error: unknown): string {
  return error instanceof MillraceError
    ? `${(error as { reason?: string }).reason}: ${error.message}`
    : String(error);
}

try {
  await run();
} catch (error) {
  console.log("failed", "serve", told(error));
}
