// The draft of WinterTC line by line: what our sockets do on this runtime, and what those of workerd do.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connectSocket, SocketError, sockets } from "../../sockets.ts";
import { OptionsError } from "../../mod.ts";
import { TlsError } from "../../adapter.ts";
import { noWorkerd } from "../support/workerd.ts";
import { DraftPeer, type SecurePeers, securePeers } from "./draft_peer.ts";
import { observations, type Place } from "./observations.ts";
import { type Reference, referenceWorker } from "./reference_worker.ts";

/** What a line says, and the facts: ours, and those of workerd where they differ. */
const expected: readonly (readonly [line: string, says: string, ours: unknown, workerd?: unknown])[] = [
  ["W-1", "connect takes both forms of an address, and returns a pending socket at once", [
    ...[false, "pending", false, "pending"],
  ]],
  ["W-2", "a socket has the members of the draft, and secureTransport besides", [[], false]],
  ["W-3", "a badly formed address throws at once", [[true, true], [true, true], [true, true]], [
    ...[[true, false], [true, false], [true, false]],
  ]],
  ["W-4", "the error is a TypeError whose message begins with SocketError: ", [true, true], [false, false]],
  ["W-5", "opened resolves with both addresses and the protocol of ALPN", {
    remote: true,
    local: true,
    alpn: [null, null],
  }, { remote: true, local: undefined, alpn: [undefined, undefined] }],
  ["W-6", "a failure that nobody handles is no unhandled rejection", 0],
  ["W-7", "opened, closed, a read and a write fail with the one error when connecting fails", [
    ...[true, true, true, true],
  ], [true, false, false, false]],
  ["W-8", "both streams can be used before opened", "echo\nhello"],
  ["W-9", "closed resolves when close was called", ["pending", undefined]],
  ["W-10", "close returns the promise that closed is", [true, true], [false, false]],
  ["W-11", "close cancels readable, and aborts writable with the reason", [true, true], ["failed", false]],
  ["W-12", "close while opened is pending rejects it with the reason", true, false],
  ["W-13", "a FIN or RST ends the socket once somebody reads it, and not before", [
    "pending",
    "bye",
    true,
    true,
  ], ["pending", "bye", true, false]],
  ["W-14", "with allowHalfOpen, writing goes on behind the peer's FIN", [
    "bye",
    "pending",
    "behind",
    "pending",
  ]],
  ["W-15", "cancelling readable and closing writable does not resolve closed", "pending"],
  ["W-16", "startTls closes the old socket and gives its connection to a new one", [
    ...["go\n", true, false, true, "hello\n"],
  ]],
  ["W-17", "startTls fails on a socket with TLS, and where it was not asked for", [[true, true], [
    true,
    true,
  ]], [
    ...[[true, false], [true, false]],
  ]],
  ["W-19", "readable is a byte stream with BYOB readers", "echo\n"],
];

const tidying: (() => unknown)[] = [];
const suite = { after: (cleanup: () => unknown): void => void tidying.unshift(cleanup) };
let peer!: DraftPeer;
let secure!: SecurePeers;
let place!: Place;
let reference: Reference | undefined;
let unhandled = 0;
const onUnhandled = (): void => void unhandled++;

before(async () => {
  peer = await DraftPeer.listen(suite);
  secure = await securePeers(suite);
  const { connect } = sockets({ tls: { ca: secure.ca } });
  const where = {
    host: "127.0.0.1",
    port: peer.port,
    starttls: `localhost:${secure.starttls.address.port}`,
    tls: `localhost:${secure.tls.address.port}`,
    refused: "127.0.0.1:1",
  };
  place = { ...where, connect, unhandled: () => unhandled };
  process.on("unhandledRejection", onUnhandled);
  suite.after(() => void process.off("unhandledRejection", onUnhandled));
  if (noWorkerd === false) reference = await referenceWorker(suite, where, secure.ca);
}, { timeout: 120_000 });
after(async () => {
  for (const cleanup of tidying) await cleanup();
});

describe("sockets of the draft", { timeout: 120_000 }, () => {
  for (const [line, says, ours] of expected) {
    it(`${line}: ${says} (F-35)`, async () => assert.deepEqual(await observations[line]!(place), ours));
  }

  it("W-18: sni and alpn belong to TLS, are offered to the server, and its answer is told (F-35)", async () => {
    const { connect } = sockets({ tls: { ca: secure.ca } });
    for (const options of [{ sni: "localhost" }, { alpn: ["chat/1"] }]) {
      assert.throws(
        () => connect(place.tls, options),
        (error) => error instanceof SocketError && /secureTransport/.test(error.message),
      );
    }
    const socket = connect(place.tls, { secureTransport: "on", sni: "other.example", alpn: ["chat/1"] });
    assert.equal((await socket.opened).alpn, "chat/1");
    // The client is the first to know that the handshake is complete.
    await socket.writable.getWriter().write(new TextEncoder().encode("hello\n"));
    await socket.readable.getReader().read();
    assert.equal(secure.asked.at(-1), "other.example");
    await socket.close();
    const late = connect(place.starttls, { secureTransport: "starttls", sni: "nobody.example" });
    const writer = late.writable.getWriter();
    await writer.write(new TextEncoder().encode("STARTTLS\n"));
    await late.readable.getReader().read();
    await assert.rejects(
      late.startTls().opened,
      (error) => error instanceof SocketError && (error.cause as TlsError).reason === "certificate_name",
    );
  });

  it("W-20: default CAs are asked, and a binding object has a connect that conforms, with settings of its own (F-35)", async () => {
    const stranger = connectSocket(place.tls, { secureTransport: "on" });
    await assert.rejects(
      stranger.opened,
      (error) => error instanceof SocketError && (error.cause as TlsError).reason === "certificate_untrusted",
    );
    const { connect } = sockets({ tls: { ca: secure.ca, minVersion: "TLSv1.3" } });
    const socket = connect(place.tls, { secureTransport: "on" });
    await socket.opened;
    await socket.close();
    assert.throws(
      () => sockets({ tsl: {} } as object),
      (error) => error instanceof OptionsError && /did you mean tls/.test(error.message),
    );
    // Members of a dictionary that the draft does not know are ignored.
    await connect(`127.0.0.1:${peer.port}`, { highWaterMark: 1 } as object).close();
  });
});

describe(
  "sockets of workerd, as the table of differences has them",
  { skip: noWorkerd, timeout: 120_000 },
  () => {
    for (const [line, says, ours, workerd = ours] of expected) {
      const differs = workerd === ours ? "as ours" : "unlike ours";
      it(`${line} on workerd, ${differs}: ${says} (F-40)`, async () => {
        assert.deepEqual(await reference!.host(line), JSON.parse(JSON.stringify(workerd)));
      });
    }
  },
);

describe("our sockets on workerd", { skip: noWorkerd, timeout: 120_000 }, () => {
  for (const [line, says, ours] of expected) {
    it(`${line} over cloudflare:sockets: ${says} (F-40)`, async () => {
      const facts = await reference!.ours(line);
      // The host does not tell its own address.
      const known = line === "W-5" ? { ...ours as object, local: null } : ours;
      assert.deepEqual(facts, JSON.parse(JSON.stringify(known === undefined ? null : known)));
    });
  }
});
