// An echo server for lines over TLS whose certificate can be replaced while it runs. Try it:
//
//   npx millrace cert                                    makes certs/ca.crt and certs/localhost.crt
//   bun examples/tls_echo_rotation.ts                    or deno run -A, or npx tsx
//   npx millrace connect localhost:3039 --tls --ca certs/ca.crt
//   npx millrace cert --force                            a new one: new connections get it, open ones continue
import process from "node:process";
import { certificates, lines, onSignals, serve } from "millrace";

const [port = "3039", folder = "certs"] = process.argv.slice(2);
const tls = certificates({
  main: { certFile: `${folder}/localhost.crt`, keyFile: `${folder}/localhost.key` },
});
tls.onChange(({ name }) => {
  const facts = tls.inspect().find((certificate) => certificate.name === name);
  if (facts) console.log(name, "in service:", facts.fingerprint256, new Date(facts.validTo).toISOString());
});

const server = await serve({
  port: Number(port),
  framing: lines(),
  tls,
  onFrame: (line, connection) => connection.send(line),
});
console.log("tls echo:", server.address);

onSignals(server);
await server.finished;
