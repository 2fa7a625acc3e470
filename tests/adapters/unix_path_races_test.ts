// Several servers at one path, one after the other and at once.
import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { after, describe, type TestContext } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { Folder } from "../../src/adapters/unix/socket_file.ts";
import { bindPath, type PathSockets } from "../../src/adapters/unix/path.ts";
import { SocketError } from "../../src/core/errors.ts";
import { onLoopback } from "../contract/native.ts";
import { ascii, type Listening, Rig } from "../contract/rig.ts";
import { it } from "../support/it.ts";
import { Program } from "../support/program.ts";

const adapter = await detectAdapter();
const subject = onLoopback(adapter);
const root = mkdtempSync(join(tmpdir(), "millrace-race-"));
after(() => rmSync(root, { recursive: true, force: true }));
const skip = adapter.can.unix ? false : "this adapter has no Unix sockets";
const unix = (path: string) => ({ transport: "unix", path } as const);

let directories = 0;
/** A directory in which only what a test makes is. */
function fresh(): string {
  const directory = join(root, String(++directories));
  mkdirSync(directory);
  return directory;
}

/** Leaves at this path what a server leaves that was killed. */
async function dieAt(rig: Rig, path: string): Promise<void> {
  const elsewhere = join(fresh(), "s");
  const { listener } = await rig.listen({ address: unix(elsewhere) });
  linkSync(elsewhere, path);
  await listener.stop();
}

/** One of these listens, and the others say that the path is in use. */
async function onlyOne(starts: readonly Promise<Listening>[]): Promise<Listening> {
  const results = await Promise.allSettled(starts);
  const won = results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  const reasons = results.flatMap((result) =>
    result.status === "rejected" ? [(result.reason as SocketError).reason ?? String(result.reason)] : []
  );
  assert.deepEqual(reasons, Array.from({ length: starts.length - 1 }, () => "address_in_use"));
  assert.equal(won.length, 1);
  return won[0]!;
}

/** A connection from the path to this listener. */
async function assertReached(rig: Rig, path: string, listening: Listening): Promise<void> {
  const client = await rig.connect(unix(path));
  client.start().transport.write(ascii("here"));
  for (;;) {
    // Before it there may be others, who only looked whether somebody answers.
    const server = (await listening.next()).start();
    await server.until("its bytes or its end", () => server.bytes >= 4 || server.ends + server.closes > 0);
    if (server.bytes >= 4) return;
  }
}

/** What `bindPath` is given, from sockets of this runtime. */
function socketsOf(rig: Rig, change: Partial<PathSockets> = {}): PathSockets {
  const bind = async (at: string) => (await rig.listen({ address: unix(at) })).listener;
  return {
    bind,
    claim: bind,
    dial: async (at) => (await rig.connect(unix(at))).transport,
    ...change,
  };
}

const inUse = (error: unknown): boolean => error instanceof SocketError && error.reason === "address_in_use";

