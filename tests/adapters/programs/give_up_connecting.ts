// Gives up connecting in every way, says what it got and how many sockets that left, and then has nothing more to do.
import { readdirSync, readlinkSync } from "node:fs";
import process from "node:process";
import { connect, lines } from "../../../mod.ts";

const [full, silent, path] = process.argv.slice(2);
const hanging = { host: "127.0.0.1", port: Number(full) };
const silence = { host: "127.0.0.1", port: Number(silent) };
const tls = { ca: process.env.MILLRACE_TEST_CA!, serverName: "localhost" };

function sockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}

function attempt(name: string, where: object, how: "aborted" | "too late"): Promise<void> {
  const abort = new AbortController();
  if (how === "aborted") setTimeout(() => abort.abort(), 50);
  const limit = how === "aborted" ? {} : { connectTimeout: 50 };
  return connect({ framing: lines(), signal: abort.signal, ...where, ...limit } as never).then(
    () => console.log(`${name} ${how}: connected`),
    ({ _tag, reason }) => console.log(`${name} ${how}: ${_tag} ${reason}`),
  );
}

// The runtime opens some of its own when first asked.
let before = Infinity;
const rounds = 8;
for (let round = 0; round < rounds; round++) {
  for (const how of ["aborted", "too late"] as const) {
    await Promise.all([
      attempt("TCP", hanging, how),
      attempt("TCP for TLS", { ...hanging, tls }, how),
      attempt("TCP for node:tls", { ...hanging, tls: { ...tls, serverName: "127.0.0.1" } }, how),
      attempt("upgradable TCP", { ...hanging, upgradable: true }, how),
      attempt("handshake", { ...silence, tls }, how),
      attempt("handshake at a path", { path, tls }, how),
    ]);
  }
  if (round === 0) before = sockets();
}
// A descriptor is closed a turn or more after it was told.
for (let turn = 0; turn < 200 && sockets() > before; turn++) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
console.log(`left ${Math.max(0, sockets() - before)} sockets in ${rounds - 1} rounds`);
