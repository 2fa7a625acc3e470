// --tls of serve, connect and bench, with certificates that millrace cert has made: what it says to type next works.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { runProgram } from "../../../src/gateway/cli/program.ts";
import { makeAuthority } from "../../support/certificates.ts";
import { it } from "../../support/it.ts";
import { type Cleaner, type Program, runMillrace, startMillrace } from "../../support/program.ts";
import { memoryShell } from "./memory_shell.ts";

const limit = { timeout: 60_000 };

/** Makes certificates; gives the folder, and the commands that it says come next, as arguments of `millrace`. */
async function makeCertificates(t: Cleaner, ...args: string[]): Promise<[folder: string, next: string[][]]> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-tls-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const shell = memoryShell();
  assert.equal(await runProgram(["cert", "--out", folder, ...args], shell), 0, shell.errors.text);
  const [, commands] = /\nNext\n(.*?)\n\n/s.exec(shell.output.text)!;
  return [folder, commands!.split("\n").map((line) => line.trim().split(" ").slice(1))];
}

/** Runs a command that serves on a port that is free. */
async function startServer(t: Cleaner, command: readonly string[]): Promise<[Program, port: string]> {
  const args = command.map((word) => word === "3034" ? "0" : word);
  const program = startMillrace(t, ...args);
  const [, port] = await program.said("err", /listening on 127\.0\.0\.1:(\d+) with TLS, /);
  return [program, port!];
}

function atPort(command: readonly string[], port: string): string[] {
  return command.map((word) => word.replace(/:3034$/, `:${port}`));
}

async function stop(program: Program): Promise<string> {
  program.signal("SIGTERM");
  const { code, err } = await program.end();
  assert.equal(code, 0, err);
  return err;
}

