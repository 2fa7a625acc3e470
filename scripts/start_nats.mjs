/**
 * `npm run start:nats [-- PORT]`: runs nats-server with JetStream on this machine alone, for trying the gateway on NATS.
 *
 * Its messages are in the folder `.nats`; delete that to begin anew. It is not a server for production.
 */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { root } from "./install.mjs";

const [port = "4222"] = process.argv.slice(2);
const program = ["nats-server", "/usr/sbin/nats-server", "/usr/local/bin/nats-server"].find((name) =>
  spawnSync(name, ["--version"]).status === 0
);
if (program === undefined) {
  console.error(
    "npm run start:nats: there is no nats-server on the path; install it: apt-get install nats-server, " +
      "brew install nats-server, or see https://docs.nats.io/running-a-nats-service/introduction/installation",
  );
  process.exit(1);
}
const server = spawn(program, ["-a", "127.0.0.1", "-p", port, "-js", "-sd", join(root, ".nats")], {
  stdio: "inherit",
});
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => server.kill(signal));
// Its exit code on SIGTERM is 1 before version 2.11.
server.on("exit", (code, signal) => process.exit(signal === null ? code ?? 0 : 0));
