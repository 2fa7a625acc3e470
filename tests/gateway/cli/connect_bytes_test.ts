/** `millrace connect` between two real pipes: bytes that are no text, and a reader that takes its time. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { raw } from "../../../src/core/framing/raw.ts";
import { framingSpec } from "../../../src/gateway/cli/framing_spec.ts";
import { serve } from "../../../src/server/serve.ts";
import { type Cleaner, commandLine, runMillrace } from "../../support/program.ts";
import { soon } from "../support.ts";
import { startEcho } from "./echo_server.ts";
import { it } from "../../support/it.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const limit = { timeout: 60_000 };

/** Every byte, every pair with a line end, and what is no UTF-8, over and over. */
const binary = Uint8Array.from(
  { length: 300_001 },
  (_, i) => i % 7 === 0 ? 10 : i % 11 === 0 ? 13 : (i * 31) % 256,
);

/** Runs `millrace` between pipes; gives its exit code and what came out. `reader` is what reads, a line of shell. */
async function piped(
  t: Cleaner,
  input: Uint8Array,
  args: readonly string[],
  reader = 'cat >"$out"',
): Promise<{ readonly ended: Promise<{ code: number; out: Uint8Array }>; letReaderGo(): void }> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-pipe-"));
  t.after(() => rm(folder, { recursive: true }));
  const [from, to] = [join(folder, "in"), join(folder, "out")];
  await writeFile(from, input);
  const script = "in=$1; out=$2; shift 2; exec 3>&1 4<&0; " +
    `cat "$in" | { "$@" 4<&- 3>&-; echo $? >&3; } | { ${reader}; }`;
  const command = [process.execPath, ...commandLine("src/gateway/main.ts", args)];
  const shell = spawn("sh", ["-c", script, "sh", from, to, ...command], { cwd: root });
  shell.stdin!.on("error", () => {});
  t.after(() => shell.stdin!.end());
  let said = "";
  shell.stdout!.setEncoding("utf8").on("data", (text: string) => said += text);
  const ended = new Promise<void>((resolve) => shell.on("close", () => resolve())).then(async () => ({
    code: Number(said),
    out: Uint8Array.from(await readFile(to)),
  }));
  return { ended, letReaderGo: () => shell.stdin!.end() };
}

function same(found: Uint8Array, wanted: Uint8Array): void {
  assert.equal(found.length, wanted.length);
  const wrong = found.findIndex((byte, at) => byte !== wanted[at]);
  assert.equal(wrong, -1, `byte ${wrong} is ${found[wrong]}, not ${wanted[wrong]}`);
}

describe("millrace connect and bytes", () => {
  for (
    const [what, input] of [["binary data", binary], ["nothing", new Uint8Array(0)], [
      "a newline alone",
      Uint8Array.of(10),
    ]] as const
  ) {
    it(`passes ${what} on unchanged with -f raw, out and back`, limit, async (t) => {
      const { port } = await startEcho(t, raw());
      const { code, out } = await (await piped(t, input, ["connect", String(port), "-f", "raw"])).ended;
      assert.equal(code, 0);
      same(out, input);
    });
  }

  it("writes frames as they are with -o bytes, whatever the framing", limit, async (t) => {
    const { port } = await startEcho(t, framingSpec("length:2").framing);
    const input = Uint8Array.of(255, 0, 10, 254, 10);
    const args = ["connect", String(port), "-f", "length:2", "-o", "bytes"];
    const { code, out } = await (await piped(t, input, args)).ended;
    assert.deepEqual([code, ...out], [0, 255, 0, 254]);
  });

  it("refuses input without lines where frames need them", limit, async (t) => {
    const { code, err } = await runMillrace(t, ["connect", "1", "-f", "lines", "-i", "bytes"]);
    assert.equal(code, 2);
    assert.match(err, /^millrace: --input: found "bytes", expected text or hex with --framing lines/);
  });

  it("loses nothing to a reader that begins long after the server has closed", limit, async (t) => {
    let closed: () => void = () => {};
    const gone = new Promise<void>((resolve) => closed = resolve);
    // More than a pipe holds, and little enough that the rest does not hold back the server.
    const sent = binary.subarray(0, 72_000);
    const server = await serve({
      port: 0,
      framing: raw(),
      logger: () => {},
      onDisconnect: () => closed(),
      async handler(connection) {
        await connection.send(sent);
      },
    });
    t.after(() => server.destroy());
    assert.ok(server.address.transport === "tcp");
    const args = ["connect", String(server.address.port), "-f", "raw"];
    const { ended, letReaderGo } = await piped(t, new Uint8Array(0), args, 'read -r go <&4; cat >"$out"');
    await soon(gone, "the end of the connection");
    // Longer than a program that is done waits for what hangs.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    letReaderGo();
    const { code, out } = await ended;
    assert.equal(code, 0);
    same(out, sent);
  });
});