describe(`one path and several servers, on the ${adapter.name} adapter`, () => {
  it("S-47: a server that stops leaves the file of its successor alone", { skip }, async (t) => {
    const rig = new Rig(subject, t);
    const path = join(fresh(), "a.sock");
    const predecessor = await rig.listen({ address: unix(path) });
    unlinkSync(path);
    const successor = await rig.listen({ address: unix(path) });
    await predecessor.listener.stop();
    await assertReached(rig, path, successor);
    await successor.listener.stop();
    assert.equal(existsSync(path), false);
  });

  it("S-47: a server that stops leaves alone what is no socket of its own", { skip }, async (t) => {
    const rig = new Rig(subject, t);
    const path = join(fresh(), "a.sock");
    const { listener } = await rig.listen({ address: unix(path) });
    unlinkSync(path);
    writeFileSync(path, "precious");
    await listener.stop();
    assert.equal(statSync(path).size, 8);
  });

  it(
    "S-47: of eight starters at a dead path one listens, and nothing is left behind",
    { skip },
    async (t) => {
      const rig = new Rig(subject, t);
      const directory = fresh();
      const path = join(directory, "a.sock");
      for (let round = 0; round < 10; round++) {
        await dieAt(rig, path);
        const starts = Array.from({ length: 8 }, () => rig.listen({ address: unix(path) }));
        const winner = await onlyOne(starts);
        await assertReached(rig, path, winner);
        assert.deepEqual(readdirSync(directory), ["a.sock"]);
        await winner.listener.stop();
        assert.deepEqual(readdirSync(directory), []);
      }
    },
  );

  it("S-47: of three processes that start at a dead path one listens", { skip }, async (t) => {
    const path = join(fresh(), "a.sock");
    await dieAt(new Rig(subject, t), path);
    const programs = Array.from(
      { length: 3 },
      () => new Program(t, "tests/adapters/programs/listen_and_stay.ts", [path]),
    );
    const said = await Promise.all(
      programs.map((program) => program.said("out", /listening|address_in_use/)),
    );
    assert.deepEqual(said.map(([word]) => word).sort(), ["address_in_use", "address_in_use", "listening"]);
    assert.ok(statSync(path).isSocket());
  });

  it("S-47: one that found the path dead does not remove who has come meanwhile", { skip }, async (t) => {
    const rig = new Rig(subject, t);
    const path = join(fresh(), "a.sock");
    await dieAt(rig, path);
    let quicker: Listening | undefined;
    const sockets = socketsOf(rig);
    const dial = async (at: string) => {
      const answer = sockets.dial(at);
      await answer.catch(() => {});
      // Between the look and the act.
      quicker ??= await rig.listen({ address: unix(path) });
      return answer;
    };
    await assert.rejects(bindPath(path, { ...sockets, dial }), inUse);
    await assertReached(rig, path, quicker!);
  });

  it("S-47: while one clears the path away, another does not", { skip }, async (t) => {
    const rig = new Rig(subject, t);
    const path = join(fresh(), "a.sock");
    await dieAt(rig, path);
    let dials = 0;
    const sockets = socketsOf(rig);
    const dial = async (at: string) => {
      // The second look is under the claim.
      if (++dials === 2) await assert.rejects(rig.listen({ address: unix(path) }), inUse);
      return sockets.dial(at);
    };
    const listener = await bindPath(path, { ...sockets, dial });
    assert.equal(dials, 2);
    await listener.stop();
  });

  it("S-47: those killed while they cleared the path away keep nobody from it", { skip }, async (t) => {
    const rig = new Rig(subject, t);
    const directory = fresh();
    const path = join(directory, "a.sock");
    const folder = Folder.of(path, 100);
    for (const dead of [path, folder.claim(0), folder.claim(1)]) await dieAt(rig, dead);
    const winner = await onlyOne([1, 2, 3, 4].map(() => rig.listen({ address: unix(path) })));
    assert.deepEqual(readdirSync(directory), ["a.sock"]);
    await assertReached(rig, path, winner);
  });

  it("S-47: a successor that starts while its predecessor stops has the path, or says that it is in use", {
    skip,
  }, async (t) => {
    const rig = new Rig(subject, t);
    const directory = fresh();
    const path = join(directory, "a.sock");
    let current = await rig.listen({ address: unix(path) });
    for (let round = 0; round < 20; round++) {
      const stopping = round % 2 === 0 ? current.listener.stop() : Promise.resolve();
      const starting = rig.listen({ address: unix(path) });
      if (round % 2 === 1) void current.listener.stop();
      const [next] = await Promise.allSettled([starting, stopping]);
      if (next.status === "rejected") assert.ok(inUse(next.reason), String(next.reason));
      await current.listener.stop();
      current = next.status === "fulfilled" ? next.value : await rig.listen({ address: unix(path) });
      assert.deepEqual(readdirSync(directory), ["a.sock"]);
      await assertReached(rig, path, current);
    }
  });

  it("S-47: a server taken for alive fails in another way than by refusing", { skip }, async (t) => {
    const rig = new Rig(subject, t);
    const path = join(fresh(), "a.sock");
    await dieAt(rig, path);
    const dial = () => Promise.reject(new SocketError("unknown", "EAGAIN"));
    await assert.rejects(bindPath(path, socketsOf(rig, { dial })), inUse);
    assert.ok(existsSync(path));
  });
});

describe(`the file of a Unix socket, on the ${adapter.name} adapter`, () => {
  async function works(t: TestContext, given: string, path = given): Promise<void> {
    const rig = new Rig(subject, t);
    await dieAt(rig, path);
    const listening = await rig.listen({ address: unix(given) });
    assert.deepEqual(listening.address, unix(given));
    await assertReached(rig, given, listening);
    await listening.listener.stop();
    assert.equal(existsSync(path), false);
  }

  it("has the rights that the process gives to new files", { skip }, async (t) => {
    const path = join(fresh(), "a.sock");
    const before = process.umask(0o027);
    try {
      await new Rig(subject, t).listen({ address: unix(path) });
    } finally {
      process.umask(before);
    }
    assert.equal((statSync(path).mode & 0o777).toString(8), "750");
  });

  it("may have the longest path that there is, with a name of one letter", { skip }, async (t) => {
    const parent = fresh();
    const directory = join(parent, "d".repeat(103 - 3 - Buffer.byteLength(parent)));
    mkdirSync(directory);
    const path = join(directory, "s");
    await works(t, path);
    assert.deepEqual(readdirSync(directory), []);
  });

  it("may stand in a directory that is a symbolic link, or be named from here", { skip }, async (t) => {
    const directory = fresh();
    const link = join(fresh(), "link");
    symlinkSync(directory, link);
    await works(t, join(link, "a.sock"));
    await works(t, relative(process.cwd(), join(directory, "b.sock")), join(directory, "b.sock"));
  });
});
