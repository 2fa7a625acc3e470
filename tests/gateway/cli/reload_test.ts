/** SIGHUP of a gateway as a program: its file is read again, and a bad one changes nothing. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { it } from "../../support/it.ts";
import { type Cleaner, type Program, startMillrace } from "../../support/program.ts";
import { lineClient, read } from "../support.ts";

const limit = { timeout: 120_000 };

/** A gateway on a file that can be written again. */
class Reloaded {
  readonly program: Program;
  readonly #file: string;
  #reloads = 0;

  private constructor(program: Program, file: string) {
    this.program = program;
    this.#file = file;
  }

  static async start(t: Cleaner, config: object, ...flags: string[]): Promise<Reloaded> {
    const folder = await mkdtemp(join(tmpdir(), "millrace-reload-"));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, "gateway.json");
    await writeFile(file, JSON.stringify(config));
    const program = startMillrace(t, "gateway", file, ...flags);
    await program.said("err", /runs on/);
    return new Reloaded(program, file);
  }

  write(text: string | object): Promise<void> {
    return writeFile(this.#file, typeof text === "string" ? text : JSON.stringify(text));
  }

  /** Sends SIGHUP with this in the file, and waits for the outcome. */
  async hangup(text: string | object): Promise<string> {
    await this.write(text);
    this.#reloads++;
    this.program.signal("SIGHUP");
    const outcome = String.raw`millrace: \S*gateway\.json (?:reloaded|has|was not)`;
    const upTo = String.raw`(?:(?!${outcome}).*\n)*${outcome}.*\n`;
    const [said] = await this.program.said("err", new RegExp(`^(?:${upTo}){${this.#reloads}}`));
    return said;
  }
}

/** Ports that nobody has at the moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return server;
  }));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const at = (name: string, port: number | undefined, rest: object = {}) => ({
  name,
  listen: `127.0.0.1:${port}`,
  echo: true,
  ...rest,
});

describe("SIGHUP of millrace gateway (F-59)", () => {
  it(
    "adds, changes and removes endpoints; a bad file and a taken address change nothing and say why",
    limit,
    async (t) => {
      const [one, two, admin] = await freePorts(3);
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
      t.after(() => taken.close());
      const rest = { admin: { listen: `127.0.0.1:${admin}` } };
      const gateway = await Reloaded.start(t, { endpoints: [at("one", one)], ...rest });
      const client = await lineClient(one!);
      const talk = async (): Promise<void> => {
        await client.send("hello");
        assert.deepEqual(await read(client, 1), ["hello"]);
      };
      await talk();

      assert.match(await gateway.hangup("{"), /gateway\.json has 1 fault: nothing was changed\n$/);
      const bad = { endpoints: [at("one", one, { idleTimeout: "soon" }), { name: "two" }], ...rest };
      const said = await gateway.hangup(bad);
      assert.match(said, /endpoints\[0\]\.idleTimeout: found "soon", expected/);
      assert.match(said, /endpoints\[1\]\.listen: found nothing, expected/);
      assert.match(said, /gateway\.json has 2 faults: nothing was changed\n$/);
      const restart = await gateway.hangup({ endpoints: [at("one", one)], ...rest, node: "other" });
      assert.match(restart, /node: found "other", expected .*; restart the gateway to change it\n/);
      await talk();

      assert.match(
        await gateway.hangup({ endpoints: [at("one", one, { maxConnections: 1 }), at("two", two)], ...rest }),
        /reloaded: added two; updated one\n$/,
      );
      const second = await lineClient(two!);
      await second.send("there");
      assert.deepEqual(await read(second, 1), ["there"]);
      await second.close();
      await talk();

      const { port } = taken.address() as { port: number };
      assert.match(
        await gateway.hangup({ endpoints: [at("one", one), at("three", port)], ...rest }),
        /was not put in force: endpoint three: .*\n$/,
      );
      await talk();
      await (await lineClient(two!)).close();

      assert.match(
        await gateway.hangup({ endpoints: [at("one", one)], ...rest }),
        /reloaded: removed two; updated one\n$/,
      );
      await assert.rejects(lineClient(two!), { reason: "refused" });
      await talk();
      const page = await (await fetch(`http://127.0.0.1:${admin}/reload`)).json() as {
        counts: object;
        last: { outcome: string; removed: string[] };
      };
      assert.deepEqual(page.counts, { done: 2, refused: 3, undone: 1 });
      assert.deepEqual([page.last.outcome, page.last.removed], ["done", ["two"]]);

      await client.close();
      gateway.program.signal("SIGTERM");
      assert.equal((await gateway.program.end()).code, 0);
    },
  );

  it(
    "twenty times, each endpoint but one another time: no descriptor is left over, and the one goes on",
    {
      ...limit,
      skip: existsSync("/proc/self/fd") ? false : "this system does not show the descriptors of a process",
    },
    async (t) => {
      const [one, two] = await freePorts(2);
      const gateway = await Reloaded.start(t, { endpoints: [at("one", one), at("two", two)] });
      const descriptors = () => readdirSync(`/proc/${gateway.program.pid}/fd`).length;
      const client = await lineClient(one!);
      let before = 0;
      for (let round = 0; round < 20; round++) {
        const others = round % 4 === 3 ? [] : [at("two", two, { goodbye: `${round}` })];
        await gateway.hangup({ endpoints: [at("one", one), ...others] });
        await client.send(`round ${round}`);
        assert.deepEqual(await read(client, 1), [`round ${round}`]);
        // What a runtime opens for its first sockets stays.
        if (round === 3) before = descriptors();
      }
      const after = descriptors();
      assert.ok(after <= before, `${before} descriptors after 4 reloads, ${after} after 20`);
      await client.close();
      gateway.program.signal("SIGTERM");
      assert.equal((await gateway.program.end()).code, 0);
    },
  );

  it("with --takeover a new process reads the file and takes over", limit, async (t) => {
    const [one, two] = await freePorts(2);
    const gateway = await Reloaded.start(t, { endpoints: [at("one", one)] }, "--takeover");
    await gateway.write({ endpoints: [at("one", one), at("two", two)] });
    gateway.program.signal("SIGHUP");
    await gateway.program.said("err", /has taken over from/);
    const client = await lineClient(two!);
    await client.send("hello");
    assert.deepEqual(await read(client, 1), ["hello"]);
    await client.close();
    gateway.program.signal("SIGTERM");
    assert.equal((await gateway.program.end()).code, 0);
  });
});
