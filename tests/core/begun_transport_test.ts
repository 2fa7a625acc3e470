import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BegunTransport } from "../../src/core/flow/begun_transport.ts";
import type { Peer, Transport, TransportEvents } from "../../src/core/transport.ts";
import { bytes, text } from "../support/frames.ts";

/** A transport that a test tells what to report; it notes what it is told. */
class Below implements Transport {
  peer: Peer = { ip: "10.0.0.1", port: 1, local: { transport: "tcp", host: "10.0.0.2", port: 2 } };
  taken = 0;
  readonly prompt = true;
  readonly heard: string[] = [];
  events!: TransportEvents;
  start(events: TransportEvents): void {
    this.heard.push("start");
    this.events = events;
  }
  resume(): void {
    this.heard.push("resume");
  }
  write(chunk: Uint8Array): boolean {
    this.taken += chunk.length;
    return true;
  }
  end(): void {}
  release(): void {}
  abort(): void {}
}

/** Whoever hears: what it has heard, and whether it takes more. */
class Ear implements TransportEvents {
  readonly heard: string[] = [];
  takes = true;
  data(chunk: Uint8Array): boolean {
    this.heard.push(text(chunk));
    return this.takes;
  }
  drain(): void {
    this.heard.push("drain");
  }
  end(): void {
    this.heard.push("end");
  }
  close(error?: Error): void {
    this.heard.push(`close ${error?.message}`);
  }
}

function at() {
  const [below, first, then] = [new Below(), new Ear(), new Ear()];
  return { below, first, then, transport: new BegunTransport(below, first) };
}

describe("a transport that was started before its connection", () => {
  it("gives the connection what was read and is its own, then what comes (F-27)", () => {
    const { below, first, then, transport } = at();
    transport.begin();
    below.events.data(bytes("header one"));
    transport.unread(bytes("one"), false);
    transport.start(then);
    assert.equal(below.events.data(bytes("two")), true);
    below.events.end();
    assert.deepEqual([first.heard, then.heard], [["header one"], ["one", "two", "end"]]);
    assert.deepEqual(below.heard, ["start", "resume"]);
  });

  it("starts the one below if nobody has, and counts from there (F-27)", () => {
    const { below, then, transport } = at();
    transport.write(bytes("header"));
    transport.start(then);
    transport.write(bytes("x"));
    assert.deepEqual([below.heard, below.taken, transport.taken], [["start"], 7, 1]);
  });

  it("waits with all that is owed for a connection that takes no more (F-27)", () => {
    const { below, then, transport } = at();
    transport.begin();
    transport.unread(bytes("one"), true);
    then.takes = false;
    transport.start(then);
    assert.equal(below.events.data(bytes("two")), false);
    assert.equal(below.events.data(bytes("three")), false);
    assert.deepEqual([then.heard, below.heard], [["one"], ["start"]]);
    then.takes = true;
    transport.resume();
    assert.deepEqual([then.heard, below.heard], [["one", "twothree", "end"], ["start", "resume"]]);
  });

  it("stops within the chunk in which the connection began, if it takes no more (F-27)", () => {
    const { below, first, then, transport } = at();
    transport.begin();
    then.takes = false;
    first.data = (chunk) => {
      transport.unread(chunk.subarray(3), false);
      transport.start(then);
      return true;
    };
    assert.equal(below.events.data(bytes("PROone")), false);
    assert.deepEqual([then.heard, below.heard], [["one"], ["start"]]);
  });

  it("tells a connection that it had closed before (F-27)", () => {
    const { below, first, then, transport } = at();
    transport.begin();
    transport.unread(bytes("one"), false);
    below.events.close(new Error("reset") as never);
    transport.start(then);
    assert.deepEqual([first.heard, then.heard], [["close reset"], ["one", "close reset"]]);
  });

  it("is that of another peer, also once TLS has begun below (F-27)", () => {
    const { below, transport } = at();
    assert.equal(transport.peer, below.peer);
    transport.identify({ ip: "192.0.2.1", port: 9 });
    assert.deepEqual(transport.peer, { ...below.peer, ip: "192.0.2.1", port: 9 });
    assert.equal(transport.peer, transport.peer);
    below.peer = { ...below.peer, tls: { protocol: "TLSv1.3" } as never };
    assert.deepEqual([transport.peer.ip, transport.peer.tls?.protocol], ["192.0.2.1", "TLSv1.3"]);
  });
});
