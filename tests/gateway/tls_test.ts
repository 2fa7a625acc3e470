/** Endpoints with TLS: from files in the configuration to connections, metrics and pages (F-29 to F-33, F-60). */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { abilityFaults } from "../../src/gateway/config/abilities.ts";
import { parseConfig } from "../../src/gateway/config/config.ts";
import { formatFault } from "../../src/gateway/config/fault.ts";
import { ConfigError } from "../../src/gateway/errors.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { startGateway } from "../../src/gateway/running_gateway.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import { clientPair, makeAuthority, type Pair, serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import type { Cleaner } from "../support/program.ts";
import { configOf, portOf, read, soon } from "./support.ts";

const limit = { timeout: 60_000 };

/** A folder with the files of a server of the test CA. */
async function files(t: Cleaner): Promise<{ folder: string; put(name: string, pair: Pair): void }> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-gateway-tls-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const put = (name: string, { cert, key }: Pair): void => {
    writeFileSync(join(folder, `${name}.key`), key);
    writeFileSync(join(folder, `${name}.crt`), cert);
  };
  put("main", await serverPair());
  writeFileSync(join(folder, "ca.crt"), (await testAuthority()).cert);
  return { folder, put };
}

/** Log records that can be waited for. */
class Log {
  readonly records: LogRecord[] = [];
  #look: () => void = () => {};

  readonly logger = (record: LogRecord): void => {
    this.records.push(record);
    this.#look();
  };

