// The server of the runtime that runs the test, and a client on each of the three; the runner makes nine pairs of it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lines } from "../../src/core/framing/lines.ts";
import { findBun, findDeno, findNode } from "../../scripts/runtimes.mjs";
import { clientPair, serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { Real } from "../support/server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const limit = { timeout: 60_000 };

const clients: readonly (readonly [string, () => { readonly program: string }, readonly string[]])[] = [
  ["Node", findNode, ["--import", "tsx"]],
  ["Bun", findBun, []],
  ["Deno", findDeno, ["run", "-A", "--no-check", "--quiet"]],
];

/** What a program prints, and its errors where it fails. */
function output(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, timeout: 30_000 });
    let out = "", err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => err += text);
    child.on("error", reject);
    child.on("close", (code) => code === 0 ? resolve(out) : reject(new Error(`ended with ${code}: ${err}`)));
  });
}

for (const [runtime, find, flags] of clients) {
  it(
    `a client on ${runtime} and this server know each other by certificate (F-29, F-30, F-33)`,
    limit,
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "millrace-pairs-"));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const [{ cert: ca }, own, pair] = await Promise.all([
        testAuthority(),
        clientPair("pair"),
        serverPair(),
      ]);
      const files = { "ca.crt": ca, "client.crt": own.cert, "client.key": own.key };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      const place = await Real.at(t);
      const server = await place.serve<string>({
        framing: lines({ encoding: "utf-8" }),
        tls: { ...pair, clientCertificates: "require", ca, alpn: ["lines"] },
        onFrame: (line, connection) =>
          connection.send(`${connection.peer.tls!.certificate!.subject} ${line}`),
      });
      const port = server.address.transport === "tcp" ? server.address.port : 0;
      const long = "x".repeat(60_000);
      const words = ["one", long, "three"];
      const program = join(root, "tests/tls/programs/say.ts");
      const said = JSON.parse(
        await output(find().program, [...flags, program, String(port), folder, ...words]),
      );
      assert.deepEqual(said, {
        answers: words.map((word) => `CN=pair ${word}`),
        reason: "peer_closed",
        protocol: "TLSv1.3",
        alpn: "lines",
        authorized: true,
        subject: "CN=localhost",
      });
      await place.gone(1);
      assert.equal(place.records[0]!.reason, "peer_closed");
      assert.equal(place.records[0]!.error, undefined);
    },
  );
}
