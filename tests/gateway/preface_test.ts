/** Endpoints behind a load balancer, and with several protocols on one port: from the configuration to messages. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { connect } from "../../src/client/connect.ts";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { memoryBus } from "../../src/gateway/buses/memory_bus.ts";
import type { BusMessage } from "../../src/gateway/buses/bus.ts";
import { abilityFaults } from "../../src/gateway/config/abilities.ts";
import { checkConfig } from "../../src/gateway/config/config.ts";
import { formatFault } from "../../src/gateway/config/fault.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import { startGateway } from "../../src/gateway/running_gateway.ts";
import { bytes } from "../support/frames.ts";
import { it } from "../support/it.ts";
import { configOf, portOf, read, soon } from "./support.ts";

const framing = lines({ encoding: "utf-8" });

describe("an endpoint behind a load balancer", () => {
  it("says on each message who the client is, through which proxy, and what that knows (F-78, F-27)", async (t) => {
    const bus = memoryBus();
    const config = configOf({
      endpoints: [{
        name: "echo",
        listen: "127.0.0.1:0",
        echo: true,
        proxyProtocol: { from: ["127.0.0.0/8"], timeout: "5s", maxHeaderBytes: "1KiB" },
        maxPending: 10,
      }],
      admin: { listen: "127.0.0.1:0" },
    });
    const gateway = await startGateway(config, { bus, logger: () => {} });
    t.after(() => gateway.destroy());
    const seen: BusMessage[] = [];
    bus.subscribe("millrace.echo.in", (message) => void seen.push(message));
    const tls = [
      ...[0x23, 0, 6, ...bytes("cipher"), 0x21, 0, 7, ...bytes("TLSv1.3")],
      ...[0x22, 0, 4, ...bytes("c\tn7")],
    ];
    const connection = await connect({
      port: portOf(gateway),
      framing,
      proxyHeader: {
        version: 2,
        source: { ip: "192.0.2.7", port: 4000 },
        destination: { ip: "198.51.100.1", port: 443 },
        tlvs: [
          { type: 1, value: "mqtt" },
          { type: 2, value: "example.org" },
          { type: 5, value: Uint8Array.of(1, 0xab) },
          { type: 0x20, value: Uint8Array.of(7, 0, 0, 0, 0, ...tls) },
        ],
      },
    });
    t.after(() => connection.destroy());
    await connection.send("hello");
    assert.deepEqual(await read(connection, 1), ["hello"]);
    const { "conn.id": id, "proxy.port": port, ...metadata } = seen[0]!.metadata;
    assert.ok(id !== undefined && Number(port) > 0);
    assert.deepEqual(metadata, {
      endpoint: "echo",
      "peer.ip": "192.0.2.7",
      "peer.port": "4000",
      "proxy.ip": "127.0.0.1",
      "proxy.destination.ip": "198.51.100.1",
      "proxy.destination.port": "443",
      "proxy.alpn": "mqtt",
      "proxy.authority": "example.org",
      "proxy.uniqueId": "01ab",
      "proxy.tls.version": "TLSv1.3",
      "proxy.tls.commonName": "c\tn7",
      "proxy.tls.verified": "true",
    });
    const page = await (await fetch(`${gateway.adminUrl}/connections`)).json();
    const { ip, via } = page.endpoints[0].connections[0];
    assert.deepEqual([ip, via.ip, via.uniqueId, via.tls.commonName], [
      "192.0.2.7",
      "127.0.0.1",
      "01ab",
      "c\tn7",
    ]);
    const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    assert.match(text, /^millrace_connections_pending\{endpoint="echo"\} 0$/m);
  });

  it("is one that a client endpoint says its address to (F-27)", async (t) => {
    const bus = memoryBus();
    const at = { name: "server", listen: "127.0.0.1:0", proxyProtocol: { from: ["127.0.0.1"] } };
    let opened = (): void => {};
    const connected = new Promise<void>((resolve) => opened = resolve);
    const logger = ({ message }: LogRecord): void => void (message === "connection opened" && opened());
    const server = await startGateway(configOf({ endpoints: [at] }), { bus, logger });
    t.after(() => server.destroy());
    const { port } = server.endpoints.get("server")!.address;
    const client = { name: "client", connect: `127.0.0.1:${port}`, proxyHeader: 2 };
    const gateway = await startGateway(configOf({ endpoints: [client] }), { bus, logger: () => {} });
    t.after(() => gateway.destroy());
    const arrived = new Promise<BusMessage>((resolve) => {
      bus.subscribe("millrace.server.in", (message) => resolve(message));
    });
    await soon(connected, "a connection");
    await bus.publish({ subject: "millrace.client.out", payload: bytes("x"), metadata: { "conn.id": "*" } });
    const { metadata } = await soon(arrived, "a message");
    assert.equal(metadata["proxy.ip"], "127.0.0.1");
    assert.equal(metadata["peer.port"], metadata["proxy.port"]);
  });

  it("serves several protocols and health checks on its port (F-82)", async (t) => {
    const bus = memoryBus();
    const gateway = await startGateway(
      configOf({
        endpoints: [{
          name: "echo",
          listen: "127.0.0.1:0",
          echo: true,
          firstBytes: {
            healthCheck: "/healthz",
            timeout: "3s",
            protocols: [{
              name: "counted",
              startsWith: { hex: "00" },
              framing: { type: "lengthField", lengthBytes: 4, strip: 4 },
            }],
          },
        }],
      }),
      { bus, logger: () => {} },
    );
    t.after(() => gateway.destroy());
    const protocols: (string | undefined)[] = [];
    bus.subscribe("millrace.echo.in", ({ metadata }) => void protocols.push(metadata.protocol));
    const port = portOf(gateway);
    const own = await connect({ port, framing });
    t.after(() => own.destroy());
    await own.send("hello");
    assert.deepEqual(await read(own, 1), ["hello"]);
    const other = await connect({ port, framing: lengthField({ lengthBytes: 4, strip: 4 }) });
    t.after(() => other.destroy());
    await other.send(bytes("hello"));
    for await (const frame of other) {
      assert.deepEqual(frame, bytes("hello"));
      break;
    }
    assert.deepEqual(protocols, [undefined, "counted"]);
    const response = await fetch(`http://127.0.0.1:${port}/healthz`);
    assert.deepEqual([response.status, await response.text()], [200, "OK\n"]);
  });

  it("is refused with what to write instead, in each place (F-27, F-82)", async () => {
    const adapter = await detectAdapter();
    const rows: readonly (readonly [object, RegExp])[] = [
      [{ proxyProtocol: true }, /endpoints\[0\]\.proxyProtocol: found true, expected a table with from/],
      [{ proxyProtocol: {} }, /proxyProtocol\.from: .*whom to trust/],
      [{ proxyProtocol: { from: ["10.0.0.1/8"] } }, /proxyProtocol\.from: .*10\.0\.0\.0\/8/],
      [
        { proxyProtocol: { from: ["::1"], header: "maybe" } },
        /proxyProtocol\.header: .*"required" or "optional"/,
      ],
      [{ proxyProtocol: { from: ["::1"], timeout: "1s" } }, /proxyProtocol\.timeout: .*3 seconds or more/],
      [{ proxyProtocol: { from: [] } }, /proxyProtocol\.from: .*at least one/],
      [{ proxyProtocol: { from: ["::1"], form: 1 } }, /proxyProtocol\.form: .*did you mean "from"/],
      [{ firstBytes: {} }, /firstBytes: .*something to tell apart/],
      [{ firstBytes: { healthCheck: "healthz" } }, /firstBytes\.healthCheck: .*a path such as/],
      [{ firstBytes: { plaintext: true } }, /firstBytes\.plaintext: .*without tls/],
      [{ firstBytes: { protocols: 1 } }, /firstBytes\.protocols: .*a list/],
      [
        { firstBytes: { protocols: [{ name: "a", startsWith: "" }] } },
        /protocols\[0\]\.startsWith: .*text, or bytes/,
      ],
      [
        { firstBytes: { protocols: [{ name: "a b", startsWith: "x" }] } },
        /firstBytes\.protocols\[0\]\.name: .*a name of its own/,
      ],
      [
        { firstBytes: { protocols: [{ name: "a", startsWith: "x", framing: "len" }] } },
        /protocols\[0\]\.framing: /,
      ],
      [{ maxPending: 5 }, /maxPending: .*to be left out without/],
      [{ proxyHeader: 1 }, /proxyHeader: .*mode: client/],
    ];
    for (const [given, message] of rows) {
      const result = checkConfig({ endpoints: [{ name: "echo", listen: "127.0.0.1:0", ...given }] });
      const faults = result.ok ? await abilityFaults(result.config, adapter) : result.faults;
      const texts = faults.map((fault) => formatFault(fault, undefined));
      assert.ok(texts.some((text) => message.test(text)), `${JSON.stringify(given)}: ${texts.join("; ")}`);
    }
    const client = checkConfig({ endpoints: [{ name: "a", connect: "127.0.0.1:1", proxyHeader: 3 }] });
    assert.ok(
      !client.ok && /proxyHeader: found 3, expected 1 or 2/.test(formatFault(client.faults[0]!, undefined)),
    );
  });
});