  /** The first record with this message. */
  async found(message: string): Promise<LogRecord> {
    const all = async (): Promise<LogRecord> => {
      for (;;) {
        const record = this.records.find((one) => one.message === message);
        if (record !== undefined) return record;
        await new Promise<void>((resolve) => this.#look = resolve);
      }
    };
    return await soon(all(), `a record "${message}"`);
  }
}

/** A gateway whose endpoint `echo` has TLS. */
async function start(
  t: Cleaner,
  tls: object,
  others: readonly object[] = [],
): Promise<{ gateway: Gateway; port: number; log: Log }> {
  const log = new Log();
  const echo = { name: "echo", listen: "127.0.0.1:0", echo: true, tls };
  const config = configOf({ endpoints: [echo, ...others], admin: { listen: "127.0.0.1:0" } });
  const gateway = await startGateway(config, { logger: log.logger });
  t.after(() => gateway.destroy());
  return { gateway, port: portOf(gateway), log };
}

async function dial(t: Cleaner, port: number, tls: object = {}): Promise<Connection<string, string>> {
  const ca = (await testAuthority()).cert;
  const connection = await connect({ port, tls: { ca, ...tls }, framing: lines({ encoding: "utf-8" }) });
  t.after(() => connection.destroy());
  return connection;
}

async function metrics({ adminUrl }: Gateway): Promise<string> {
  return await (await fetch(`${adminUrl}/metrics`)).text();
}

describe("an endpoint with TLS", () => {
  it(
    "shows what each handshake agreed on at /connections, and ends and handshakes in /metrics",
    limit,
    async (t) => {
      const { folder, put } = await files(t);
      put("shop", await serverPair("shop.example"));
      const client = await clientPair("terminal-7");
      const { gateway, port } = await start(t, {
        certificates: {
          main: { cert: join(folder, "main.crt"), key: join(folder, "main.key") },
          shop: { cert: join(folder, "shop.crt"), key: join(folder, "shop.key") },
        },
        clientCertificates: "require",
        ca: join(folder, "ca.crt"),
        alpn: ["x-lines"],
        handshakeTimeout: "5s",
      });
      const connection = await dial(t, port, { ...client, serverName: "shop.example", alpn: ["x-lines"] });
      await connection.send("hello");
      assert.deepEqual(await read(connection, 1), ["hello"]);
      assert.deepEqual(connection.peer.tls?.certificate?.subjectAltNames, ["DNS:shop.example"]);

      const page = await (await fetch(`${gateway.adminUrl}/connections`)).json();
      const [endpoint] = page.endpoints;
      const { protocol, alpn, serverName, authorized, certificate } = endpoint.connections[0].tls;
      assert.deepEqual([protocol, alpn, serverName, authorized, certificate.subject], [
        "TLSv1.3",
        "x-lines",
        "shop.example",
        true,
        "CN=terminal-7",
      ]);
      await assert.rejects(async () => {
        const bare = await dial(t, port, { serverName: "localhost", alpn: ["x-lines"] });
        await bare.send("x");
        await read(bare, 1);
      });

      const text = await metrics(gateway);
      for (const { name, validTo } of gateway.endpoints.get("echo")!.certificates()) {
        const line = new RegExp(
          `^millrace_certificate_expiry_timestamp_seconds\\{(?=.*endpoint="echo")(?=.*certificate="${name}").*\\} ${
            validTo / 1000
          }$`,
          "m",
        );
        assert.match(text, line);
      }
      assert.match(text, /^millrace_tls_handshakes_completed_total\{endpoint="echo"\} 1$/m);
      assert.match(
        text,
        /^millrace_tls_handshakes_failed_total\{(?=.*endpoint="echo")(?=.*reason="certificate_missing").*\} 1$/m,
      );
    },
  );

  it(
    "takes a new pair from its files, refuses a bad one, and tells both in /metrics (F-31)",
    limit,
    async (t) => {
      const { folder, put } = await files(t);
      const { gateway, port, log } = await start(t, {
        cert: join(folder, "main.crt"),
        key: join(folder, "main.key"),
      });
      const first = await dial(t, port);
      put("main", await serverPair());
      await log.found("certificate rotated");
      const second = await dial(t, port);
      const fingerprint = (one: typeof first): string | undefined =>
        one.peer.tls?.certificate?.fingerprint256;
      assert.notEqual(fingerprint(second), fingerprint(first));
      for (const one of [first, second]) {
        await one.send("still here");
        assert.deepEqual(await read(one, 1), ["still here"]);
      }
      writeFileSync(join(folder, "main.key"), (await makeAuthority()).key);
      await log.found("certificate refused");
      const text = await metrics(gateway);
      const value = (name: string): string | undefined =>
        new RegExp(`^millrace_${name}\\{.*\\} (.*)$`, "m").exec(text)?.[1];
      assert.equal(value("certificate_rotations_total"), "1");
      assert.equal(value("certificate_refused"), "1");
      assert.notEqual(value("certificate_refusals_total"), "0");
    },
  );

  it(
    "takes those who may sign for clients anew from their file, refuses a bad one, and tells both in /metrics (F-30, F-31)",
    limit,
    async (t) => {
      const { folder } = await files(t);
      const ca = join(folder, "clients.crt");
      const [one, two] = [await makeAuthority("One"), await makeAuthority("Two")];
      writeFileSync(ca, one.cert);
      const { gateway, port, log } = await start(t, {
        cert: join(folder, "main.crt"),
        key: join(folder, "main.key"),
        clientCertificates: "require",
        ca,
      });
      const first = await dial(t, port, await one.sign({ subject: "device-1", use: "client" }));
      await first.send("one");
      assert.deepEqual(await read(first, 1), ["one"]);
      writeFileSync(ca, two.cert);
      await log.found("client CA rotated");
      const second = await dial(t, port, await two.sign({ subject: "device-2", use: "client" }));
      writeFileSync(ca, "no PEM text");
      const refused = await log.found("client CA refused");
      assert.match(String(refused.fields.error), /clients\.crt: found no PEM text/);
      const third = await dial(t, port, await two.sign({ subject: "device-3", use: "client" }));
      for (const connection of [first, second, third]) {
        await connection.send("still here");
        assert.deepEqual(await read(connection, 1), ["still here"]);
      }
      const text = await metrics(gateway);
      assert.match(text, /^millrace_client_ca_rotations_total\{endpoint="echo"\} 1$/m);
      assert.match(text, /^millrace_client_ca_refused\{endpoint="echo"\} 1$/m);
    },
  );

  it(
    "dials: checked against a CA, with its own certificate, and again with files that are new (F-33)",
    limit,
    async (t) => {
      const { folder, put } = await files(t);
      put("own", await clientPair("dialler"));
      const ca = join(folder, "ca.crt");
      const { gateway, port, log: server } = await start(t, {
        cert: join(folder, "main.crt"),
        key: join(folder, "main.key"),
        clientCertificates: "require",
        ca,
      });
      const log = new Log();
      const out = { name: "out", connect: `127.0.0.1:${port}`, reconnect: { wait: "10ms" } };
      const own = { cert: join(folder, "own.crt"), key: join(folder, "own.key") };
      const config = configOf({ endpoints: [{ ...out, tls: { ca, ...own } }] });
      const other = await startGateway(config, { logger: log.logger });
      t.after(() => other.destroy());
      await log.found("connected");
      // With TLS 1.3 the side that dials is done first.
      await server.found("connection opened");
      const [seen] = gateway.endpoints.get("echo")!.inspect().connections;
      assert.equal(seen?.tls?.certificate?.subject, "CN=dialler");
      assert.equal(seen?.tls?.certificate?.subject, "CN=dialler");
      const [mine] = other.endpoints.get("out")!.inspect().connections;
      assert.deepEqual([mine?.tls?.authorized, mine?.tls?.certificate?.subject], [true, "CN=localhost"]);

      server.records.length = 0;
      put("own", await clientPair("renewed"));
      gateway.endpoints.get("echo")!.kill(seen!.id, {});
      await server.found("connection opened");
      const [again] = gateway.endpoints.get("echo")!.inspect().connections;
      assert.equal(again?.tls?.certificate?.subject, "CN=renewed");
    },
  );

  it(
    "dials without a check only when told to, and says so in the log and at /connections",
    limit,
    async (t) => {
      const { folder } = await files(t);
      const { port } = await start(t, { cert: join(folder, "main.crt"), key: join(folder, "main.key") });
      const log = new Log();
      const out = { name: "out", connect: `127.0.0.1:${port}`, reconnect: { wait: "10ms" } };
      const config = configOf({
        endpoints: [
          { ...out, tls: { insecureSkipVerify: true } },
          { ...out, name: "careful", tls: true },
        ],
      });
      const gateway = await startGateway(config, { logger: log.logger });
      t.after(() => gateway.destroy());
      const warning = await log.found("the server's certificate is not checked");
      assert.deepEqual([warning.level, warning.fields.endpoint], ["warn", "out"]);
      const failure = await log.found("connect failed");
      assert.equal(failure.fields.endpoint, "careful");
      await log.found("connected");
      const { connections, tls } = gateway.endpoints.get("out")!.inspect();
      assert.equal(tls?.insecureSkipVerify, true);
      assert.equal(connections[0]?.tls?.authorized, false);
      assert.equal(gateway.endpoints.get("careful")!.connections.size, 0);
    },
  );
});

describe("the files of tls", () => {
  it("are looked into before anything opens, and every fault has its line", limit, async (t) => {
    const { folder, put } = await files(t);
    put("old", await (await testAuthority()).sign({ names: ["old.example"], to: Date.now() - 1000 }));
    writeFileSync(join(folder, "other.key"), (await makeAuthority()).key);
    const text = `
endpoints:
  - name: one
    listen: 127.0.0.1:0
    tls:
      cert: main.crt
      key: none.key
  - name: two
    listen: 127.0.0.1:0
    tls:
      certificates:
        main: { cert: main.crt, key: other.key }
        old: { cert: old.crt, key: old.key }
      clientCertificates: require
      ca: main.key
  - name: three
    connect: 127.0.0.1:1
    tls:
      cert: ca.crt
      key: main.key
      ca: none.crt
`;
    const result = parseConfig(text, { format: "yaml", source: "gateway.yaml", folder });
    assert.ok(result.ok);
    const adapter = await detectAdapter();
    const { config, locate } = result;
    const faults = await abilityFaults(config, adapter, { locate });
    const said = faults.map((fault) => formatFault(fault, "gateway.yaml").replaceAll(`${folder}/`, ""));
    const fit = "a certificate and key that match, are valid now and can be used; in it:";
    const wanted = [
      /^gateway.yaml:7:12: endpoints\[0\]\.tls\.key: found "none.key", expected a file that can be read; there is no such file$/,
      new RegExp(
        `^gateway.yaml:12:38: endpoints\\[1\\]\\.tls\\.certificates\\.main\\.key: found "other.key", expected ${fit} ` +
          "a key that does not belong to the certificate in main.crt \\(CN=localhost\\); replace both together$",
      ),
      new RegExp(
        `^gateway.yaml:13:22: endpoints\\[1\\]\\.tls\\.certificates\\.old\\.cert: found "old.crt", expected ${fit} ` +
          "a certificate that expired on .*; renew it$",
      ),
      /^gateway.yaml:15:11: endpoints\[1\]\.tls\.ca: found "main.key", expected certificates in PEM; in it: "PRIVATE KEY"; /,
      /^gateway.yaml:20:12: endpoints\[2\]\.tls\.key: found "main.key", expected .*; in it: a key that does not belong/,
      /^gateway.yaml:21:11: endpoints\[2\]\.tls\.ca: found "none.crt", expected a file that can be read; there is no/,
    ];
    assert.equal(said.length, wanted.length, said.join("\n"));
    wanted.forEach((pattern, at) => assert.match(said[at]!, pattern));
    await assert.rejects(startGateway(config), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.faults.length, wanted.length);
      return true;
    });
  });

  it("may ask for what these sockets cannot do, which is a fault of its own", limit, async (t) => {
    const { folder } = await files(t);
    const own = { cert: join(folder, "main.crt"), key: join(folder, "main.key"), ciphers: "ECDHE+AESGCM" };
    const config = configOf({
      endpoints: [
        { name: "in", listen: "127.0.0.1:0", tls: own },
        { name: "out", connect: "127.0.0.1:1", tls: { ciphers: "ECDHE+AESGCM" } },
      ],
    });
    const adapter = await detectAdapter();
    const able = { ...adapter, can: { ...adapter.can, tlsCiphers: true, tlsCipherSuites: true } };
    assert.deepEqual(await abilityFaults(config, able), []);
    const unable = { ...adapter, can: { ...adapter.can, tlsCiphers: false, tlsCipherSuites: false } };
    const paths = (await abilityFaults(config, unable)).map(({ path }) => path);
    assert.deepEqual(paths, ["endpoints[0].tls.ciphers", "endpoints[1].tls.ciphers"]);
  });
});
