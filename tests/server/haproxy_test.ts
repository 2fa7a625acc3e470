// The PROXY protocol as HAProxy speaks it, in both directions.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import type { Peer } from "../../src/core/transport.ts";
import { within } from "../contract/within.ts";
import { clientPair, serverPair, testAuthority } from "../support/certificates.ts";
import { Gate } from "../support/frames.ts";
import { haproxy, withoutHaproxy } from "../support/haproxy.ts";
import { it } from "../support/it.ts";
import { Real } from "../support/server.ts";

const framing = lines({ encoding: "utf-8" });
const limit = { timeout: 30_000, skip: withoutHaproxy };
const from = ["127.0.0.1"];
const at = (port: number) => ({ address: { transport: "tcp", host: "127.0.0.1", port } as const });

/** Answers each line with who has sent it, and keeps the last. */
function reporter() {
  const seen: Peer[] = [];
  const onFrame = (line: string, connection: Connection<string>): void => {
    seen.push(connection.peer);
    void connection.send(`${line} ${connection.peer.ip}:${connection.peer.port}`);
  };
  return { seen, onFrame };
}

/** The first answer to a line. */
async function ask(connection: Connection<string>, line: string): Promise<string> {
  await connection.send(line);
  for await (const answer of connection) return answer;
  return "";
}

describe("HAProxy before a server", () => {
  for (const [directive, version] of [["send-proxy", 1], ["send-proxy-v2", 2]] as const) {
    it(`says with ${directive} who the client is (F-27)`, limit, async (t) => {
      const place = await Real.at(t);
      const { seen, onFrame } = reporter();
      const server = await place.serve({ framing, proxyProtocol: { from }, onFrame });
      const { front } = await haproxy(t, ["front"], ({ front }) => `
listen front
  bind 127.0.0.1:${front}
  server a 127.0.0.1:${server.address.port} source 127.0.0.1 ${directive}
`);
      const client = await place.connect(at(front), { framing });
      assert.equal(await ask(client, "x"), `x 127.0.0.1:${client.peer.local.port}`);
      const { via } = seen[0]!;
      assert.deepEqual([via?.version, via?.local, via?.destination], [version, false, {
        ip: "127.0.0.1",
        port: front,
      }]);
      assert.notEqual(via?.port, client.peer.local.port);
    });

    it(`lets TLS through behind ${directive} (F-27)`, limit, async (t) => {
      const place = await Real.at(t);
      const { seen, onFrame } = reporter();
      const server = await place.serve({
        framing,
        tls: await serverPair(),
        proxyProtocol: { from },
        onFrame,
      });
      const { front } = await haproxy(t, ["front"], ({ front }) => `
listen front
  bind 127.0.0.1:${front}
  server a 127.0.0.1:${server.address.port} ${directive}
`);
      const { cert: ca } = await testAuthority();
      const client = await place.connect(at(front), { framing, tls: { ca, serverName: "localhost" } });
      assert.equal(await ask(client, "x"), `x 127.0.0.1:${client.peer.local.port}`);
      assert.equal(seen[0]!.via?.version, version);
      assert.match(seen[0]!.tls?.protocol ?? "", /^TLSv1/);
    });
  }

  it(
    "says what the TLS of the client was, with send-proxy-v2-ssl-cn and a checksum (F-27)",
    limit,
    async (t) => {
      const place = await Real.at(t);
      const { seen, onFrame } = reporter();
      const server = await place.serve({ framing, proxyProtocol: { from }, onFrame });
      const [{ cert: ca }, own, other] = await Promise.all([
        testAuthority(),
        serverPair(),
        clientPair("terminal-7"),
      ]);
      const { front } = await haproxy(
        t,
        ["front"],
        ({ front }, file) => `
listen front
  bind 127.0.0.1:${front} ssl crt ${file("server.pem")} ca-file ${file("ca.pem")} verify optional alpn mqtt
  unique-id-format %{+X}o%ci:%cp
  server a 127.0.0.1:${server.address.port} send-proxy-v2-ssl-cn proxy-v2-options crc32c,unique-id,authority,cert-key,cert-sig,ssl-cipher
`,
        { "server.pem": `${own.cert}\n${own.key}\n`, "ca.pem": `${ca}\n` },
      );
      const tls = { ca, serverName: "localhost", alpn: ["mqtt"] };
      const client = await place.connect(at(front), { framing, tls: { ...tls, ...other } });
      assert.equal(await ask(client, "x"), `x 127.0.0.1:${client.peer.local.port}`);
      const stranger = await place.connect(at(front), { framing, tls });
      await ask(stranger, "y");
      const [known, unknown] = seen.map(({ via }) => via!);
      assert.equal(known?.authority, "localhost");
      assert.equal(known?.alpn, "mqtt");
      assert.match(new TextDecoder().decode(known?.uniqueId), /^7F000001:/);
      const { commonName, version, cipher, ...flags } = known!.tls!;
      assert.deepEqual([commonName, version, cipher?.startsWith("TLS_")], ["terminal-7", "TLSv1.3", true]);
      assert.deepEqual([flags.secured, flags.certificate, flags.verified], [true, true, true]);
      assert.deepEqual([unknown!.tls?.secured, unknown!.tls?.certificate, unknown!.tls?.verified], [
        true,
        false,
        false,
      ]);
      assert.equal(unknown!.tls?.commonName, undefined);
    },
  );

  for (const directive of ["send-proxy", "send-proxy-v2"]) {
    it(`checks with ${directive} whether it lives, and is no client (F-27)`, limit, async (t) => {
      const place = await Real.at(t);
      const checked = new Gate();
      const rejected: string[] = [];
      const loud: LogRecord[] = [];
      // Its reset may come before the connection is accepted, or behind that.
      const seen = /lost before it was accepted|was a probe|connection closed/;
      const server = await place.serve({
        framing,
        proxyProtocol: { from },
        onFrame: () => {},
        onReject: (_, reason) => void rejected.push(reason),
        logger: (record) => {
          if (record.level !== "debug" && record.level !== "info") loud.push(record);
          if (seen.test(record.message)) checked.open();
        },
      });
      await haproxy(t, ["front"], ({ front }) => `
listen front
  bind 127.0.0.1:${front}
  server a 127.0.0.1:${server.address.port} check inter 100ms check-send-proxy ${directive}
`);
      await within(checked.promise, () => "a check");
      const { probes, connectionsLost } = server.stats();
      assert.ok(probes + connectionsLost > 0, `${probes} probes, ${connectionsLost} lost`);
      assert.deepEqual([rejected, loud], [[], []]);
      assert.ok(place.records.every(({ reason }) => reason === "probe"));
    });
  }
});

