// Servers on descriptors that they have inherited: what they are, that they are kept, and that a restart loses nobody.
import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { describe, test } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { connect } from "../../src/client/connect.ts";
import type { ConnectOptions } from "../../src/client/connect_options.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { OptionsError, SocketError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { Adapter, Address } from "../../src/core/transport.ts";
import { serve } from "../../src/server/serve.ts";
import type { ServeOptions } from "../../src/server/server_options.ts";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { rejection } from "../support/frames.ts";
import { heldSocket } from "../support/held_socket.ts";
import { it } from "../support/it.ts";
import { type Cleaner, type Inherited, Program } from "../support/program.ts";
import { Virtual } from "../support/server.ts";

const adapter = await detectAdapter();
const framing = lines({ encoding: "utf-8" });
const program = "tests/server/programs/on_descriptor.ts";

function start(t: Cleaner, inherited: Inherited, options: object = {}, fd = 3): Program {
  return new Program(t, program, [`${fd}`, JSON.stringify(options)], inherited);
}

/** How it ends once its server has: with its input, as on Deno nothing else lets go of that. */
function ended(program: Program): ReturnType<Program["end"]> {
  program.endInput();
  return program.end();
}

async function dial(t: Cleaner, address: Address, more: object = {}): Promise<Connection<string>> {
  const connection = await connect({ address, framing, ...more } as ConnectOptions<string>);
  t.after(() => connection.destroy());
  return connection;
}

async function line(connection: Connection<string>): Promise<string | undefined> {
  for await (const frame of connection) return frame.replace(/^\d+ /, "");
  return undefined;
}

describe(`a server on an inherited descriptor, on ${adapter.name}`, () => {
  for (const kind of ["tcp", "unix"] as const) {
    for (const security of ["plaintext", "TLS", "TLS and client certificates"]) {
      it(`serves ${kind} with ${security}; suspend pauses, and newcomers wait until resume (F-75)`, async (t) => {
        const { fd, address } = heldSocket(t, kind);
        const { cert, key } = await serverPair();
        const { cert: ca } = await testAuthority();
        const tls = security === "plaintext" ? undefined : {
          cert,
          key,
          ...(security !== "TLS" && { clientCertificates: "request", ca }),
        };
        const server = start(t, { descriptors: [fd] }, { tls });
        const [, shown] = await server.said("out", /serving (\{.*\})/);
        assert.deepEqual(JSON.parse(shown!), address);
        const client = tls && { tls: { ca, serverName: "localhost" } };
        const early = await dial(t, address, client);
        await early.send("early");
        assert.equal(await line(early), "early");

        server.write("suspend\n");
        await server.said("out", /did suspend/);
        const waiting = dial(t, address, client).then(async (late) => {
          await late.send("late");
          return await line(late);
        });
        await early.send("still here");
        assert.equal(await line(early), "still here");
        await early.send("once more");
        assert.equal(await Promise.race([waiting, line(early)]), "once more");
        server.write("resume\n");
        assert.equal(await waiting, "late");

        // And once more: a descriptor that was kept is kept again.
        server.write("suspend\n");
        await server.said("out", /did suspend[^]*did suspend/);
        server.write("resume\n");
        await server.said("out", /did resume[^]*did resume/);
        const last = await dial(t, address, client);
        await last.send("last");
        assert.equal(await line(last), "last");
        server.write("suspend\nclose\n");
        const { code, out, err } = await ended(server);
        assert.match(out, /finished 0\n/);
        assert.deepEqual([code, err.includes("Error")], [0, false]);
      });
    }
  }

  it("leaves the socket to the next process, with those who wait in its queue (F-75)", async (t) => {
    const { fd, address } = heldSocket(t);
    const first = start(t, { descriptors: [fd] });
    await first.said("out", /serving/);
    first.write("suspend\n");
    await first.said("out", /did suspend/);
    const waiting = await dial(t, address);
    await waiting.send("for whom");
    first.write("close\n");
    assert.equal((await ended(first)).code, 0);
    const second = start(t, { descriptors: [fd] });
    assert.equal(await line(waiting), "for whom");
    second.write("close\n");
    assert.equal((await ended(second)).code, 0);
  });

  it("refuses a second server on the descriptor, and goes on (F-75)", async (t) => {
    const { fd, address } = heldSocket(t);
    const server = start(t, { descriptors: [fd] });
    await server.said("out", /serving/);
    server.write("again\n");
    await server.said(
      "out",
      /failed again bad_descriptor: listen on descriptor 3: another server of this process has it/,
    );
    const connection = await dial(t, address);
    await connection.send("fine");
    assert.equal(await line(connection), "fine");
    server.write("close\n");
    await ended(server);
  });

  it("is refused a descriptor that is a file, a connection, or not open, with what to do (F-75)", async (t) => {
    const file = openSync(new URL(import.meta.url), "r");
    const cases: [string, Inherited, number, RegExp][] = [
      [
        "not open",
        {},
        99,
        /descriptor 99: (?:it is not open: start this program with|the system refuses it)/,
      ],
      [
        "standard input",
        {},
        0,
        /descriptor 0: (?:it is not a socket|it is a connection|the system refuses it).*pass a listening/,
      ],
    ];
    if (adapter.name !== "deno") {
      // Numbers of Deno's files are its own.
      cases.push([
        "a file",
        { descriptors: [file] },
        3,
        /descriptor 3: it is not a socket \(.*\): pass a listening/,
      ]);
    }
    for (const [what, inherited, fd, message] of cases) {
      const { out } = await start(t, inherited, {}, fd).end();
      assert.match(out, /^failed serve bad_descriptor: /, what);
      assert.match(out, message, what);
    }
  });

  it("has no other address, and no option of one that is bound (F-75)", async () => {
    for (
      const [more, path] of [
        [{ port: 0 }, "port"],
        [{ path: "/tmp/x" }, "path"],
        [{ address: "127.0.0.1:0" }, "address"],
        [{ mode: 0o600 }, "mode"],
        [{ reusePort: true }, "reusePort"],
        [{ ipv6Only: true }, "ipv6Only"],
        [{ bindRetry: true }, "bindRetry"],
        [{ fd: -1 }, "fd"],
        [{ fd: 1.5 }, "fd"],
        [{ fd: "3" }, "fd"],
      ] as const
    ) {
      const options = { fd: 3, framing: lines(), onFrame: () => {}, ...more } as unknown as ServeOptions<
        Uint8Array
      >;
      const error = await rejection(serve(options));
      assert.ok(error instanceof OptionsError, path);
      // A runtime that cannot do it says so as well.
      assert.deepEqual([...new Set(error.issues.map((issue) => issue.path))], [path]);
    }
    const options = { fd: 3, framing: lines(), onFrame: () => {}, adapter: memoryAdapter() };
    const error = await rejection(serve(options));
    assert.ok(error instanceof OptionsError && error.reason === "unsupported");
  });
});

