// Lines over TLS from devices that are identified by their certificates; other clients are rejected. Try it:
//
//   npx millrace cert && npx millrace cert --client device-7
//   bun examples/mtls_device_server.ts                   or deno run -A, or npx tsx
//   npx millrace connect localhost:3040 --tls --ca certs/ca.crt --cert certs/device-7.crt --key certs/device-7.key
import { readFile } from "node:fs/promises";
import process from "node:process";
import { lines, onSignals, type PeerCertificate, serve } from "millrace";

const [port = "3040", folder = "certs"] = process.argv.slice(2);
const [cert, key, ca] = await Promise.all(
  ["localhost.crt", "localhost.key", "ca.crt"].map((name) => readFile(`${folder}/${name}`, "utf8")),
);
const deviceOf = (certificate?: PeerCertificate) => /^CN=(device-\d+)$/.exec(certificate?.subject ?? "")?.[1];

const server = await serve({
  port: Number(port),
  framing: lines({ encoding: "utf-8" }),
  tls: {
    cert: cert!,
    key: key!,
    clientCertificates: "require",
    ca,
    // A signature of our CA is not enough: only devices are accepted.
    authorize: (certificate) => deviceOf(certificate) !== undefined,
  },
  context: ({ peer }) => ({ device: deviceOf(peer.tls?.certificate) }),
  onConnect: ({ context, peer }) => console.log(context.device, "connected with", peer.tls?.protocol),
  onFrame: (line, connection) => connection.send(`${connection.context.device}: ${line}`),
});
console.log("devices:", server.address);

onSignals(server);
await server.finished;
