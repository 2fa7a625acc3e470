/** Who a sender is by its certificate: on every message, in subjects, as its identity, and in metrics. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { connect as connectNats } from "@nats-io/transport-node";
import { connect } from "../../src/client/connect.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { commonName } from "../../src/core/tls/x509.ts";
import { memoryBus } from "../../src/gateway/buses/memory_bus.ts";
import type { BusMessage } from "../../src/gateway/buses/bus.ts";
import { peerMetadata } from "../../src/gateway/traffic/peer_metadata.ts";
import { fillSubject } from "../../src/gateway/traffic/subject_template.ts";
import { clientPair, serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { NatsServer, withoutNats } from "../support/nats_server.ts";
import type { Cleaner } from "../support/program.ts";
import { soon, startEcho } from "./support.ts";

const limit = { timeout: 60_000 };

/** Paths of what a server needs. */
async function files(t: Cleaner) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-sender-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { cert, key } = await serverPair();
  const paths = { cert: join(folder, "main.crt"), key: join(folder, "main.key"), ca: join(folder, "ca.crt") };
  writeFileSync(paths.cert, cert);
  writeFileSync(paths.key, key);
  writeFileSync(paths.ca, (await testAuthority()).cert);
  return paths;
}

async function dial(t: Cleaner, port: number, own: object) {
  const ca = (await testAuthority()).cert;
  const client = await connect({
    port,
    host: "127.0.0.1",
    tls: { ca, serverName: "localhost", ...own },
    framing: lines({ encoding: "utf-8" }),
  });
  t.after(() => client.destroy());
  return client;
}

function first(bus: ReturnType<typeof memoryBus>): Promise<BusMessage> {
  return soon(new Promise((resolve) => void bus.subscribe("millrace.echo.in.>", resolve)), "a message");
}

describe("who a sender is", () => {
  it(
    "says its verified certificate and its server name on each message, in subject and metrics (F-78)",
    limit,
    async (t) => {
      const bus = memoryBus();
      const message = first(bus);
      const tls = { ...await files(t), clientCertificates: "require" };
      const subjects = { ingress: "millrace.echo.in.{tls.commonName}.{tls.sni}" };
      const { gateway, port } = await startEcho(
        { tls, subjects, metricLabels: ["tls.commonName"], identity: { from: "tls.commonName" } },
        {},
        { bus },
      );
      t.after(() => gateway.destroy());
      const device = await dial(t, port, await clientPair("terminal.7 *north"));
      await device.send("hello");
      const { subject, metadata } = await message;
      assert.equal(subject, "millrace.echo.in.terminal_7__north.localhost");
      assert.equal(metadata["tls.commonName"], "terminal.7 *north");
      assert.equal(metadata["identity"], "terminal.7 *north");
      assert.match(metadata["tls.subject"]!, /CN=terminal\.7 \*north/);
      assert.equal(metadata["tls.sni"], "localhost");
      assert.match(metadata["tls.fingerprint"]!, /^(?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$/);
      assert.match(metadata["tls.version"]!, /^TLSv1\.[23]$/);
      assert.ok(metadata["tls.issuer"] !== undefined);
      const samples = gateway.samples().filter(({ name }) => name === "millrace_peer_frames_received_total");
      assert.deepEqual(samples.map(({ labels, value }) => [labels, value]), [
        [{ endpoint: "echo", tls_commonName: "terminal.7 *north" }, 1],
      ]);
    },
  );

  it(
    "says no name where there is no certificate, and a required identity ends the connection (F-78)",
    limit,
    async (t) => {
      const bus = memoryBus();
      const message = first(bus);
      const tls = { ...await files(t), clientCertificates: "request" };
      const subjects = { ingress: "millrace.echo.in.{tls.commonName}" };
      const { gateway, port } = await startEcho({ tls, subjects }, {}, { bus });
      t.after(() => gateway.destroy());
      await (await dial(t, port, {})).send("hello");
      const { subject, metadata } = await message;
      assert.equal(subject, "millrace.echo.in._");
      assert.deepEqual(
        Object.keys(metadata).filter((key) => /^tls\.(?:commonName|subject|san|fingerprint)$/.test(key)),
        [],
      );
      const strict = await startEcho({ tls, identity: { from: "tls.fingerprint" } }, {}, {
        bus: memoryBus(),
      });
      t.after(() => strict.gateway.destroy());
      const nobody = await dial(t, strict.port, {});
      await soon(nobody.closed, "the end of a connection without a certificate");
      assert.equal(strict.gateway.endpoints.get("echo")!.identities!.stats().identitiesMissing, 1);
    },
  );

  it("writes names as headers of NATS that no character of them can break (F-78)", {
    ...limit,
    skip: withoutNats,
  }, async (t) => {
    const { url } = await NatsServer.start(t);
    const other = await connectNats({ servers: url });
    t.after(() => other.close());
    const heard = new Promise<string | undefined>((resolve) => {
      other.subscribe("millrace.echo.in.>", {
        callback: (_, { headers }) => resolve(headers?.get("identity")),
      });
    });
    await other.flush();
    const subjects = { ingress: "millrace.echo.in.{identity}" };
    const identity = { after: "ID=" };
    const { gateway, port } = await startEcho({ subjects, identity }, {
      bus: { type: "nats", servers: url },
    });
    t.after(() => gateway.destroy());
    const device = await connect({ port, host: "127.0.0.1", framing: lines({ encoding: "utf-8" }) });
    t.after(() => device.destroy());
    await device.send("ID=pümpe é > *");
    assert.equal(await soon(heard, "a message"), "pümpe é > *");
  });

  it("is not said by a certificate that nobody has vouched for (F-78)", () => {
    const certificate = {
      subject: "CN=somebody",
      issuer: "CN=somebody",
      subjectAltNames: ["DNS:somebody"],
      serialNumber: "01",
      fingerprint256: "00",
      validFrom: 0,
      validTo: 1,
    };
    const negotiated = {
      engine: "x",
      protocol: "TLSv1.3" as const,
      cipher: "x",
      alpn: undefined,
      serverName: "s",
    };
    for (const authorized of [true, false]) {
      const tls = { ...negotiated, authorized, certificate };
      const local = { transport: "tcp" as const, host: "127.0.0.1", port: 1 };
      const facts = peerMetadata({
        id: "1",
        peer: { ip: "127.0.0.1", port: 2, local, tls },
        protocol: undefined,
      });
      assert.equal(facts["tls.commonName"], authorized ? "somebody" : undefined);
      assert.deepEqual([facts["tls.san"], facts["tls.sni"]], [authorized ? "DNS:somebody" : undefined, "s"]);
    }
  });

  it("is one token whatever a certificate says (F-78)", () => {
    for (
      const [name, token] of [["a.b", "a_b"], ["*", "_"], [">", "_"], ["", "_"], ["a b\r\n", "a_b__"], [
        "::1",
        "::1",
      ]]
    ) {
      assert.equal(fillSubject("in.{tls.commonName}", { "tls.commonName": name! }), `in.${token}`);
    }
    assert.equal(commonName("O=Example, CN=a\\, b\\+c"), "a, b+c");
    assert.equal(commonName("O=x\\, CN=y"), undefined);
    assert.equal(commonName("OU=u+CN=n, C=DE"), "n");
  });
});
