// @once: it is workerd that serves and connects here, and it does so alike whoever asks
/** Workers that serve TCP with `serveSocket`, and connect with `frameSocket`, in workerd itself. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as dial, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { gzipSync } from "node:zlib";
import { connect, lines, serve } from "../../mod.ts";
import { it } from "../support/it.ts";
import { testAuthority } from "../support/certificates.ts";
import { noWorkerd, startWorkerd } from "../support/workerd.ts";
import { securePeers, type Tidy } from "./draft_peer.ts";
import { bundled } from "./reference_worker.ts";

const framing = lines({ encoding: "utf-8" });

/** A Worker that serves TCP; `how` is the body of its `connect`. Resolves with its port. */
async function serving(t: Tidy, how: string, trusted?: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-workerd-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const module = await bundled(`
    import { connect } from "cloudflare:sockets";
    import { connectSocket, frameSocket, serveSocket, sockets } from "./src/sockets/edge.ts";
    import { lines, raw } from "./streams.ts";

    const framing = lines({ encoding: "utf-8", maxFrameBytes: 1_000 });
    export default { async connect(socket) { ${how} } };
  `);
  assert.doesNotMatch(module, /["']node:/);
  if (trusted !== undefined) writeFileSync(join(folder, "ca.pem"), trusted);
  const address = await startWorkerd(t, folder, module, {
    protocol: "tcp",
    ...(trusted !== undefined && { trusted: "ca.pem" }),
  });
  return Number(new URL(address).port);
}

describe("in workerd", { skip: noWorkerd, timeout: 300_000 }, () => {
  it("serveSocket answers lines for several peers at once, each with its own record (F-86, F-40)", async (t) => {
    const port = await serving(
      t,
      `
      const record = await serveSocket(socket, {
        framing,
        onFrame: (line, connection) => connection.send(line === "who" ? JSON.stringify(connection.peer) : "got " + line),
      });
      console.log(record.reason);
    `,
    );
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect({ port, framing })));
    const answers = await Promise.all(clients.map(async (client, at) => {
      const heard: string[] = [];
      await client.send(`${at}`);
      await client.send("who");
      for await (const line of client) if (heard.push(line) === 2) break;
      return heard;
    }));
    for (const [at, [answer, who]] of answers.entries()) {
      assert.equal(answer, `got ${at}`);
      const { local } = clients[at]!.peer;
      assert.ok(local.transport === "tcp");
      const address = { transport: "tcp", host: "127.0.0.1", port };
      assert.deepEqual(JSON.parse(who!), { ip: "127.0.0.1", port: local.port, local: address });
    }
    // One that leaves takes no timer of another one with it.
    await clients[0]!.close();
    await clients[1]!.send("still");
    for await (const line of clients[1]!) {
      assert.equal(line, "got still");
      break;
    }
    await Promise.all(clients.map((client) => client.close()));
  });

  it("a torn last line and one that is too large end their connection alone, and answers behind the peer's FIN arrive (F-86)", async (t) => {
    const port = await serving(
      t,
      `
      await serveSocket(socket, {
        framing,
        handler: async (connection) => {
          let count = 0;
          try {
            for await (const line of connection) count++;
          } catch (error) {
            await connection.send(error.reason);
          }
          await connection.send(count + " lines");
        },
      });
    `,
    );
    const answer = (sent: string): Promise<string> =>
      new Promise((resolve, reject) => {
        let all = "";
        const socket = dial({ port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.end(sent));
        socket.on("data", (chunk: Uint8Array) => void (all += new TextDecoder().decode(chunk)));
        socket.on("end", () => resolve(all));
        socket.on("error", reject);
      });
    assert.equal(await answer("one\ntwo\n"), "2 lines\n");
    assert.equal(await answer("one\nand a half"), "truncated\n1 lines\n");
    assert.equal(await answer(`one\n${"x".repeat(2_000)}\n`), "too_large\n1 lines\n");
    assert.equal(await answer("one\n"), "1 lines\n");
  });

  it("an idle peer is closed by the connection's own timer, and the record says so (F-86)", async (t) => {
    const { port: told, line } = await listener(t);
    const how = `
      const record = await serveSocket(socket, {
        framing,
        idleTimeout: 300,
        lingerTimeout: 100,
        handler: async (connection) => {
          await connection.send("hello");
          for await (const line of connection) await connection.send(line);
        },
      });
      const onward = await frameSocket(connect("127.0.0.1:${told}", { allowHalfOpen: true }), { framing });
      await onward.send(record.reason);
      await onward.close();
    `;
    const port = await serving(t, how, (await testAuthority()).cert);
    const client = await connect({ port, framing });
    const heard: string[] = [];
    for await (const line of client) heard.push(line);
    assert.deepEqual(heard, ["hello"]);
    assert.equal(await line, "idle_timeout");
  });

  it("a peer that does not read makes a Worker's send wait at egressLimit, which goes on when it reads (F-86)", async (t) => {
    const { port: told, line } = await listener(t);
    const how = `
      await serveSocket(socket, {
        framing: raw(),
        handler: async (connection) => {
          let sent = 0;
          for (; sent < 64; sent++) {
            const waits = connection.send(new Uint8Array(1024 * 1024));
            if (waits === undefined) continue;
            const first = await Promise.race([waits.then(() => "taken"), new Promise((resolve) => setTimeout(resolve, 500, "waits"))]);
            if (first === "taken") continue;
            const onward = await frameSocket(connect("127.0.0.1:${told}", { allowHalfOpen: true }), { framing });
            await onward.send(first);
            await onward.close();
            await waits;
          }
        },
      });
    `;
    const port = await serving(t, how, (await testAuthority()).cert);
    const client = dial({ port, host: "127.0.0.1" });
    client.pause();
    assert.equal(await line, "waits");
    let received = 0;
    client.on("data", (chunk: Uint8Array) => void (received += chunk.length));
    client.resume();
    await new Promise((resolve) => client.on("end", resolve));
    assert.equal(received, 64 * 1024 * 1024);
  });

  it("8 MiB each way through one connection: all of it arrives, in order (F-86)", async (t) => {
    const port = await serving(
      t,
      `
      await serveSocket(socket, { framing: raw(), onFrame: (chunk, connection) => connection.send(chunk) });
    `,
    );
    const total = 8 * 1024 * 1024;
    const sent = new Uint8Array(total).map((_, at) => at * 31 >> 3);
    const client = dial({ port, host: "127.0.0.1", allowHalfOpen: true });
    client.end(sent);
    const chunks: Uint8Array[] = [];
    client.on("data", (chunk: Uint8Array) => void chunks.push(chunk));
    await new Promise((resolve) => client.on("end", resolve));
    const all = Buffer.concat(chunks);
    assert.equal(all.length, total);
    assert.ok(all.equals(sent));
  });

  it("frameSocket is a framed client: over our sockets, over the module's own, and with TLS and STARTTLS (F-40)", async (t) => {
    await using echo = await serve({
      port: 0,
      framing,
      onFrame: (line, connection) => connection.send(line),
    });
    const secure = await securePeers(t);
    const port = await serving(
      t,
      `
      const options = { allowHalfOpen: true };
      const { connect: bound } = sockets({ connect });
      const made = {
        ours: (address) => connectSocket(address, options),
        bound: (address) => bound(address, options),
        host: (address) => connect(address, options),
        tls: (address) => connectSocket(address, { ...options, secureTransport: "on" }),
        named: (address) => connectSocket(address, { ...options, secureTransport: "on", sni: "other.example" }),
        wrong: (address) => connectSocket(address, { ...options, secureTransport: "on", sni: "wrong.example" }),
        starttls: async (address) => {
          const socket = connectSocket(address, { ...options, secureTransport: "starttls" });
          const [reader, writer] = [socket.readable.getReader(), socket.writable.getWriter()];
          await writer.write(new TextEncoder().encode("STARTTLS\\n"));
          await reader.read();
          return socket.startTls();
        },
        ca: (address) => sockets({ tls: { ca: "x" } }).connect(address, { secureTransport: "on" }),
      };
      await serveSocket(socket, {
        framing,
        onFrame: async (line, connection) => {
          const [how, address] = line.split(" ");
          try {
            const onward = await frameSocket(await made[how](address), { framing });
            await onward.send("through " + how);
            for await (const answer of onward) {
              await connection.send(answer);
              break;
            }
            await onward.close();
          } catch (error) {
            await connection.send(error.name + " " + (error.cause?.cause ?? error.cause ?? error).name);
          }
        },
      });
    `,
      secure.ca,
    );
    const client = await connect({ port, framing });
    t.after(() => client.destroy());
    const ask = async (line: string): Promise<string> => {
      await client.send(line);
      for await (const answer of client) return answer;
      return "the connection has ended";
    };
    const plain = `127.0.0.1:${echo.address.port}`;
    const tls = `localhost:${secure.tls.address.port}`;
    for (const how of ["ours", "bound", "host"]) assert.equal(await ask(`${how} ${plain}`), `through ${how}`);
    for (const how of ["tls", "named"]) assert.equal(await ask(`${how} ${tls}`), `through ${how}`);
    assert.equal(await ask(`starttls localhost:${secure.starttls.address.port}`), "through starttls");
    assert.match(await ask(`wrong ${tls}`), /TlsError/);
    assert.match(await ask(`ca ${tls}`), /OptionsError/);
    assert.match(await ask("ours 127.0.0.1:1"), /^SocketError /);
  });
});

/** A port, and the first line that comes there. */
async function listener(t: Tidy): Promise<{ readonly port: number; readonly line: Promise<string> }> {
  let tell!: (line: string) => void;
  const line = new Promise<string>((resolve) => (tell = resolve));
  const server = createServer((socket) => {
    socket.on("error", () => {}).on(
      "data",
      (chunk: Uint8Array) => tell(new TextDecoder().decode(chunk).trim()),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => void server.close());
  return { port: (server.address() as { port: number }).port, line };
}

describe("for the edge", () => {
  it("serveSocket with lines() is at most 36 KB gzipped, connectSocket 17 KB, and neither names a module of Node (F-40)", async () => {
    for (
      const [program, most] of [
        ['export { serveSocket } from "./src/sockets/edge.ts"; export { lines } from "./streams.ts";', 36],
        ['export { connectSocket } from "./src/sockets/edge.ts";', 17],
      ] as const
    ) {
      const made = await bundled(program);
      const size = gzipSync(made).length;
      assert.ok(size <= most * 1024, `${size} bytes`);
      assert.doesNotMatch(made, /["']node:|\bimport\s*["'{*]/);
    }
  });
});
