/** Programs whose output nobody reads (S-67): real processes, real pipes. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { serve } from "../../src/server/serve.ts";
import { type Cleaner } from "../support/program.ts";
import { type Unread, UnreadProgram } from "../support/unread_program.ts";
import { soon } from "./support.ts";
import { it } from "../support/it.ts";

const limit = { timeout: 120_000 };
const out: Unread = { unread: "out" };
const line = new TextEncoder().encode(`${"x".repeat(8_000)}\n`);
/** What may be on its way: in pipes, socket buffers, queues and the client itself. */
const mostTaken = 96 * 1024 * 1024;

async function configFile(t: Cleaner, config: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-unread-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "gateway.json");
  await writeFile(file, JSON.stringify({ admin: { listen: "127.0.0.1:0" }, ...config }));
  return file;
}

/** A gateway, and where its endpoint and its admin endpoint are. */
async function startGateway(t: Cleaner, how: Unread, config: object) {
  const program = await UnreadProgram.start(t, how, "gateway", await configFile(t, config));
  const [, port] = await program.said(/echo +listens on 127\.0\.0\.1:(\d+)/);
  const [, admin] = await program.said(/(http:\/\/127\.0\.0\.1:\d+)/);
  return { program, port: Number(port), admin: admin! };
}

async function healthy(admin: string): Promise<void> {
  const response = await soon(fetch(`${admin}/healthz`), "an answer");
  assert.deepEqual([response.status, await response.json()], [200, { status: "ok" }]);
}

/** Sends until the other side takes no more, asking for its health meanwhile; gives the connection. */
async function flood(
  t: Cleaner,
  port: number,
  meanwhile: () => Promise<void>,
): Promise<Connection<Uint8Array>> {
  const client = await connect({ port, framing: raw(), idleTimeout: Infinity, closeTimeout: Infinity });
  t.after(() => client.destroy());
  const sending = async (): Promise<void> => {
    while (client.stats().bytesSent < mostTaken) await client.send(line);
  };
  let failed: unknown = undefined;
  void sending().catch((error: unknown) => failed = error);
  let taken = -1;
  // It stands still when nothing went out while several questions were asked and answered.
  for (let quiet = 0; quiet < 20;) {
    await meanwhile();
    const { bytesSent } = client.stats();
    assert.ok(bytesSent < mostTaken, `${bytesSent} bytes were taken: there is no backpressure`);
    quiet = bytesSent > 0 && bytesSent === taken ? quiet + 1 : 0;
    taken = bytesSent;
    // The pause lets both sides work; how long it is decides nothing.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(failed, undefined);
  return client;
}

describe("programs whose output nobody reads", () => {
  const endpoint = {
    name: "echo",
    listen: "127.0.0.1:0",
    closeTimeout: "Infinity",
    lingerTimeout: "Infinity",
  };

  it(
    "S-67: a gateway that prints answers, applies backpressure, drains at the first signal and ends at the second",
    limit,
    async (t) => {
      const config = { endpoints: [{ ...endpoint, print: true }], shutdown: { deadline: "1h" } };
      const { program, port, admin } = await startGateway(t, out, config);
      await flood(t, port, () => healthy(admin));
      program.signal("SIGTERM");
      await program.said(/server draining/);
      await healthy(admin);
      assert.equal((await fetch(`${admin}/readyz`)).status, 503);
      await program.signalAgain("SIGTERM");
      assert.equal(await program.code(), 3);
    },
  );

  it("S-67: a gateway on the stdio bus ends at the first signal, within its deadline", limit, async (t) => {
    const config = { bus: "stdio", endpoints: [endpoint], shutdown: { deadline: "300ms" } };
    const { program, port, admin } = await startGateway(t, out, config);
    await flood(t, port, () => healthy(admin));
    program.signal("SIGTERM");
    assert.equal(await program.code(), 3);
  });

  it("S-67: a gateway whose log nobody reads answers, and drains at the first signal", limit, async (t) => {
    const config = { endpoints: [{ ...endpoint, echo: true, print: true }], log: { level: "debug" } };
    const { program, port, admin } = await startGateway(t, { unread: "both", heard: 6 }, config);
    // Each leaves several hundred characters of log: more than the pipe and what may wait for it.
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 40 }, async () => {
        const client = await connect({ port, framing: raw() });
        await client.close();
      }));
      await healthy(admin);
    }
    program.signal("SIGTERM");
    assert.equal(await program.code(), 0);
  });

  it(
    "S-67: serve applies backpressure and ends at the first signal, within its deadline",
    limit,
    async (t) => {
      const program = await UnreadProgram.start(
        t,
        out,
        "serve",
        "--port",
        "0",
        "--echo",
        "--deadline",
        "300ms",
      );
      const [, port] = await program.said(/listening on 127\.0\.0\.1:(\d+)/);
      await flood(t, Number(port), async () => {});
      program.signal("SIGTERM");
      assert.equal(await program.code(), 3);
    },
  );

  for (const framing of ["lines", "raw"]) {
    it(
      `S-67: connect -f ${framing} stops reading its server, and ends at the first signal`,
      limit,
      async (t) => {
        const server = await serve({
          port: 0,
          framing: raw(),
          logger: () => {},
          async handler(connection) {
            while (connection.stats().bytesSent < mostTaken) await connection.send(line);
          },
        });
        t.after(() => server.destroy());
        assert.ok(server.address.transport === "tcp");
        const place = `127.0.0.1:${server.address.port}`;
        const program = await UnreadProgram.start(
          t,
          out,
          "connect",
          place,
          "-f",
          framing,
          "--wait",
          "Infinity",
        );
        let sent = -1;
        for (let quiet = 0; quiet < 20;) {
          const { bytesSent } = server.stats();
          quiet = bytesSent > 0 && bytesSent === sent ? quiet + 1 : 0;
          sent = bytesSent;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        assert.equal(server.stats().connectionsActive, 1, "all was taken: there is no backpressure");
        program.signal("SIGTERM");
        assert.equal(await program.code(), 143);
      },
    );
  }
});

describe("programs whose reader has gone", () => {
  const endpoint = { name: "echo", listen: "127.0.0.1:0", echo: true };

  it("S-67: a gateway that prints says that nobody reads, drains and ends with 1", limit, async (t) => {
    const config = { endpoints: [{ ...endpoint, print: true }] };
    const { program, port } = await startGateway(t, out, config);
    program.letReaderGo();
    const client = await connect({ port, framing: raw() });
    t.after(() => client.destroy());
    const sending = async (): Promise<void> => {
      // The first lines may still find a reader that is about to go.
      for (let i = 0; i < 200 && client.state === "open"; i++) {
        await client.send(line);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    void sending().catch(() => {});
    await program.said(/the reader of standard output is gone/);
    assert.equal(await program.code(), 1);
  });

  it("S-67: a gateway whose log has no reader goes on, and drains at a signal", limit, async (t) => {
    const config = { endpoints: [endpoint], log: { level: "debug" } };
    const { program, port, admin } = await startGateway(t, { unread: "both", heard: 6 }, config);
    program.letReaderGo();
    for (let i = 0; i < 20; i++) await (await connect({ port, framing: raw() })).close();
    await healthy(admin);
    program.signal("SIGTERM");
    assert.equal(await program.code(), 0);
  });
});
