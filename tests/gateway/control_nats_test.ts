/** Control commands from a plain client of NATS, as requests and as messages that nobody waits for. */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { describe } from "node:test";
import { connect } from "@nats-io/transport-node";
import type { Connection } from "../../src/connection/connection.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import { startGateway } from "../../src/gateway/running_gateway.ts";
import { it } from "../support/it.ts";
import { NatsServer, withoutNats } from "../support/nats_server.ts";
import type { Cleaner } from "../support/program.ts";
import { configOf, lineClient, portOf, read, soon } from "./support.ts";

const options = { skip: withoutNats, timeout: 120_000 };

interface Answer {
  readonly ok: boolean;
  readonly result?: Record<string, unknown> & Record<string, unknown>[];
  readonly error?: { readonly reason: string; readonly message: string };
}

/** A gateway with these endpoints on a real server, and a client of it. */
async function plant(t: Cleaner, ...endpoints: readonly object[]) {
  const server = await NatsServer.start(t);
  const other = await connect({ servers: server.url });
  t.after(() => other.close());
  const log: LogRecord[] = [];
  const config = configOf({ endpoints, bus: { type: "nats", servers: server.url }, node: "n1" });
  const gateway = await startGateway(config, { logger: (record) => log.push(record) });
  t.after(() => gateway.destroy());
  const ask = async (value: unknown, subject = "millrace.echo.ctrl"): Promise<Answer> => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return (await other.request(subject, text, { timeout: 10_000 })).json();
  };
  return { gateway, other, ask, log };
}

const echo = { name: "echo", listen: "127.0.0.1:0", echo: true };

async function echoes(client: Connection<string, string>, text: string): Promise<void> {
  await client.send(text);
  assert.deepEqual(await read(client, 1), [text]);
}

