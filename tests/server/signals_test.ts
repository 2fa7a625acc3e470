// A server and the signals of its process: the first drains, a later one means now, a burst is one.
import assert from "node:assert/strict";
import process from "node:process";
import { describe } from "node:test";
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { signalEchoMs } from "../../src/host/signal_echo.ts";
import { onSignals, type SignalsOptions } from "../../src/server/on_signals.ts";
import { FakeClock } from "../../src/testing/mod.ts";
import { it } from "../support/it.ts";
import { type Cleaner, Program } from "../support/program.ts";

type Stoppable = Parameters<typeof onSignals>[0];

const limit = { timeout: 60_000 };

interface Started {
  readonly program: Program;
  readonly client: Connection<string, string>;
}

/** The server in a process of its own, and a client whose handler has something to finish. */
async function start(t: Cleaner, ...args: string[]): Promise<Started> {
  const program = new Program(t, "tests/server/programs/stop_at_signals.ts", args);
  const [, port] = await program.said("out", /port: (\d+)/);
  const client = await connect({ port: Number(port), framing: lines({ encoding: "utf-8" }) });
  t.after(() => client.destroy());
  await client.send("hello");
  assert.equal(await next(client), "hello");
  return { program, client };
}

async function next(client: Connection<string, string>): Promise<string | undefined> {
  return (await client[Symbol.asyncIterator]().next()).value;
}

/** Has the program do it, and returns when it has. */
async function tell(program: Program, word: string): Promise<void> {
  program.write(`${word}\n`);
  await program.said("out", new RegExp(`did ${word}\n`));
}

async function ends(program: Program, how: RegExp, logged: RegExp = /^$/): Promise<void> {
  await program.said("out", how);
  program.endInput();
  const { code, signal, err } = await program.end();
  assert.deepEqual({ code, signal }, { code: 0, signal: null });
  assert.match(err, logged);
}

describe("onSignals", () => {
  it("S-58: the first signal drains, and a burst of signals is one (F-18, F-19)", limit, async (t) => {
    const { program, client } = await start(t);
    // Two of a kind may reach a process as one; these are heard both.
    program.signal("SIGTERM");
    program.signal("SIGINT");
    await program.said("out", /draining/);
    await program.said("out", /heard SIGTERM/);
    await program.said("out", /heard SIGINT/);
    await tell(program, String(signalEchoMs - 1));
    program.signal("SIGTERM");
    await program.said("out", /heard SIGTERM(?:.*\n)*heard SIGTERM/);
    await tell(program, "release");
    assert.equal(await next(client), "done");
    await ends(program, /finished: 1 drained, 0 destroyed/);
  });

  it("S-58: a later signal closes now, in the middle of the drain (F-19)", limit, async (t) => {
    const { program, client } = await start(t);
    program.signal("SIGTERM");
    await program.said("out", /draining/);
    await tell(program, String(signalEchoMs));
    program.signal("SIGTERM");
    await ends(program, /finished: 0 drained, 1 destroyed/);
    await client.closed;
  });

  it("S-58: what has stopped is not ended by the echo of its signal", limit, async (t) => {
    const { program, client } = await start(t);
    program.signal("SIGTERM");
    await program.said("out", /draining/);
    await tell(program, "release");
    await client.close();
    await program.said("out", /finished: 1 drained/);
    // Without our listener, this would be the end of the process.
    await tell(program, "deaf");
    program.signal("SIGTERM");
    await tell(program, String(signalEchoMs - 1));
    await ends(program, /did 249/);
  });

  it("S-58: a signal after that does what it does without a listener", limit, async (t) => {
    const { program } = await start(t);
    await tell(program, "deaf");
    program.signal("SIGINT");
    await program.said("out", /draining/);
    await tell(program, String(signalEchoMs));
    program.signal("SIGTERM");
    await program.said("out", /finished/);
    await tell(program, String(signalEchoMs + 1));
    program.signal("SIGTERM");
    assert.equal((await program.end()).signal, "SIGTERM");
  });

  it("S-58: only the signals asked for stop it, within the deadline given", limit, async (t) => {
    const { program, client } = await start(t, "5", "SIGHUP");
    program.signal("SIGTERM");
    await program.said("out", /heard SIGTERM/);
    await client.send("still here");
    assert.equal(await next(client), "still here");
    program.signal("SIGHUP");
    await ends(
      program,
      /finished: 0 drained, 1 destroyed/,
      /^.*handler had not returned at the deadline.*\n$/,
    );
  });

  it("S-58: listens until the echo of the last signal is over, and no longer", async () => {
    for (const stopped of [true, false]) {
      const clock = new FakeClock();
      const before = process.listenerCount("SIGHUP");
      const asked: string[] = [];
      let finish!: () => void;
      const server: Stoppable = {
        finished: new Promise<void>((resolve) => finish = resolve),
        close: () => Promise.resolve(asked.push("shutdown")),
        destroy: () => Promise.resolve(asked.push("close")),
      };
      onSignals(server, { signals: ["SIGHUP"], clock });
      process.emit("SIGHUP");
      clock.advance(signalEchoMs);
      if (stopped) finish();
      // A close that never comes to its end must not make the process deaf.
      else process.emit("SIGHUP");
      await Promise.resolve();
      assert.deepEqual(asked, stopped ? ["shutdown"] : ["shutdown", "close"]);
      clock.advance(signalEchoMs - 1);
      assert.equal(process.listenerCount("SIGHUP"), before + 1);
      clock.advance(1);
      assert.equal(process.listenerCount("SIGHUP"), before);
    }
  });

  it("S-58: refuses what makes no sense before any signal comes", () => {
    const finished = new Promise<void>(() => {});
    const server: Stoppable = { finished, close: async () => {}, destroy: async () => {} };
    const refused = (options: object, found = server): string => {
      try {
        onSignals(found, options as SignalsOptions);
      } catch (error) {
        assert.ok(error instanceof OptionsError);
        return error.message;
      }
      return assert.fail("it was accepted");
    };
    assert.match(refused({ signal: ["SIGINT"] }), /signal: .*did you mean signals\?/);
    assert.match(refused({ signals: [] }), /signals: found \[\], expected one or more of SIGINT/);
    assert.match(refused({ signals: ["SIGKILL"] }), /SIGKILL/);
    assert.match(refused({ deadline: "soon" }), /deadline: found "soon"/);
    assert.match(refused({}, Promise.resolve(server) as never), /server: .*the result of await serve/);
  });
});
