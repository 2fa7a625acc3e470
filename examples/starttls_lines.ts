// Plaintext lines until the client sends STARTTLS; then the same connection continues over TLS. The certificates come from
// `npx millrace cert`; the client calls `await connection.upgrade({ ca, serverName: "localhost" })`.
//
//   bun examples/starttls_lines.ts                       or deno run -A, or npx tsx
import { readFile } from "node:fs/promises";
import process from "node:process";
import { lines, onSignals, serve } from "millrace";

const [port = "3041", folder = "certs"] = process.argv.slice(2);
const [cert, key] = await Promise.all(
  ["localhost.crt", "localhost.key"].map((name) => readFile(`${folder}/${name}`, "utf8")),
);

const server = await serve({
  port: Number(port),
  framing: lines({ encoding: "utf-8" }),
  upgradable: true,
  handler: async (connection) => {
    for await (const line of connection) {
      const { tls } = connection.peer;
      if (tls !== undefined) await connection.send(`secured by ${tls.protocol}: ${line}`);
      else if (line !== "STARTTLS") await connection.send("say STARTTLS first");
      else {
        await connection.send("go ahead");
        await connection.upgrade({ cert: cert!, key: key! });
      }
    }
  },
});
console.log("starttls:", server.address);

onSignals(server);
await server.finished;
