import assert from "node:assert/strict";
import { describe } from "node:test";
import { FailingAccepts, faultOf } from "../../src/adapters/accept_fault.ts";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { SocketError } from "../../src/core/errors.ts";
import type { Address } from "../../src/core/transport.ts";
import { onLoopback } from "../contract/native.ts";
import { ascii, Rig } from "../contract/rig.ts";
import { it } from "../support/it.ts";
import { runBlocking } from "../support/program.ts";
import { Real } from "../support/server.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { clientTls, serverTls } from "../support/tls.ts";

const adapter = await detectAdapter();

/** Peers that have reset before anything in this process can accept them. */
function resetting(address: Address, times: number): void {
  const port = address.transport === "tcp" ? address.port : 0;
  const { code, err } = runBlocking("tests/adapters/programs/reset_at_once.ts", [`${port}`, `${times}`]);
  assert.deepEqual([code, err], [0, ""]);
}

/** What a listener tells of accepts that fail like this, one after the other. */
function told(...codes: readonly (string | undefined)[]) {
  const failed: [SocketError["reason"], boolean][] = [];
  const lost: SocketError["reason"][] = [];
  const failing = new FailingAccepts({
    failed: ({ reason }, fatal) => failed.push([reason, fatal]),
    lost: ({ reason }) => lost.push(reason),
  });
  const waits = codes.map((code) => failing.met(Object.assign(new Error("accept"), { code }), "accept"));
  return { failed, lost, waits, failing };
}

describe("an error of accept", () => {
  const all = {
    nobody: "EINTR EAGAIN EWOULDBLOCK",
    connection:
      "ECONNABORTED ECONNRESET ENOTCONN EPROTO EPERM ETIMEDOUT ENETDOWN ENETUNREACH EHOSTDOWN EHOSTUNREACH " +
      "ENONET EOPNOTSUPP ENOPROTOOPT ESOCKTNOSUPPORT EPROTONOSUPPORT",
    system: "EMFILE ENFILE ENOBUFS ENOMEM ENOSR",
    listener: "EBADF EINVAL ENOTSOCK EFAULT",
    unknown: "EIO constructor",
  };
  for (const [fault, codes] of Object.entries(all)) {
    it(`S-20: is of this kind: ${fault}: ${codes}`, () => {
      for (const code of codes.split(" ")) assert.equal(faultOf({ code }), fault, code);
    });
  }

  it("S-20: of a connection is counted, keeps nobody waiting, and is not the listener's", () => {
    const { failed, lost, waits } = told("ENOTCONN", "ECONNABORTED", "EPROTO");
    assert.deepEqual([failed, lost, waits], [[], ["reset", "reset", "unknown"], [0, 0, 0]]);
  });

  it("S-20: of nobody is not counted", () => {
    const { failed, lost, waits } = told("EINTR", "EAGAIN");
    assert.deepEqual([failed, lost, waits], [[], [], [0, 0]]);
  });

  it("S-20: after error leaves others a turn, and one accept that passes begins anew", () => {
    const { waits, failing } = told(...Array<string>(200).fill("EPERM"));
    assert.deepEqual(waits.flatMap((wait, at) => wait! > 0 ? [at] : []), [63, 127, 191]);
    failing.passed();
    assert.equal(failing.met({ code: "EPERM" }, "accept"), 0);
  });

  it("S-17: that nobody knows rests the listener, as a shortage does, and is told once", () => {
    for (const code of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EIO", undefined]) {
      const { failed, lost, waits } = told(code, code, code);
      assert.equal(failed.length, 1, code);
      assert.equal(failed[0]![1], false, code);
      assert.deepEqual([lost, waits], [[], [100, 100, 100]], code);
    }
  });

  it("S-17: that ends the listener is told as such", () => {
    const { failed, lost, waits } = told("EBADF");
    assert.deepEqual([failed, lost, waits], [[["unknown", true]], [], [undefined]]);
  });
});

describe(`peers that reset before they are accepted, on the ${adapter.name} adapter`, () => {
  // TLS that the runtime's own sockets may have, and TLS that is always of node:tls.
  const kinds = ["plain sockets", "upgradable sockets", "TLS", "TLS and client certificates"];
  for (const kind of kinds) {
    it(`S-20: are counted, and keep nobody waiting: ${kind}`, async (t) => {
      const rig = new Rig(onLoopback(adapter), t);
      const { cert: ca } = await testAuthority();
      const secured = kind.startsWith("TLS"), asked = kind.endsWith("certificates");
      let lost = 0;
      const { address, failures, port } = await rig.listen({
        upgradable: kind === "upgradable sockets",
        tls: secured
          ? serverTls(await serverPair(), { clientCertificates: asked ? "request" : "none", ca })
          : undefined,
        lost: ({ reason, message }) => {
          lost++;
          assert.equal(reason, "reset");
          assert.match(message, new RegExp(`^accept on 127.0.0.1:${port}: `));
        },
      }, (transport) => {
        // Those that are handed over all the same are none of this test's.
        if (transport.peer.ip === "") return transport.abort();
        transport.start({
          data: (chunk) => {
            transport.write(chunk);
            return true;
          },
          drain() {},
          end: () => transport.end(),
          close() {},
        });
      });
      resetting(address, 40);
      const honest = (await rig.connect(address, { tls: secured ? clientTls({ ca }) : undefined })).start();
      honest.transport.write(ascii("here I am"));
      await honest.received(9);
      assert.deepEqual([failures, lost], [[], 40]);
    });
  }

  it("S-20: are in a server's statistics, and no failure of its listener", async (t) => {
    const place = await Real.at(t);
    const failures: SocketError[] = [];
    const server = await place.serve({
      framing: lines(),
      handler: async (connection) => {
        for await (const line of connection) await connection.send(line);
      },
      onListenerError: (error) => failures.push(error),
    });
    resetting(server.address, 20);
    const peer = await place.dial(server);
    peer.write("hello\n");
    await peer.got("hello\n");
    assert.deepEqual([failures, server.stats().connectionsLost], [[], 20]);
    const lost = place.logs.filter(({ message }) => message === "connection lost before it was accepted");
    assert.deepEqual(
      lost.map(({ level, fields }) => [level, fields.reason]),
      Array(20).fill(["debug", "reset"]),
    );
  });
});
