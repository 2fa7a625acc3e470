import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SocketError } from "../../src/core/errors.ts";
import type { Address, Transport } from "../../src/core/transport.ts";
import { FakeClock, VirtualNetwork, type VirtualNetworkOptions } from "../../src/testing/mod.ts";

/** One end, with its events as a list of lines, each with the time. */
class End {
  readonly events: string[] = [];
  readonly sizes: number[] = [];
  bytes = 0;
  readonly transport: Transport;
  readonly #clock: FakeClock;

  constructor(transport: Transport, clock: FakeClock) {
    this.transport = transport;
    this.#clock = clock;
    transport.start({
      data: (chunk) => {
        this.bytes += chunk.length;
        this.sizes.push(chunk.length);
        return true;
      },
      drain: () => this.#note("drain"),
      end: () => this.#note("end"),
      close: (error?: SocketError) => this.#note(error === undefined ? "close" : `close ${error.reason}`),
    });
  }

  #note(what: string): void {
    this.events.push(`${this.#clock.now()}: ${what}`);
  }
}

/** A network with a listener on host "b", and connections from host "a". */
class Trial {
  readonly clock: FakeClock = new FakeClock();
  readonly network: VirtualNetwork;
  readonly servers: End[] = [];
  #address: Address | undefined = undefined;

  constructor(options: Omit<VirtualNetworkOptions, "clock"> = {}) {
    this.network = new VirtualNetwork({ clock: this.clock, ...options });
  }

  dial(signal?: AbortSignal): Promise<Transport> {
    return this.network.adapter("a").connect({
      address: this.#address!,
      noDelay: true,
      keepAlive: "system",
      signal,
      tls: undefined,
    });
  }

  async listen(): Promise<void> {
    const listener = await this.network.adapter("b").listen({
      address: { transport: "tcp", host: "b", port: 0 },
      noDelay: true,
      keepAlive: "system",
      backlog: undefined,
      reusePort: false,
      ipv6Only: false,
      tls: undefined,
      failed: (error) => assert.fail(error),
    }, (transport) => this.servers.push(new End(transport, this.clock)));
    this.#address = listener.address;
  }