describe("control commands over NATS", () => {
  it("list, count, close, suspend, resume and drain, each answered (F-59, F-70)", options, async (t) => {
    const { gateway, ask } = await plant(t, echo);
    const port = portOf(gateway);
    const [one, two] = [await lineClient(port), await lineClient(port)];
    await echoes(one, "one");
    await echoes(two, "two");
    const list = await ask({ command: "conn.list" });
    assert.deepEqual([list.ok, list.result!.length], [true, 2]);
    const { id } = list.result!.find(({ port }) => port === (one.peer.local as { port: number }).port)!;
    const stats = await ask({ command: "stats" });
    assert.deepEqual(
      [stats.result!["state"], stats.result!["connectionsActive"], stats.result!["framesPublished"]],
      ["running", 2, 2],
    );
    const closed = await ask({ command: "conn.close", payload: { conn_id: id, last_words: "bye" } });
    assert.deepEqual(closed, { ok: true, result: { closed: id } });
    assert.deepEqual(await read(one, 1), ["bye"]);
    await one.close();
    await echoes(two, "still here");

    assert.deepEqual(await ask({ command: "suspend" }), { ok: true, result: {} });
    await assert.rejects(lineClient(port), { reason: "refused" });
    assert.equal((await ask({ command: "stats" })).result!["state"], "suspended");
    await echoes(two, "open ones go on");
    assert.deepEqual(await ask({ command: "resume" }), { ok: true, result: {} });
    const three = await lineClient(port);
    await echoes(three, "again");

    const drain = await ask({ command: "drain", payload: { deadline: "10s" } });
    assert.deepEqual(drain, { ok: true, result: { draining: 2, deadlineMs: 10_000 } });
    for (const client of [two, three]) {
      await soon(
        (async () => {
          for await (const frame of client) assert.equal(frame, "");
          await client.close();
        })(),
        "the end of a drained connection",
      );
    }
    await soon(gateway.endpoints.get("echo")!.drain(0), "the drain");
    assert.equal((await ask({ command: "resume" })).error!.reason, "stopping");
    assert.equal((await ask({ command: "stats" })).result!["state"], "stopped");
  });

  it(
    "S-31: a malformed command is answered with what was expected, and changes nothing",
    options,
    async (t) => {
      const { gateway, ask, other } = await plant(t, echo);
      const client = await lineClient(portOf(gateway));
      await echoes(client, "before");
      const cases: readonly (readonly [unknown, string, RegExp])[] = [
        ["{", "malformed", /found 1 bytes that are not JSON, expected JSON such as/],
        ["", "malformed", /found 0 bytes that are not JSON/],
        ["\uFFFD\u0000", "malformed", /not JSON/],
        [[], "malformed", /found command nothing, expected JSON such as/],
        [{ command: 7 }, "malformed", /found command 7/],
        [{ command: "conn.close", payload: "all" }, "malformed", /found payload "all", expected an object/],
        [{ command: "conn.close" }, "malformed", /conn_id.*expected/],
        [{ command: "conn.kill" }, "unknown_command", /found command "conn.kill", expected one of conn.list/],
        [
          { command: "drain", payload: { deadline: "soon" } },
          "malformed",
          /deadline: found "soon", expected/,
        ],
        [{ command: "conn.close", payload: { conn_id: "uuid-1234" } }, "unknown_connection", /uuid-1234/],
      ];
      for (const [value, reason, message] of cases) {
        const { ok, error } = await ask(value);
        assert.deepEqual([ok, error!.reason], [false, reason], JSON.stringify(value));
        assert.match(error!.message, message);
      }
      // Nobody waits for an answer to this one; the next command shows that it was taken.
      other.publish("millrace.echo.ctrl", "no command");
      assert.equal((await ask({ command: "stats" })).ok, true);
      const refused = gateway.samples().find(({ name }) => name === "millrace_control_refused_total");
      assert.equal(refused!.value, cases.length + 1);
      await echoes(client, "after");
      await client.close();
    },
  );

  it(
    "fluxrig's command works unchanged at its subject, with nobody who waits for an answer (F-59, F-70)",
    options,
    async (t) => {
      const gear = { ...echo, name: "tcp-server", subjects: { control: "flux.ctrl.tcp-server" } };
      const { gateway, other, log } = await plant(t, gear);
      const client = await lineClient(portOf(gateway, "tcp-server"));
      const frame = new Promise<string>((resolve) => {
        other.subscribe("millrace.tcp-server.in", {
          max: 1,
          callback: (_, { headers }) => resolve(headers!.get("conn.id")),
        });
      });
      await other.flush();
      await echoes(client, "0800");
      const conn_id = await soon(frame, "the frame");
      const record = gateway.endpoints.get("tcp-server")!.connections.get(conn_id)!.closed;
      const payload = { conn_id, reason: "protocol_violation", code: "isomsg_pack_fail" };
      other.publish("flux.ctrl.tcp-server", JSON.stringify({ command: "conn.close", payload }));
      const { reason, code, message } = await soon(record, "the end");
      assert.deepEqual({ reason, code, message }, {
        reason: "killed",
        code: "isomsg_pack_fail",
        message: "protocol_violation",
      });
      const audit = log.filter((entry) => entry.message === "control command").map(({ fields }) => ({
        ...fields,
      }));
      assert.deepEqual(audit, [{ endpoint: "tcp-server", command: "conn.close", ...payload }]);
      await client.close();
    },
  );

  it(
    "endpoints of one gateway, which listen and connect, each with its own; a client comes back (F-59)",
    options,
    async (t) => {
      const sockets: Socket[] = [];
      const host = createServer((socket) => void sockets.push(socket.on("error", () => {})));
      const listen = (port: number) =>
        new Promise<void>((resolve) => host.listen(port, "127.0.0.1", resolve));
      await listen(0);
      t.after(() => host.close());
      t.after(() => sockets.forEach((socket) => socket.destroy()));
      const { port } = host.address() as { port: number };
      const reconnect = { wait: "20ms", maxWait: "20ms", jitter: 0 };
      const dialler = { name: "core", connect: `127.0.0.1:${port}`, reconnect };
      const { gateway, other, ask } = await plant(t, echo, { ...echo, name: "second" }, dialler);
      const frames: string[] = [];
      let heard = (): void => {};
      other.subscribe("millrace.core.in", {
        callback: (_, message) => {
          frames.push(message.string());
          heard();
        },
      });
      await other.flush();
      const said = (count: number) =>
        soon(
          (async () => {
            while (frames.length < count) await new Promise<void>((resolve) => heard = resolve);
          })(),
          `${count} frames`,
        );
      const connected = (count: number) =>
        soon(
          (async () => {
            while (sockets.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
          })(),
          `${count} connections`,
        );
      await connected(1);
      sockets[0]!.write("first\n");
      await said(1);
      const clients = [await lineClient(portOf(gateway)), await lineClient(portOf(gateway, "second"))];
      // The host is gone for a while: the client tries again and again, and the others do not notice.
      const gone = new Promise((resolve) => host.close(resolve));
      sockets[0]!.destroy();
      await gone;
      const core = gateway.endpoints.get("core")!;
      const before = core.attempts!().attempts;
      await soon(
        (async () => {
          while (core.attempts!().attempts < before + 3) {
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        })(),
        "three attempts",
      );
      for (const client of clients) await echoes(client, "meanwhile");
      assert.equal((await ask({ command: "suspend" }, "millrace.core.ctrl")).error!.reason, "unsupported");
      assert.deepEqual((await ask({ command: "conn.list" }, "millrace.core.ctrl")).result, []);
      await listen(port);
      await connected(2);
      sockets[1]!.write("second\n");
      await said(2);
      assert.deepEqual(frames, ["first", "second"]);
      assert.equal((await ask({ command: "conn.list" }, "millrace.core.ctrl")).result!.length, 1);
      for (const client of clients) await client.close();
    },
  );
});
