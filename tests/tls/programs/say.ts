// A client with TLS: says each argument and prints what comes back, then what was agreed on.
import process from "node:process";
import { readFileSync } from "node:fs";
import { connect } from "../../../src/client/connect.ts";
import { lines } from "../../../src/core/framing/lines.ts";

const [port, folder, ...words] = process.argv.slice(2);
const file = (name: string): string => readFileSync(`${folder}/${name}`, "utf8");
const connection = await connect<string>({
  port: Number(port),
  framing: lines({ encoding: "utf-8" }),
  tls: {
    ca: file("ca.crt"),
    cert: file("client.crt"),
    key: file("client.key"),
    serverName: "localhost",
    alpn: ["lines"],
  },
});
const answers: string[] = [];
for (const word of words) await connection.send(word);
for await (const answer of connection) if (answers.push(answer) === words.length) break;
connection.end();
const { reason } = await connection.closed;
const { protocol, alpn, authorized, certificate } = connection.peer.tls!;
console.log(JSON.stringify({ answers, reason, protocol, alpn, authorized, subject: certificate?.subject }));
