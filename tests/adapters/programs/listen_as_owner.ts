// Listens at a path whose file is to belong to somebody else, and says as JSON what came of it.
import process from "node:process";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import { SocketError } from "../../../src/core/errors.ts";

const [path = "", uid = ""] = process.argv.slice(2);
const adapter = await detectAdapter();
try {
  const listener = await adapter.listen(
    {
      address: { transport: "unix", path },
      backlog: undefined,
      reusePort: false,
      ipv6Only: false,
      tls: undefined,
      noDelay: true,
      keepAlive: "system",
      rights: { mode: 0o660, uid: Number(uid) },
      failed: () => {},
    },
    (transport) => transport.abort(),
  );
  await listener.stop();
  console.log(JSON.stringify({ reason: "none" }));
} catch (error) {
  const reason = error instanceof SocketError ? error.reason : "untyped";
  console.log(JSON.stringify({ reason, message: String((error as Error).message) }));
}