test("a server whose socket has a successor lets those finish who have just come, and keeps nobody else waiting (F-28)", async (t) => {
  const place = new Virtual(t);
  const at: Address = { transport: "tcp", host: "127.0.0.1", port: 4_000 };
  const sockets: Adapter = {
    ...place.adapter,
    can: { ...place.adapter.can, descriptor: true },
    listen: (options, accept) => place.adapter.listen({ ...options, address: at }, accept),
  };
  const server = await place.drive(serve({
    fd: 3,
    framing,
    adapter: sockets,
    clock: place.clock,
    logger: () => {},
    onFrame: (text, connection) => connection.send(text),
  }));
  place.atEnd(() => place.drive(server.destroy()));
  const old = await place.dial(server);
  await place.pass(300);
  const [newcomer, silent] = [await place.dial(server), await place.dial(server)];
  const closing = server.close();
  await place.pass(200);
  newcomer.write("late\n");
  await place.pass(100);
  assert.equal(newcomer.text, "late\n");
  assert.deepEqual([old.ended, newcomer.ended, silent.ended], [true, true, true]);
  for (const peer of [old, newcomer, silent]) peer.end();
  const { drained, durationMs } = await place.drive(closing);
  assert.deepEqual([drained, durationMs <= 310], [3, true], `${durationMs}`);
});

/** What became of requests, each on a connection of its own, that were made without a pause. */
interface Tally {
  answered: number;
  readonly failures: string[];
}

/** Makes requests until it is told to stop. */
async function load(address: Address, go: () => boolean, tally: Tally): Promise<void> {
  for (let number = 0; go(); number++) {
    try {
      const connection = await connect({ address, framing } as ConnectOptions<string>);
      await connection.send(`${number}`);
      const answer = await line(connection as Connection<string>);
      if (answer === `${number}`) tally.answered++;
      else tally.failures.push(`no answer to ${number}: ${answer}`);
      await connection.close();
    } catch (error) {
      tally.failures.push(error instanceof SocketError ? error.reason : String(error));
    }
  }
}

describe(`a restart under load with the socket held outside, on ${adapter.name}`, () => {
  for (const kind of ["tcp", "unix"] as const) {
    it(`refuses and resets nobody, over ${kind}: stopped first, then started, three times (F-28) (F-75)`, async (t) => {
      const { fd, address } = heldSocket(t, kind);
      const begin = async () => {
        const next = start(t, { descriptors: [fd] });
        await next.said("out", /serving/);
        return next;
      };
      let server = await begin();
      const tally: Tally = { answered: 0, failures: [] };
      let going = true;
      const clients = Array.from({ length: 4 }, () => load(address, () => going, tally));
      for (let restart = 0; restart < 3; restart++) {
        const before = tally.answered;
        while (tally.answered < before + 50 && tally.failures.length === 0) {
          await new Promise((r) => setImmediate(r));
        }
        server.signal("SIGTERM");
        const { code, out } = await ended(server);
        assert.equal(code, 0);
        assert.match(out, /finished 0\n/);
        server = await begin();
      }
      going = false;
      await Promise.all(clients);
      assert.deepEqual(tally.failures, []);
      assert.ok(tally.answered >= 150, `${tally.answered}`);
      server.signal("SIGTERM");
      await ended(server);
    });
  }
});
