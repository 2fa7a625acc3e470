// The programs in examples/ that are made of several parts: rooms of a chat, a service that comes back, a thousand devices.
import assert from "node:assert/strict";
import { describe, type TestContext } from "node:test";
import { connect, type Connection, lines } from "../mod.ts";
import { it } from "./support/it.ts";
import { Program } from "./support/program.ts";

const limit = { timeout: 120_000 };

async function start(t: TestContext, name: string, ...args: string[]): Promise<[Program, number]> {
  const program = new Program(t, `examples/${name}.ts`, args);
  const [, port] = await program.said("out", /port: (\d+)/);
  return [program, Number(port)];
}

/** Somebody in the chat, who has said a name. */
class Guest {
  readonly connection: Connection<string>;
  readonly #lines: AsyncIterator<string>;

  private constructor(connection: Connection<string>) {
    this.connection = connection;
    this.#lines = connection[Symbol.asyncIterator]();
  }

  static async enter(t: TestContext, port: number, name: string): Promise<Guest> {
    const connection = await connect({ port, host: "127.0.0.1", framing: lines({ encoding: "utf-8" }) });
    t.after(() => connection.destroy());
    const guest = new Guest(connection);
    assert.equal(await guest.next(), "your name?");
    connection.send(name);
    assert.equal(await guest.next(), "* you are in lobby");
    return guest;
  }

  /** The next line; undefined at the end. */
  async next(): Promise<string | undefined> {
    const { done, value } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  say(line: string): void {
    this.connection.send(line);
  }
}

/** The numbers of the readings in what a collector has said. */
function numbersIn(text: string): number[] {
  return [...text.matchAll(/^reading (\d+) /gm)].map(([, number]) => Number(number));
}

describe("examples of several parts", () => {
  it("chat_rooms takes a line to the others in the room alone, and says goodbye (F-44)", limit, async (t) => {
    const [program, port] = await start(t, "chat_rooms", "0");
    const ada = await Guest.enter(t, port, "Ada");
    const bob = await Guest.enter(t, port, "Bob");
    assert.equal(await ada.next(), "* Bob came");
    bob.say("/join garden");
    assert.equal(await bob.next(), "* you are in garden");
    assert.equal(await ada.next(), "* Bob left for garden");
    const eve = await Guest.enter(t, port, "Eve");
    assert.equal(await ada.next(), "* Eve came");
    eve.say("/join garden");
    assert.equal(await eve.next(), "* you are in garden");
    assert.equal(await ada.next(), "* Eve left for garden");
    assert.equal(await bob.next(), "* Eve came");
    bob.say("/nick Robert");
    assert.equal(await bob.next(), "* there is only /join ROOM");
    bob.say("a line for the garden");
    assert.equal(await eve.next(), "Bob: a line for the garden");
    await bob.connection.close();
    assert.equal(await eve.next(), "* Bob left (peer_closed)");
    program.signal("SIGTERM");
    for (const guest of [ada, eve]) {
      assert.equal(await guest.next(), "* the server stops; come back in a minute");
      await guest.connection.close();
    }
    const { code, err } = await program.end();
    assert.equal(code, 0, err);
  });

  it("meter loses no reading while the service that collects them is killed (F-37)", limit, async (t) => {
    const [first, port] = await start(t, "collector", "0");
    const meter = new Program(t, "examples/meter.ts", [String(port)]);
    await first.said("out", /^reading 5 /m);
    first.signal("SIGKILL");
    const before = numbersIn((await first.end()).out);
    await meter.said("err", /connect failed/);
    const [second] = await start(t, "collector", String(port));
    await meter.said("out", /connected, \d+ sent again\n(?:.*\n)*connected, [1-9]\d* sent again/);
    await second.said("out", new RegExp(`^reading ${before.at(-1)! + 20} `, "m"));
    meter.signal("SIGTERM");
    assert.equal((await meter.end()).code, 0);
    second.signal("SIGTERM");
    const { code, out } = await second.end();
    assert.equal(code, 0);
    const after = numbersIn(out);
    for (const numbers of [before, after]) {
      assert.deepEqual(numbers, Array.from(numbers, (_, at) => numbers[0]! + at), "each once, in order");
    }
    assert.equal(before[0], 1);
    assert.ok(after[0]! <= before.at(-1)! + 1, `${before.at(-1)}, then ${after[0]}`);
  });

  it(
    "json_rpc answers calls as they are done, and ends those that take too long (F-39)",
    limit,
    async (t) => {
      const { code, out, err } = await new Program(t, "examples/json_rpc.ts", []).end();
      assert.equal(code, 0, err);
      const said = out.trimEnd().split("\n");
      assert.equal(said[2], 'wait 300 → "waited 300 ms"', "the answer to the first call is the last");
      const [add, divide, , late, long] = [...said.slice(0, 2).sort(), ...said.slice(2)];
      assert.equal(add, "add 2, 3 → 5");
      assert.equal(divide, 'divide 1, 0 → {"code":-32601,"message":"there is no method divide"}');
      assert.match(late!, /^wait 900 → "RequestError: .* 100 ms; it was sent"$/);
      assert.match(long!, /^wait 5000 → \{"code":-32000,"message":"AbortError/);
    },
  );

  it("heartbeats keeps 1,000 devices and drops those that fall silent (F-12, F-13)", limit, async (t) => {
    const program = new Program(t, "examples/heartbeats.ts", []);
    await program.said("out", /are connected/);
    await program.said("out", /were dropped/);
    const { code, out, err } = await program.end();
    assert.equal(code, 0, err);
    const [connected, dropped, beats] = out.split("\n");
    assert.equal(connected, "1000 of 1000 devices are connected");
    assert.equal(dropped, "10 silent ones were dropped, 990 are connected");
    assert.ok(Number(/^\d+/.exec(beats!)) >= 1000, beats);
  });
});
