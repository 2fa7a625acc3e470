import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { checkPath } from "../../src/adapters/unix/path.ts";
import { SocketError, type SocketErrorReason } from "../../src/core/errors.ts";
import type { Address } from "../../src/core/transport.ts";
import { onLoopback } from "../contract/native.ts";
import { ascii, Rig } from "../contract/rig.ts";
import { Program } from "../support/program.ts";
import { it } from "../support/it.ts";

const adapter = await detectAdapter();
const subject = onLoopback(adapter);
const directory = mkdtempSync(join(tmpdir(), "millrace-path-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const skip = adapter.can.unix ? false : "this adapter has no Unix sockets";

function at(name: string): Address & { readonly transport: "unix" } {
  return { transport: "unix", path: join(directory, name) };
}

function failing(reason: SocketErrorReason, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SocketError, String(error));
    assert.equal(error.reason, reason, error.message);
    assert.match(error.message, message);
    return true;
  };
}

describe(`the path of a Unix socket, on the ${adapter.name} adapter`, () => {
  it("S-18: is taken over from a server that was killed", { skip }, async (t) => {
    const address = at("killed.sock");
    const server = new Program(t, "tests/adapters/programs/listen_and_stay.ts", [address.path]);
    await server.said("out", /listening/);
    server.signal("SIGTERM");
    await server.ended;
    assert.ok(statSync(address.path).isSocket(), "the dead server's file stays");
    const { client, server: accepted, listening } = await new Rig(subject, t).started(address);
    client.transport.write(ascii("hello"));
    await accepted.received(5);
    await listening.listener.stop();
    assert.equal(existsSync(address.path), false);
  });

  it("S-18: is not taken from a server that answers", { skip }, async (t) => {
    const rig = new Rig(subject, t);
    const address = at("alive.sock");
    const { client, server } = await rig.started(address);
    await assert.rejects(rig.listen({ address }), failing("address_in_use", /another server answers there/));
    client.transport.write(ascii("still here"));
    await server.received(10);
  });

  it("S-18: is not taken from a file that is no socket", { skip }, async (t) => {
    const address = at("notes.txt");
    writeFileSync(address.path, "precious");
    const refused = failing(
      "address_in_use",
      /notes\.txt: a file that is not a socket is in the way.*remove it/,
    );
    await assert.rejects(new Rig(subject, t).listen({ address }), refused);
    assert.equal(statSync(address.path).size, 8);
  });

  it("S-18: is refused where there is no directory", { skip }, async (t) => {
    const address = at("nowhere/a.sock");
    const refused = failing("path_not_found", /there is no directory .*nowhere; create it first/);
    await assert.rejects(new Rig(subject, t).listen({ address }), refused);
  });

  it("S-18: is refused when it is too long for the system, which might cut it off", { skip }, async (t) => {
    const rig = new Rig(subject, t);
    const address = at("x".repeat(110));
    const refused = failing("address_not_available", /the path has \d+ bytes, and \d+ is the maximum/);
    await assert.rejects(rig.listen({ address }), refused);
    await assert.rejects(rig.connect(address), refused);
  });

  it("S-18: is refused when it is empty", { skip }, async (t) => {
    const rig = new Rig(subject, t);
    const refused = failing("address_not_available", /the path is empty/);
    await assert.rejects(rig.listen({ address: { transport: "unix", path: "" } }), refused);
    await assert.rejects(rig.connect({ transport: "unix", path: "" }), refused);
  });
});

describe("checkPath", () => {
  it("counts bytes, not letters", () => {
    assert.throws(() => checkPath(`/${"ü".repeat(60)}`, "listen"), SocketError);
    checkPath(`/${"u".repeat(60)}`, "listen");
  });

  it("S-48: refuses a path with a zero byte, at which it would be cut off", () => {
    for (const path of ["/run/a.sock\0.bak", "\0abstract"]) {
      assert.throws(() => checkPath(path, "listen"), failing("address_not_available", /has a zero byte/));
    }
  });
});
