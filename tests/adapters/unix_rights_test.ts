// Who may use the file of a Unix socket: set before the path leads to it, or refused with nothing left behind.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { connect } from "../../src/client/connect.ts";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { bindPath } from "../../src/adapters/unix/path.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { FileRights } from "../../src/core/text/file_rights.ts";
import { serve } from "../../src/server/serve.ts";
import { it } from "../support/it.ts";
import { commandLine } from "../support/program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const adapter = await detectAdapter();
const isRoot = process.getuid?.() === 0;
const noMode = adapter.can.socketMode ? false : "files of sockets have no permissions here";
const noOwner = !adapter.can.socketOwner
  ? "files of sockets have no owners here"
  : !isRoot && "only root can give files away";

/** What is started behind this may not give files away, though it is root's. */
const withoutChown = ["setpriv", "--bounding-set=-chown"];

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-rights-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const quiet = { framing: lines({ encoding: "utf-8" }), logger: () => {} } as const;

/** Permissions alone. */
const modeOf = (path: string): string => (lstatSync(path).mode & 0o777).toString(8);

describe(`the file of a Unix socket, on the ${adapter.name} adapter`, () => {
  for (const [mode, octal] of [[0o660, "660"], ["0600", "600"], [0o777, "777"]] as const) {
    it(`has the mode that was asked for, ${octal}, and nothing else is left beside it (F-16)`, {
      skip: noMode,
    }, async (t) => {
      const folder = folderOf(t);
      const path = join(folder, "a.sock");
      const server = await serve({ ...quiet, path, mode, onFrame: (line, peer) => peer.send(line) });
      t.after(() => server.destroy());
      assert.equal(modeOf(path), octal);
      assert.deepEqual(readdirSync(folder), ["a.sock"]);
      const client = await connect({ path, framing: quiet.framing });
      await client.send("hello");
      for await (const line of client) {
        assert.equal(line, "hello");
        break;
      }
      await server.suspend();
      assert.deepEqual(readdirSync(folder), []);
      await server.resume();
      assert.equal(modeOf(path), octal, "after a resume");
      await server.destroy();
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  it("is what the umask leaves where no mode is asked for", { skip: noMode }, async (t) => {
    const path = join(folderOf(t), "a.sock");
    const server = await serve({ ...quiet, path, onFrame: () => {} });
    t.after(() => server.destroy());
    const probe = join(dirname(path), "probe");
    const other = await listening(t, probe);
    assert.equal(modeOf(path), modeOf(probe));
    other.close();
  });

  it("belongs to the user and the group that were asked for, or to one of them (F-16)", {
    skip: noOwner,
  }, async (t) => {
    const folder = folderOf(t);
    const cases = [[{ uid: 1234, gid: 2345 }, 1234, 2345], [{ gid: 2345 }, 0, 2345], [
      { uid: 1234 },
      1234,
      0,
    ]];
    for (const [owner, uid, gid] of cases as [{ uid?: number; gid?: number }, number, number][]) {
      const path = join(folder, "a.sock");
      const server = await serve({ ...quiet, path, owner, mode: 0o660, onFrame: () => {} });
      const file = statSync(path);
      assert.deepEqual([file.uid, file.gid, modeOf(path)], [uid, gid, "660"]);
      await server.destroy();
      assert.deepEqual(readdirSync(folder), []);
    }
  });

  it("is refused with what to do, and nothing is left, where it cannot be given away (S-18)", {
    skip: noMode || (isRoot && !canDrop() && "no program here takes a right of root away"),
  }, (t) => {
    const folder = folderOf(t);
    const program = commandLine("tests/adapters/programs/listen_as_owner.ts", [
      join(folder, "a.sock"),
      "1234",
    ]);
    const [file, ...args] = [...(isRoot ? withoutChown : []), process.execPath, ...program];
    const { stdout, stderr } = spawnSync(file!, args, { cwd: root, encoding: "utf8", timeout: 60_000 });
    const { reason, message } = JSON.parse(stdout || "{}") as { reason?: string; message?: string };
    assert.equal(reason, "permission_denied", `${stdout}${stderr}`);
    assert.match(message!, /does not let it belong to uid 1234 \(.*\): run as root .*or leave owner out$/);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("is out of reach of others before it has its mode, and its path leads to it only then", {
    skip: noMode,
  }, async (t) => {
    const folder = folderOf(t);
    const path = join(folder, "a.sock");
    const seen: string[] = [];
    const listener = await bound(t, path, { mode: 0o606 }, (at) => {
      seen.push(at);
      assert.equal(existsSync(path), false);
      assert.equal(modeOf(dirname(at)), "700");
      assert.notEqual(dirname(at), folder);
    });
    assert.equal(seen.length, 1);
    assert.equal(modeOf(path), "606");
    assert.deepEqual(readdirSync(folder), ["a.sock"]);
    await listener.stop();
  });

  it("leaves nothing where the socket cannot be bound, or the path is taken", { skip: noMode }, async (t) => {
    const folder = folderOf(t);
    const refused = () => Promise.reject(Object.assign(new Error("no"), { code: "EMFILE" }));
    const sockets = { bind: refused, claim: refused, dial: refused };
    await assert.rejects(bindPath(join(folder, "a.sock"), sockets, { mode: 0o600 }));
    assert.deepEqual(readdirSync(folder), []);
    writeFileSync(join(folder, "b.sock"), "precious");
    const path = join(folder, "b.sock");
    await assert.rejects(serve({ ...quiet, path, mode: 0o600, onFrame: () => {} }), {
      reason: "address_in_use",
    });
    assert.deepEqual(readdirSync(folder), ["b.sock"]);
    assert.notEqual(modeOf(path), "600", "another's file is left as it is");
  });
});

/** A listener whose place is looked at between binding and everything that follows. */
function bound(t: TestContext, path: string, rights: FileRights, look: (at: string) => void) {
  const bind = async (at: string) => {
    const server = await listening(t, at);
    look(at);
    const stop = () => new Promise<void>((resolve) => server.close(() => resolve()));
    return { address: { transport: "unix", path } as const, stop };
  };
  const dial = () => Promise.reject(new Error("nobody is asked"));
  return bindPath(path, { bind, claim: bind, dial }, rights);
}

function listening(t: TestContext, path: string): Promise<NetServer> {
  const server = createServer();
  t.after(() => server.close());
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(path, () => resolve(server));
  });
}

function canDrop(): boolean {
  const [program = "", ...args] = withoutChown;
  return spawnSync(program, [...args, "true"]).status === 0;
}