describe("HAProxy behind a client", () => {
  for (const version of [1, 2] as const) {
    it(`understands a header of version ${version} with accept-proxy (F-27)`, limit, async (t) => {
      const place = await Real.at(t);
      const { seen, onFrame } = reporter();
      const server = await place.serve({ framing, proxyProtocol: { from }, onFrame });
      const own = await serverPair();
      const ports = await haproxy(
        t,
        ["plain", "secured"],
        ({ plain, secured }, file) => `
backend b
  server a 127.0.0.1:${server.address.port} send-proxy-v2
frontend plain
  bind 127.0.0.1:${plain} accept-proxy
  default_backend b
frontend secured
  bind 127.0.0.1:${secured} accept-proxy ssl crt ${file("server.pem")}
  default_backend b
`,
        { "server.pem": `${own.cert}\n${own.key}\n` },
      );
      const { cert: ca } = await testAuthority();
      const sources = [{ ip: "192.0.2.7", port: 4000 }, { ip: "2001:db8::7", port: 4000 }];
      for (const source of sources) {
        const proxyHeader = { version, source };
        const plain = await place.connect(at(ports.plain), { framing, proxyHeader });
        assert.equal(await ask(plain, "x"), `x ${source.ip}:4000`);
        const tls = { ca, serverName: "localhost" };
        const secured = await place.connect(at(ports.secured), { framing, proxyHeader, tls });
        assert.equal(await ask(secured, "x"), `x ${source.ip}:4000`);
      }
      const client = await place.connect(at(ports.plain), { framing, proxyHeader: { version } });
      assert.equal(await ask(client, "x"), `x 127.0.0.1:${client.peer.local.port}`);
      assert.equal(seen.length, 5);
    });
  }
});
