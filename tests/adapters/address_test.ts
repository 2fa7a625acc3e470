import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  abortedConnect,
  boundAt,
  brokenConnection,
  peerText,
  plainIp,
  tcpPeer,
  unixPeer,
} from "../../src/adapters/address.ts";
import { addressText } from "../../src/core/text/place.ts";
import { SocketError } from "../../src/core/errors.ts";

const peer = tcpPeer("192.0.2.7", 4000, "127.0.0.1", 3034);

describe("addresses", () => {
  it("show IPv4 behind a dual-stack listener as IPv4, and leave IPv6 alone", () => {
    assert.equal(plainIp("::ffff:192.0.2.7"), "192.0.2.7");
    for (const ip of ["192.0.2.7", "::1", "::ffff:1", "2001:db8::ffff:1", ""]) assert.equal(plainIp(ip), ip);
  });

  it("S-55: show no zone, which is told by one runtime only", () => {
    assert.equal(plainIp("fe80::1%lo"), "fe80::1");
  });

  it("S-55: of a peer on TCP that was gone too early are not those of a local one", () => {
    assert.equal(peerText(unixPeer("/run/a.sock")), "a local peer");
    assert.match(
      peerText(tcpPeer(undefined, undefined, "127.0.0.1", 1)),
      /disconnected before its address could be read/,
    );
    assert.equal(peerText(peer), "192.0.2.7:4000");
  });

  it("S-55: of a listener are those asked for, or what a name has become", () => {
    const told = { host: "::1", port: 7 };
    assert.deepEqual(boundAt({ transport: "tcp", host: "fe80::1%lo", port: 0 }, told), {
      transport: "tcp",
      host: "fe80::1%lo",
      port: 7,
    });
    assert.deepEqual(boundAt({ transport: "tcp", host: "localhost", port: 0 }, told), {
      transport: "tcp",
      ...told,
    });
  });

  it("read as one would type them", () => {
    assert.equal(addressText({ transport: "tcp", host: "127.0.0.1", port: 80 }), "127.0.0.1:80");
    assert.equal(addressText({ transport: "tcp", host: "::1", port: 80 }), "[::1]:80");
    assert.equal(addressText({ transport: "unix", path: "/run/a.sock" }), "/run/a.sock");
  });

  it("are empty where the connection was gone before the runtime could tell", () => {
    assert.deepEqual(tcpPeer(undefined, undefined, undefined, undefined), {
      ip: "",
      port: 0,
      local: { transport: "tcp", host: "", port: 0 },
    });
  });
});

describe("the error of a broken connection", () => {
  it("S-10: is reset for each way in which a runtime shows a peer's RST", () => {
    for (const code of ["ECONNRESET", "EPIPE", "ENOTCONN"]) {
      const cause = Object.assign(new Error("broken"), { code });
      const error = brokenConnection(cause, peer);
      assert.equal(error.reason, "reset");
      assert.equal(error.cause, cause);
      assert.match(error.message, new RegExp(`192\\.0\\.2\\.7:4000 open: ${code}, the peer reset it`));
    }
  });

  it("keeps another reason, and the cause", () => {
    const cause = Object.assign(new Error("no answer"), { code: "ETIMEDOUT" });
    const error = brokenConnection(cause, unixPeer(""));
    assert.equal(error.reason, "timed_out");
    assert.equal(error.cause, cause);
  });

  it("of an aborted attempt names the address and keeps the signal's reason", () => {
    const reason = new Error("enough");
    const error = abortedConnect(AbortSignal.abort(reason), { transport: "tcp", host: "::1", port: 1 });
    assert.ok(error instanceof SocketError);
    assert.equal(error.reason, "aborted");
    assert.equal(error.cause, reason);
    assert.match(error.message, /connect to \[::1\]:1/);
  });
});