describe("--tls on the command line", () => {
  it("works as millrace cert says: serve and connect", limit, async (t) => {
    const [, [serve, connect]] = await makeCertificates(t);
    const [program, port] = await startServer(t, serve!);
    const { code, out, err } = await runMillrace(t, atPort(connect!, port), "hello\n");
    assert.deepEqual([code, out], [0, "hello\n"], err);
    await stop(program);
  });

  it("works as serve says: connect", limit, async (t) => {
    const [folder, [serve]] = await makeCertificates(t, "--name", "device.example", "*.device.example");
    const [program, port] = await startServer(t, serve!);
    const [, said] = await program.said("err", /try {2}millrace (.*?) {2}\(/);
    assert.ok(said!.includes(`--tls --ca ${folder}/ca.crt --server-name device.example`), said);
    const args = said!.replaceAll("'", "").split(" ");
    assert.ok(args.includes(`127.0.0.1:${port}`), said);
    const { code, out, err } = await runMillrace(t, args, "hello\n");
    assert.deepEqual([code, out], [0, "hello\n"], err);
    await stop(program);
  });

  it(
    "works as millrace cert says with a client's certificate, and without it nobody comes in",
    limit,
    async (t) => {
      const [folder] = await makeCertificates(t);
      const shell = memoryShell();
      assert.equal(await runProgram(["cert", "--out", folder, "--client", "terminal-7"], shell), 0);
      const [serve, connect] = /\nNext\n(.*?)\n\n/s.exec(shell.output.text)![1]!.split("\n")
        .map((line) => line.trim().split(" ").slice(1));
      const [program, port] = await startServer(t, serve!);
      const good = await runMillrace(t, atPort(connect!, port), "hello\n");
      assert.deepEqual([good.code, good.out], [0, "hello\n"], good.err);
      const bare = atPort(connect!, port).slice(0, connect!.indexOf("--cert"));
      const { code, out, err } = await runMillrace(t, bare, "hello\n");
      assert.deepEqual([code, out], [1, ""]);
      assert.match(err, /certificate/i);
      await stop(program);
    },
  );

  it("checks the server's certificate, unless --insecure says loudly not to (F-33)", limit, async (t) => {
    const [folder, [serve]] = await makeCertificates(t);
    const [program, port] = await startServer(t, serve!);
    const place = `127.0.0.1:${port}`;
    const unknown = await runMillrace(t, ["connect", place, "--tls"], "hello\n");
    assert.deepEqual([unknown.code, unknown.out], [1, ""]);
    assert.match(unknown.err, /^millrace: TLS handshake with .*set ca to the CA that signed.*\n$/);
    const ca = ["--ca", join(folder, "ca.crt")];
    const other = await runMillrace(
      t,
      ["connect", place, "--tls", ...ca, "--server-name", "other.example"],
      "hello\n",
    );
    assert.deepEqual([other.code, other.out], [1, ""]);
    assert.match(other.err, /other\.example/);
    const insecure = await runMillrace(t, ["connect", place, "--tls", "--insecure"], "hello\n");
    assert.deepEqual([insecure.code, insecure.out], [0, "hello\n"], insecure.err);
    assert.match(insecure.err, /insecure/i);
    await stop(program);
  });

  it("takes a protocol that both sides speak, and no other (F-32)", limit, async (t) => {
    const [, [serve, connect]] = await makeCertificates(t);
    const [program, port] = await startServer(t, [...serve!, "--alpn", "x-lines,mqtt"]);
    const args = atPort(connect!, port);
    const good = await runMillrace(t, [...args, "--alpn", "mqtt"], "hello\n");
    assert.deepEqual([good.code, good.out], [0, "hello\n"], good.err);
    const bad = await runMillrace(t, [...args, "--alpn", "h2"], "hello\n");
    assert.deepEqual([bad.code, bad.out], [1, ""]);
    // What a handshake does at once must not take the server with it.
    const again = await runMillrace(t, [...args, "--alpn", "x-lines"], "hello\n");
    assert.deepEqual([again.code, again.out], [0, "hello\n"], again.err);
    await stop(program);
  });

  it("puts a server with TLS under load", limit, async (t) => {
    const [, [serve, connect]] = await makeCertificates(t);
    const [program, port] = await startServer(t, [...serve!, "--quiet"]);
    const [, place, ...flags] = atPort(connect!, port);
    const figures = [
      "--connections",
      "3",
      "--depth",
      "2",
      "--duration",
      "200ms",
      "--warmup",
      "0ms",
      "--json",
    ];
    const { code, out, err } = await runMillrace(t, ["bench", place!, ...figures, ...flags]);
    assert.equal(code, 0, err);
    const report = JSON.parse(out);
    assert.ok(report.messages > 0 && report.lost === 0, out);
    const refused = await runMillrace(t, ["bench", place!, ...figures, "--tls"]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /set ca to the CA/);
    await stop(program);
  });

  it("says which file is at fault, and starts nothing", limit, async (t) => {
    const [folder] = await makeCertificates(t);
    const cert = join(folder, "localhost.crt");
    writeFileSync(join(folder, "other.key"), (await makeAuthority()).key);
    const cases: [args: string[], wanted: RegExp][] = [
      [["--cert", join(folder, "none.crt"), "--key", join(folder, "localhost.key")], /none\.crt/],
      [["--cert", cert, "--key", join(folder, "other.key")], /other\.key: found a key that does not belong/],
      [
        ["--cert", cert, "--key", join(folder, "localhost.key"), "--ca", join(folder, "none")],
        /use \S+none: found no readable file/,
      ],
    ];
    for (const [args, wanted] of cases) {
      const { code, err } = await runMillrace(t, ["serve", "--port", "0", "--tls", ...args]);
      assert.equal(code, 1, err);
      assert.match(err, wanted);
    }
    const dial = ["connect", "127.0.0.1:1", "--tls", "--ca", join(folder, "none")];
    const { code, err } = await runMillrace(t, dial);
    assert.equal(code, 1);
    assert.match(err, /read \S+none: there is no such file/);
  });

  it(
    "millrace check finds faults in files, with their lines, and warns of insecureSkipVerify",
    limit,
    async (t) => {
      const [folder] = await makeCertificates(t);
      const config = join(folder, "gateway.yaml");
      const dialling =
        "endpoints:\n  - name: out\n    connect: 127.0.0.1:1\n    tls:\n      insecureSkipVerify: true\n";
      writeFileSync(config, dialling);
      const warned = memoryShell();
      assert.equal(await runProgram(["check", config], warned), 0);
      assert.match(
        warned.output.text,
        /no faults; 1 endpoint\nwarning: endpoints\[0\]\.tls\.insecureSkipVerify: anyone on the path can read/,
      );
      writeFileSync(
        config,
        "endpoints:\n  - name: in\n    listen: 127.0.0.1:0\n    tls: { cert: localhost.crt, key: none.key }\n",
      );
      const refused = memoryShell();
      assert.equal(await runProgram(["check", config], refused), 1);
      const wanted = `${config}:4:38: endpoints[0].tls.key: found "${folder}/none.key", ` +
        "expected a file that can be read; there is no such file\n";
      assert.equal(refused.output.text, `${wanted}1 fault in ${config}\n`);
    },
  );

  const usage: [what: string, args: string[], wanted: RegExp][] = [
    [
      "serve --tls without a certificate",
      ["serve", "--tls"],
      /--tls needs --cert and --key; `millrace cert`/,
    ],
    ["a certificate without --tls", ["serve", "--cert", "a", "--key", "b"], /--cert needs --tls/],
    ["a certificate without its key", ["serve", "--tls", "--cert", "a"], /--cert needs --key/],
    ["a CA without --tls", ["connect", "1", "--ca", "a"], /--ca needs --tls/],
    ["--insecure without --tls", ["bench", "1", "--insecure"], /--insecure needs --tls/],
    [
      "--insecure with --ca",
      ["connect", "1", "--tls", "--insecure", "--ca", "a"],
      /--insecure cannot be combined with --ca/,
    ],
    ["a path without a name", ["connect", "unix:/x", "--tls"], /--tls on a Unix socket needs --server-name/],
    [
      "a name that is none",
      ["connect", "1", "--tls", "--server-name", "*.x"],
      /found "\*\.x", expected the name/,
    ],
    [
      "protocols without names",
      ["connect", "1", "--tls", "--alpn", "a,,b"],
      /found "a,,b", expected protocols/,
    ],
  ];
  for (const [what, args, wanted] of usage) {
    it(`refuses ${what}, with exit code 2`, async () => {
      const shell = memoryShell();
      assert.equal(await runProgram(args, shell), 2);
      assert.match(shell.errors.text, wanted);
      assert.equal(shell.output.text, "");
    });
  }
});
