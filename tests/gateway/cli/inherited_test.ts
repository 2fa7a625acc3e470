// millrace on sockets that it inherits: serve --fd and --systemd, and the endpoints of a gateway.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import { formatAddress } from "../../../src/core/text/address.ts";
import type { Address } from "../../../src/core/transport.ts";
import { heldSocket } from "../../support/held_socket.ts";
import { it } from "../../support/it.ts";
import { type Cleaner, type Inherited, Program, runMillrace } from "../../support/program.ts";

const adapter = await detectAdapter();

function start(t: Cleaner, inherited: Inherited, ...args: string[]): Program {
  return new Program(t, "src/gateway/main.ts", args, inherited);
}

async function echoes(t: Cleaner, address: Address): Promise<void> {
  const { code, out } = await runMillrace(t, ["connect", formatAddress(address)], "hello\n");
  assert.deepEqual([code, out], [0, "hello\n"]);
}

async function stopped(program: Program): Promise<void> {
  program.signal("SIGTERM");
  assert.equal((await program.end()).code, 0);
}

describe(`millrace on inherited sockets, on ${adapter.name}`, () => {
  it("serve --fd serves on the descriptor (F-75)", async (t) => {
    const { fd, address } = heldSocket(t);
    const program = start(t, { descriptors: [fd] }, "serve", "--fd", "3", "--echo", "--quiet");
    await program.said("err", new RegExp(`listening on ${formatAddress(address)}, `));
    await echoes(t, address);
    await stopped(program);
  });

  it("serve --systemd serves on the only socket, or on that of a name, and says which there are (F-75)", async (t) => {
    const { fd, address } = heldSocket(t, "unix");
    const other = heldSocket(t);
    const env = { LISTEN_FDS: "1", LISTEN_FDNAMES: "echo.socket" };
    const only = start(t, { descriptors: [fd], env }, "serve", "--systemd", "--echo", "--quiet");
    await only.said("err", new RegExp(`listening on ${formatAddress(address)}, `));
    await echoes(t, address);
    await stopped(only);
    const two = { descriptors: [fd, other.fd], env: { LISTEN_FDS: "2", LISTEN_FDNAMES: "a:b" } };
    const named = start(t, two, "serve", "--systemd", "b", "--echo", "--quiet");
    await named.said("err", new RegExp(`listening on ${formatAddress(other.address)}, `));
    await stopped(named);
    const which = await start(t, two, "serve", "--systemd").end();
    assert.deepEqual([which.code, /it has passed a, b: say which one/.test(which.err)], [1, true], which.err);
    const none = await start(t, {}, "serve", "--systemd").end();
    assert.deepEqual([none.code, /it has passed no socket/.test(none.err)], [1, true], none.err);
  });

  it("serve takes one place, and no option of one that is bound (F-75)", async (t) => {
    for (
      const [args, message] of [
        [["--fd", "3", "--port", "1"], /--fd cannot be combined with --port or --host: leave one out/],
        [["--fd", "3", "--unix", "x"], /--fd cannot be combined with --unix/],
        [["--systemd", "--fd", "3"], /--systemd cannot be combined with --fd/],
        [
          ["--fd", "3", "--mode", "0600"],
          /--mode and --owner need --unix: an inherited socket has been bound/,
        ],
        [["--fd", "3", "--bind-retry", "1s"], /--bind-retry cannot be combined with --fd or --systemd/],
        [["--fd", "x"], /--fd: found "x", expected a whole number/],
      ] as const
    ) {
      const { code, err } = await runMillrace(t, ["serve", ...args]);
      assert.deepEqual([code, message.test(err)], [2, true], err);
    }
  });

  it("a gateway has endpoints on a descriptor and on a socket of systemd (F-75)", async (t) => {
    const [one, two] = [heldSocket(t), heldSocket(t, "unix")];
    const folder = mkdtempSync(join(tmpdir(), "millrace-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "gateway.json");
    const echo = { framing: "lines", echo: true };
    const endpoints = [
      { ...echo, name: "one", listen: { fd: 3 } },
      { ...echo, name: "two", listen: "systemd:two.socket" },
    ];
    writeFileSync(file, JSON.stringify({ endpoints }));
    const env = { LISTEN_FDS: "2", LISTEN_FDNAMES: "one.socket:two.socket" };
    const checked = await runMillrace(t, ["check", file]);
    assert.deepEqual([checked.code, checked.out], [0, `${file}: no faults; 2 endpoints\n`]);
    const gateway = start(t, { descriptors: [one.fd, two.fd], env }, "gateway", file);
    await gateway.said("err", new RegExp(`one +listens on ${formatAddress(one.address)} `));
    await gateway.said("err", new RegExp(`two +listens on ${formatAddress(two.address)} `));
    await echoes(t, one.address);
    await echoes(t, two.address);
    await stopped(gateway);
    const without = await start(t, { descriptors: [one.fd] }, "gateway", file).end();
    assert.equal(without.code, 1);
    assert.match(
      without.err,
      /endpoint two: listen on systemd:two\.socket: systemd has passed no socket to this process/,
    );
  });
});
