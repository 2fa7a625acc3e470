// The programs in examples/ that use TLS, with certificates of millrace cert, and talked to as by anybody.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { connect } from "../src/client/connect.ts";
import type { Connection } from "../src/connection/connection.ts";
import { lines } from "../src/core/framing/lines.ts";
import { raw } from "../src/core/framing/raw.ts";
import { runProgram } from "../src/gateway/cli/program.ts";
import { memoryShell } from "./gateway/cli/memory_shell.ts";
import { read } from "./gateway/support.ts";
import { it } from "./support/it.ts";
import { type Cleaner, Program, startMillrace } from "./support/program.ts";

const limit = { timeout: 60_000 };

async function millrace(...args: string[]): Promise<string> {
  const shell = memoryShell();
  assert.equal(await runProgram(args, shell), 0, shell.errors.text);
  return shell.output.text;
}

/** A folder with the certificates of `millrace cert`. */
async function certificates(t: Cleaner, ...clients: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-examples-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await millrace("cert", "--out", folder);
  for (const client of clients) await millrace("cert", "--out", folder, "--client", client);
  return folder;
}

async function start(t: Cleaner, name: string, folder: string): Promise<[Program, number]> {
  const program = new Program(t, `examples/${name}.ts`, ["0", folder]);
  const [, port] = await program.said("out", /port: (\d+)/);
  return [program, Number(port)];
}

async function secured(
  t: Cleaner,
  port: number,
  folder: string,
  client?: string,
): Promise<Connection<string, string>> {
  const text = (name: string): string => readFileSync(join(folder, name), "utf8");
  const own = client === undefined ? {} : { cert: text(`${client}.crt`), key: text(`${client}.key`) };
  const connection = await connect({
    port,
    framing: lines({ encoding: "utf-8" }),
    tls: { ca: text("ca.crt"), ...own },
  });
  t.after(() => connection.destroy());
  return connection;
}

const encoder = new TextEncoder();

/** Bytes over TLS. */
async function bytesOver(
  t: Cleaner,
  port: number,
  folder: string,
  client?: string,
): Promise<Connection<Uint8Array>> {
  const text = (name: string): string => readFileSync(join(folder, name), "utf8");
  const own = client === undefined ? {} : { cert: text(`${client}.crt`), key: text(`${client}.key`) };
  const connection = await connect({
    port,
    framing: raw(),
    allowHalfOpen: true,
    tls: { ca: text("ca.crt"), ...own },
  });
  t.after(() => connection.destroy());
  return connection;
}

/** Bytes in the clear. */
async function plainly(t: Cleaner, port: number): Promise<Connection<Uint8Array>> {
  const connection = await connect({ port, framing: raw(), allowHalfOpen: true });
  t.after(() => connection.destroy());
  return connection;
}

/** Everything that the far end says before it ends. */
async function allOf(connection: Connection<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of connection) text += decoder.decode(chunk, { stream: true });
  await connection.close();
  return text;
}

async function answer(connection: Connection<string, string>, line: string): Promise<string | undefined> {
  await connection.send(line);
  return (await read(connection, 1))[0];
}

async function drains(program: Program): Promise<void> {
  program.signal("SIGTERM");
  const { code, err } = await program.end();
  assert.equal(code, 0, err);
}

