// Connects to names that have several addresses, of which most never answer, and says where it arrived or why it did not.
import process from "node:process";
import { connect, lines, serve } from "../../../mod.ts";

const port = Number(process.argv[2]);
const live = process.argv[3]!;
const { MILLRACE_TEST_CERT: cert = "", MILLRACE_TEST_KEY: key = "", MILLRACE_TEST_CA: ca = "" } = process.env;

await using _plain = await serve({ host: live, port, framing: lines(), onFrame: () => {} });
await using secure = await serve({
  host: live,
  port: 0,
  framing: lines(),
  tls: { cert, key },
  onFrame: () => {},
});

async function attempt(
  what: string,
  where: { host: string; port: number },
  tls?: { ca: string; serverName: string },
) {
  try {
    const connection = await connect({
      ...where,
      framing: lines(),
      connectTimeout: "10 seconds",
      ...(tls && { tls }),
    });
    console.log(`${what}: ${connection.peer.ip}`);
    await connection.close();
  } catch (error) {
    const { _tag, reason } = error as { _tag: string; reason: string };
    console.log(`${what}: ${_tag} ${reason}`);
  }
}

await attempt("six dead ones before it", { host: "late.test", port });
await attempt("one that refuses before it", { host: "refused.test", port });
await attempt("TLS", { host: "refused.test", port: secure.address.port }, { ca, serverName: "localhost" });
try {
  await connect({ host: "dead.test", port, framing: lines(), connectTimeout: "1 second" });
} catch (error) {
  console.log(`nobody: ${error}`);
}
