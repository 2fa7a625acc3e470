import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import process from "node:process";
import { describe, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { onLoopback } from "../contract/native.ts";
import { within } from "../contract/within.ts";
import { testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { Program } from "../support/program.ts";

const adapter = await detectAdapter();
const subject = onLoopback(adapter);

function whyNot(): string | false {
  if (!existsSync("/proc/self/fd")) return "this system does not show the descriptors of a process";
  const { status } = spawnSync("python3", ["--version"]);
  return status === 0 ? false : "this machine has no python3 for a listener whose queue stays full";
}

/** The port of a listener at which attempts to connect hang. */
async function fullQueue(t: TestContext): Promise<string> {
  const file = fileURLToPath(new URL("./programs/full_queue.py", import.meta.url));
  const child = spawn("python3", [file], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const port = new Promise<string>((resolve) =>
    child.stdout.once("data", (text) => resolve(`${text}`.trim()))
  );
  return await within(port, () => "the port of the full queue");
}

/** Listens, and neither says nor ends anything. */
async function silence(
  t: TestContext,
  place: { host: string; port: number } | { path: string },
): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on("error", () => {})));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await within(new Promise<void>((resolve) => server.listen(place, resolve)), () => "listening");
  const address = server.address();
  return typeof address === "string" ? address : `${address!.port}`;
}

describe(`an attempt to connect that is given up, on the ${adapter.name} adapter`, () => {
  const what = "leaves no descriptor, and lets the process end";
  it(`S-52: ${what}`, { skip: whyNot(), timeout: 60_000 }, async (t) => {
    process.env.MILLRACE_TEST_CA = (await testAuthority()).cert;
    const program = new Program(t, "tests/adapters/programs/give_up_connecting.ts", [
      await fullQueue(t),
      await silence(t, { host: "127.0.0.1", port: 0 }),
      await silence(t, { path: subject.unixPath() }),
    ]);
    const { code, signal, out, err } = await program.end();
    assert.deepEqual([err, code, signal], ["", 0, null]);
    const said = out.trim().split("\n");
    const [, left, rounds] = /^left (\d+) sockets in (\d+) rounds$/.exec(said.pop() ?? "") ?? [];
    // Deno opens a pair of its own at some time or other; what an attempt leaves, it leaves in each round.
    assert.ok(Number(left) < Number(rounds), `${left} sockets were left in ${rounds} rounds`);
    assert.equal(said.length, 96);
    for (const line of said) {
      assert.match(line, /^[a-zA-Z: ]+ (aborted: SocketError aborted|too late: TimeoutError connect)$/);
    }
  });
});