describe("examples with TLS", () => {
  it("the echo shows a new certificate to new connections, and open ones go on (F-31)", limit, async (t) => {
    const folder = await certificates(t);
    const [program, port] = await start(t, "tls_echo_rotation", folder);
    const before = await secured(t, port, folder);
    assert.equal(await answer(before, "one"), "one");
    const old = before.peer.tls?.certificate?.fingerprint256;
    await millrace("cert", "--out", folder, "--force");
    const [, current] = await program.said("out", /in service: (?:.*\n)*?.*in service: (\S+) /);
    const after = await secured(t, port, folder);
    assert.equal(await answer(after, "two"), "two");
    assert.equal(after.peer.tls?.certificate?.fingerprint256, current);
    assert.notEqual(current, old);
    assert.equal(await answer(before, "three"), "three");
    await drains(program);
  });

  it("the device server lets in devices by their certificates, and nobody else (F-30)", limit, async (t) => {
    const folder = await certificates(t, "device-7", "guest");
    const [program, port] = await start(t, "mtls_device_server", folder);
    const device = await secured(t, port, folder, "device-7");
    assert.equal(await answer(device, "21.5"), "device-7: 21.5");
    await program.said("out", /device-7 connected with TLSv1\.3/);
    for (const client of [undefined, "guest"]) {
      await assert.rejects(async () => {
        const stranger = await secured(t, port, folder, client);
        // With TLS 1.3 a client may hear of the refusal only after its side is done.
        await answer(stranger, "let me in");
      });
    }
    await drains(program);
  });

  it("the STARTTLS server answers in the clear, then secured, on one connection (F-34)", limit, async (t) => {
    const folder = await certificates(t);
    const [program, port] = await start(t, "starttls_lines", folder);
    const connection = await connect({ port, framing: lines({ encoding: "utf-8" }), upgradable: true });
    t.after(() => connection.destroy());
    assert.equal(await answer(connection, "secret"), "say STARTTLS first");
    assert.equal(await answer(connection, "STARTTLS"), "go ahead");
    await connection.upgrade({ ca: readFileSync(join(folder, "ca.crt"), "utf8") });
    assert.equal(await answer(connection, "secret"), "secured by TLSv1.3: secret");

    // What comes in the clear together with STARTTLS is never taken for what comes secured.
    const sly = dial({ port, host: "127.0.0.1" });
    t.after(() => sly.destroy());
    let got = "";
    const gone = new Promise<void>((resolve) => {
      sly.setEncoding("latin1").on("data", (text: string) => got += text).on("error", () => {});
      sly.on("close", () => resolve());
    });
    sly.write("STARTTLS\nsecret\n");
    await gone;
    assert.doesNotMatch(got, /secret/);
    await drains(program);
  });

  const servers = [
    { name: "tls_echo_rotation", clients: [], ask: "one\n", answer: "one\n" },
    { name: "mtls_device_server", clients: ["device-7"], ask: "21.5\n", answer: "device-7: 21.5\n" },
    { name: "starttls_lines", clients: undefined, ask: "secret\n", answer: "say STARTTLS first\n" },
  ];
  for (const { name, clients, ask, answer } of servers) {
    it(
      `S-59: ${name}: FIN at every place of a line ends that connection alone, one that never reads holds up nobody`,
      limit,
      async (t) => {
        const folder = await certificates(t, ...clients ?? []);
        const [program, port] = await start(t, name, folder);
        const open = () => clients === undefined ? plainly(t, port) : bytesOver(t, port, folder, clients[0]);
        for (let sent = 0; sent <= ask.length; sent++) {
          const peer = await open();
          if (sent > 0) await peer.send(encoder.encode(ask.slice(0, sent)));
          peer.end();
          assert.equal(await allOf(peer), sent === ask.length ? answer : "", `after ${sent} bytes`);
        }
        const deaf = await open();
        const most = 64 * 1024 * 1024;
        // Until it waits for room for as long as others are answered: nobody reads at the far end any more.
        const flooding = (async () => {
          const many = encoder.encode(ask.repeat(4096));
          while (deaf.stats().bytesSent < most) await deaf.send(many);
          return "taken";
        })().catch(() => "ended");
        for (let round = 0; round < 3; round++) {
          const other = await open();
          await other.send(encoder.encode(ask));
          other.end();
          assert.equal(await allOf(other), answer);
        }
        deaf.destroy();
        assert.equal(await flooding, "ended");
        await drains(program);
      },
    );
  }

  it("the gateway's config runs beside its certificates", limit, async (t) => {
    const folder = await certificates(t, "terminal-7");
    const root = mkdtempSync(join(tmpdir(), "millrace-examples-"));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    cpSync(folder, join(root, "certs"), { recursive: true });
    mkdirSync(join(root, "examples"));
    const config = join(root, "examples/gateway_tls.yaml");
    const text = readFileSync(new URL("../examples/gateway_tls.yaml", import.meta.url), "utf8");
    writeFileSync(config, text.replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:0"));
    assert.match(await millrace("check", config), /no faults; 2 endpoints\n$/);
    const program = startMillrace(t, "gateway", config);
    const [, open, flags] = await program.said("err", /public .*:(\d+) .* millrace connect \S+ (.*)\n/);
    assert.match(flags!, /^--tls --ca \S+\/certs\/ca\.crt --server-name localhost$/);
    const [, closed] = await program.said("err", /terminals .*:(\d+) \(lines, echo, TLS\)\n/);
    const [, admin] = await program.said("err", /admin +(http:\S+)/);
    const anybody = await secured(t, Number(open), folder);
    assert.equal(await answer(anybody, "hello"), "hello");
    const terminal = await secured(t, Number(closed), folder, "terminal-7");
    assert.equal(await answer(terminal, "hello"), "hello");
    const page = await (await fetch(`${admin}/metrics`)).text();
    assert.match(page, /^millrace_certificate_expiry_timestamp_seconds\{/m);
    await drains(program);
  });
});