  /** A connection, both ends started. */
  async connect(): Promise<{ client: End; server: End }> {
    if (this.#address === undefined) await this.listen();
    let transport: Transport | undefined;
    void this.dial().then((dialled) => transport = dialled);
    while (transport === undefined) {
      this.clock.advance(this.clock.untilNextTimer ?? 0);
      await Promise.resolve();
    }
    const client = new End(transport, this.clock);
    this.clock.advance(0);
    return { client, server: this.servers.at(-1)! };
  }
}

describe("VirtualNetwork", () => {
  it("does the same for the same seed, event by event, and something else for another", async () => {
    const run = async (seed: number): Promise<string> => {
      const trial = new Trial({
        seed,
        latency: [1, 50],
        chunk: [1, 700],
        bandwidth: 200_000,
        chance: { reset: 0.2, fin: 0.2, stall: 0.2 },
        chanceWithin: 5_000,
      });
      for (let i = 0; i < 10; i++) {
        const { client, server } = await trial.connect();
        client.transport.write(new Uint8Array(3_000));
        server.transport.write(new Uint8Array(2_000));
        client.transport.end();
        trial.clock.advance(7);
      }
      trial.clock.advance(10_000);
      return trial.network.report(Infinity);
    };
    const first = await run(42);
    assert.equal(await run(42), first);
    assert.notEqual(await run(43), first);
    for (const fault of ["reset", "fin", "stall"]) assert.ok(first.includes(`fault: ${fault}`), first);
  });

  it("takes the time of its latency, to the millisecond, and keeps order", async () => {
    const trial = new Trial({ latency: 30 });
    const { client, server } = await trial.connect();
    assert.equal(trial.clock.now(), 60);
    client.transport.write(new Uint8Array(5));
    client.transport.end();
    trial.clock.advance(29);
    assert.equal(server.bytes, 0);
    trial.clock.advance(1);
    assert.equal(server.bytes, 5);
    assert.deepEqual(server.events, ["90: end"]);
  });

  it("brings bytes one at a time where chunks are of 1, and in one where they are big (S-3, S-4)", async () => {
    const trial = new Trial({ chunk: 1 });
    const { client, server } = await trial.connect();
    client.transport.write(new Uint8Array(300));
    trial.clock.advance(0);
    assert.deepEqual(server.sizes, new Array(300).fill(1));
    trial.network.link("a", "b", { chunk: 10_000 });
    server.sizes.length = 0;
    for (let i = 0; i < 1000; i++) client.transport.write(new Uint8Array(7));
    trial.clock.advance(0);
    assert.deepEqual(server.sizes, [7_000]);
  });

  it("paces bytes by its bandwidth, which all connections of a direction share", async () => {
    const trial = new Trial({ bandwidth: 10_000, window: 1 << 20 });
    const [one, two] = [await trial.connect(), await trial.connect()];
    const begun = trial.clock.now();
    one.client.transport.write(new Uint8Array(5_000));
    two.client.transport.write(new Uint8Array(5_000));
    trial.clock.advance(500);
    assert.equal(one.server.bytes, 5_000);
    assert.ok(two.server.bytes < 2_000, `${two.server.bytes}`);
    trial.clock.advance(500);
    assert.equal(two.server.bytes, 5_000);
    assert.equal(trial.clock.now() - begun, 1_000);
  });

  it("holds a writer up at its window", async () => {
    const trial = new Trial({ window: 100, latency: 10 });
    const { client, server } = await trial.connect();
    assert.equal(client.transport.write(new Uint8Array(100)), true);
    assert.equal(client.transport.write(new Uint8Array(150)), false);
    trial.clock.advance(10);
    assert.equal(server.bytes, 100);
    trial.clock.advance(40);
    assert.equal(server.bytes, 250);
    assert.deepEqual(client.events, ["60: drain"]);
  });

  it("resets both ends after exactly as many bytes as told (S-10)", async () => {
    const trial = new Trial({ latency: 5 });
    trial.network.fault("a", "b", { kind: "reset", afterBytes: 10 });
    const { client, server } = await trial.connect();
    client.transport.write(new Uint8Array(100));
    trial.clock.advance(5);
    assert.equal(server.bytes, 10);
    assert.deepEqual(server.events, ["15: close reset"]);
    assert.deepEqual(client.events, ["15: close reset"]);
  });

  it("shows the receiver a FIN in mid-frame, and the sender a reset (S-9)", async () => {
    const trial = new Trial();
    trial.network.fault("a", "b", { kind: "fin", afterBytes: 10 });
    const { client, server } = await trial.connect();
    client.transport.write(new Uint8Array(4));
    client.transport.write(new Uint8Array(6));
    trial.clock.advance(0);
    assert.equal(server.bytes, 10);
    assert.deepEqual(server.events, ["0: end"]);
    assert.deepEqual(client.events, ["0: close reset"]);
    server.transport.write(new Uint8Array(1));
    trial.clock.advance(0);
    assert.deepEqual(server.events, ["0: end", "0: close reset"]);
  });

  it("falls silent both ways at a stall, and tells nobody (S-12)", async () => {
    const trial = new Trial();
    trial.network.fault("b", "a", { kind: "stall", afterBytes: 3 });
    const { client, server } = await trial.connect();
    client.transport.write(new Uint8Array(50));
    server.transport.write(new Uint8Array(50));
    trial.clock.advance(1_000_000);
    client.transport.write(new Uint8Array(50));
    client.transport.end();
    server.transport.end();
    trial.clock.advance(1_000_000);
    assert.equal(client.bytes, 3);
    assert.equal(server.bytes, 50);
    assert.deepEqual([...client.events, ...server.events], []);
    assert.equal(trial.clock.pendingTimers, 0);
  });

  it("lays a fault for the next connections only, one after the other", async () => {
    const trial = new Trial();
    trial.network.fault("a", "b", { kind: "reset", afterBytes: 1, connections: 2 });
    trial.network.fault("a", "b", { kind: "fin", afterBytes: 1 });
    const outcomes: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      const { client, server } = await trial.connect();
      client.transport.write(new Uint8Array(2));
      trial.clock.advance(0);
      outcomes.push(server.events[0], server.bytes);
    }
    assert.deepEqual(outcomes, ["0: close reset", 1, "0: close reset", 1, "0: end", 1, undefined, 2]);
  });

  it("holds everything during a partition, loses nothing, and delivers it after heal", async () => {
    const trial = new Trial({ latency: 5 });
    const { client, server } = await trial.connect();
    trial.network.partition("a", "b");
    client.transport.write(new Uint8Array(10));
    server.transport.write(new Uint8Array(20));
    trial.clock.advance(60_000);
    assert.equal(client.bytes + server.bytes, 0);
    trial.network.heal("a", "b");
    trial.clock.advance(0);
    assert.equal(server.bytes, 10);
    assert.equal(client.bytes, 20);
  });

  it("holds one direction only where told, and leaves other machines alone", async () => {
    const trial = new Trial();
    const { client, server } = await trial.connect();
    trial.network.partition("a", "b", { oneWay: true });
    trial.network.partition("a", "c");
    client.transport.write(new Uint8Array(10));
    server.transport.write(new Uint8Array(20));
    trial.clock.advance(0);
    assert.equal(server.bytes, 0);
    assert.equal(client.bytes, 20);
  });

  it("lets a connect hang behind a partition until its signal gives it up", async () => {
    const trial = new Trial();
    await trial.listen();
    trial.network.partition("a", "b");
    const controller = new AbortController();
    const attempt = trial.dial(controller.signal);
    trial.clock.advance(1_000_000);
    controller.abort();
    await assert.rejects(attempt, { reason: "aborted" });
    assert.equal(trial.servers.length, 0);
    trial.network.heal("a", "b");
    trial.clock.advance(0);
    assert.deepEqual(trial.servers[0]?.events, ["1000000: close reset"]);
  });

  it("resets every open connection between two machines when told", async () => {
    const trial = new Trial();
    const ends = [await trial.connect(), await trial.connect()];
    trial.network.reset("b", "a");
    for (const { client, server } of ends) {
      assert.deepEqual([client.events, server.events], [["0: close reset"], ["0: close reset"]]);
    }
    trial.network.reset("b", "a");
    const { client, server } = await trial.connect();
    client.transport.write(new Uint8Array(1));
    trial.clock.advance(0);
    assert.equal(server.bytes, 1);
  });

  it("refuses where nobody listens, and knows no strangers", async () => {
    const trial = new Trial();
    const adapter = trial.network.adapter("a");
    trial.network.adapter("b");
    const connect = (host: string) =>
      adapter.connect({
        address: { transport: "tcp", host, port: 9 },
        noDelay: true,
        keepAlive: "system",
        signal: undefined,
        tls: undefined,
      });
    const refused = connect("b");
    trial.clock.advance(0);
    await assert.rejects(refused, { reason: "refused" });
    await assert.rejects(connect("c"), { reason: "host_not_found" });
    await assert.rejects(connect("10.9.9.9"), { reason: "unreachable" });
  });

  it("shows addresses of its own, and the same story to both ends", async () => {
    const trial = new Trial();
    const { client, server } = await trial.connect();
    const { ip, port } = client.transport.peer;
    assert.deepEqual(server.transport.peer.local, { transport: "tcp", host: ip, port });
    assert.match(ip, /^10\.0\.0\.\d+$/);
    assert.notEqual(server.transport.peer.ip, ip);
  });

  it("reports the seed and the last events as text, and keeps no more than it was told", async () => {
    const trial = new Trial({ seed: 7, logSize: 5 });
    const { client } = await trial.connect();
    for (let i = 1; i <= 100; i++) {
      client.transport.write(new Uint8Array(i));
      trial.clock.advance(1);
    }
    assert.equal(trial.network.log.length, 5);
    assert.equal(
      trial.network.report(2),
      "virtual network, seed 7\n(100 earlier events)\n98 ms #1 a -> b: data of 99 bytes\n" +
        "99 ms #1 a -> b: data of 100 bytes",
    );
  });

  it("says which option makes no sense", () => {
    const clock = new FakeClock();
    const wrong: Array<[options: object, name: RegExp]> = [
      [{ latency: -1 }, /latency -1/],
      [{ latency: [5, 1] }, /latency 5,1/],
      [{ chunk: 0 }, /chunk 0/],
      [{ chunk: [0, 10] }, /chunk 0,10/],
      [{ bandwidth: 0 }, /bandwidth 0/],
      [{ window: 0.5 }, /window 0.5/],
      [{ chance: { reset: 0.6, fin: 0.6 } }, /chance 1.2/],
      [{ chance: { boom: 0.1 } }, /chance.boom 0.1/],
      [{ chanceWithin: 0 }, /chanceWithin 0/],
      [{ logSize: 0 }, /logSize 0/],
    ];
    for (const [options, message] of wrong) {
      assert.throws(() => new VirtualNetwork({ clock, ...options }), { name: "RangeError", message });
    }
    const network = new VirtualNetwork({ clock });
    assert.throws(() => network.fault("a", "b", { kind: "boom" as never }), /kind boom/);
    assert.throws(() => network.fault("a", "b", { kind: "fin", afterBytes: -1 }), /afterBytes -1/);
    assert.throws(() => network.fault("a", "b", { kind: "fin", connections: 0 }), /connections 0/);
    assert.throws(() => network.link("a", "b", { latency: NaN }), /latency NaN/);
  });
});
