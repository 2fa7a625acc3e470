// Many handshakes: those at once, and those while certificates change.
import assert from "node:assert/strict";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { certificates } from "../../src/certificates/certificates.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { dial, Peer } from "../support/peer.ts";
import { Program } from "../support/program.ts";
import { Real } from "../support/server.ts";
import { clientTls } from "../support/tls.ts";

const text = lines({ encoding: "utf-8" });
const limit = { timeout: 120_000 };

it(
  "S-23: five hundred handshakes at once are counted one by one, and an established connection is answered among them (F-69)",
  limit,
  async (t) => {
    const place = await Real.at(t);
    const server = await place.serve<string>({
      framing: text,
      tls: await serverPair(),
      maxHandshakes: 300,
      onFrame: (line, connection) => connection.send(line),
    });
    const { cert: ca } = await testAuthority();
    const port = server.address.transport === "tcp" ? server.address.port : 0;
    const connection = await place.connect<string>(server, { framing: text, tls: { ca } });
    const frames = connection[Symbol.asyncIterator]();
    const flood = new Program(t, "tests/tls/programs/flood.ts", [String(port), "500"]);
    let over = false;
    const ended = flood.end().finally(() => over = true);
    let most = 0, answers = 0;
    while (!over) {
      await connection.send("ping");
      assert.equal((await frames.next()).value, "ping");
      const { handshakesActive } = server.stats();
      if (handshakesActive > 0) answers++;
      most = Math.max(most, handshakesActive);
    }
    const { out } = await ended;
    await place.drive(until(() => server.stats().handshakesActive === 0));
    const secured = Number(/secured (\d+)/.exec(out)?.[1]);
    assert.ok(answers > 0, "no answer while handshakes were on their way");
    assert.ok(most <= 300, `${most} handshakes at one time`);
    const { handshakesCompleted, handshakesFailed, handshakesFailedByReason } = server.stats();
    // Each is in one counter, and those that the server has dropped are those that were not let in.
    assert.equal(handshakesCompleted - 1 + handshakesFailed, 500);
    assert.ok(secured >= 300, `${secured} were let in`);
    assert.equal(handshakesFailedByReason.too_many_handshakes ?? 0, 500 - secured);
    assert.equal(connection.state, "open");
  },
);

/** Resolves once the condition holds, looked at in every turn. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setTimeout(resolve, 1));
}

/** Who is asked for, and under what name: of one certificate where a runtime's own TLS does, of two where it must choose. */
const rotations = [
  { how: "one certificate", names: { main: "localhost" } },
  { how: "certificates by two names", names: { main: "localhost", shop: "a.shop.example" } },
] as const;

for (const { how, names } of rotations) {
  it(
    `S-25: 2,000 handshakes with ${how} that change three times: none fails, all get the current one, open connections go on (F-31)`,
    limit,
    async (t) => {
      const adapter = await detectAdapter();
      const place = await Real.at(t);
      const { cert: ca } = await testAuthority();
      const pairs = { main: () => serverPair(), shop: () => serverPair("*.shop.example") };
      const wanted = Object.entries(names) as [keyof typeof pairs, string][];
      const fresh = () => Promise.all(wanted.map(async ([name]) => [name, await pairs[name]()] as const));
      const set = certificates(Object.fromEntries(await fresh()));
      const clients = wanted.map(([name, serverName]) => ({ name, tls: clientTls({ ca, serverName }) }));
      const server = await place.serve<string>({
        framing: text,
        tls: set,
        onFrame: (line, connection) => connection.send(line),
      });
      const old = await place.connect<string>(server, { framing: text, tls: { ca } });
      const current = (name: string): string =>
        set.inspect().find((certificate) => certificate.name === name)!.fingerprint256;
      const total = 2_000;
      let begun = 0, done = 0, stale = 0;
      const rotateAt = [500, 1_000, 1_500];
      const one = async (): Promise<void> => {
        while (begun < total) {
          const { name, tls } = clients[begun++ % clients.length]!;
          // The one that was current at some time of the handshake is right.
          const before = current(name);
          const transport = await adapter.connect({
            address: server.address,
            noDelay: true,
            keepAlive: "system",
            signal: undefined,
            tls,
          });
          const shown = transport.peer.tls!.certificate!.fingerprint256;
          if (shown !== before && shown !== current(name)) stale++;
          // The server's side is over when it has answered.
          const peer = new Peer(transport).start().write("x\n");
          await peer.got("x\n");
          peer.abort();
          if (++done === rotateAt[0]) {
            rotateAt.shift();
            for (const [name, pair] of await fresh()) set.rotate(name, pair);
          }
        }
      };
      await Promise.all(Array.from({ length: 16 }, one));
      assert.deepEqual([done, stale, rotateAt.length], [total, 0, 0]);
      assert.deepEqual(set.inspect().map(({ rotations }) => rotations), wanted.map(() => 3));
      assert.equal(server.stats().handshakesFailed, 0);
      const own = adapter.can.ownTls && wanted.length === 1;
      assert.equal(server.inspect().tls?.engine, own ? adapter.name : "node:tls");
      await old.send("as ever");
      for await (const line of old) {
        assert.equal(line, "as ever");
        break;
      }
    },
  );
}

it("a listener with TLS takes plain peers for what they are while others are served", limit, async (t) => {
  const place = await Real.at(t);
  const server = await place.serve<string>({
    framing: text,
    tls: await serverPair(),
    onFrame: (line, connection) => connection.send(line),
  });
  const { cert: ca } = await testAuthority();
  const good = await place.connect<string>(server, { framing: text, tls: { ca } });
  const frames = good[Symbol.asyncIterator]();
  for (let round = 0; round < 50; round++) {
    const wrong = await dial(place.adapter, server.address);
    wrong.write("GET / HTTP/1.1\r\n\r\n");
    await good.send(`line ${round}`);
    assert.equal((await frames.next()).value, `line ${round}`);
    await wrong.until(() => wrong.ended || wrong.closed, "the server to let go");
    wrong.abort();
  }
  assert.equal(server.stats().handshakesFailedByReason.plaintext, 50);
});
