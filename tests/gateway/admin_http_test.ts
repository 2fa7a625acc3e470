/** HTTP to the admin port as scanners, probes and browsers under a foreign name speak it (S-51). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { connect } from "../../src/client/connect.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { AdminHosts } from "../../src/gateway/admin_hosts.ts";
import { checkConfig } from "../../src/gateway/config/config.ts";
import { formatFault } from "../../src/gateway/config/fault.ts";
import { startGateway } from "../../src/gateway/running_gateway.ts";
import { configOf, soon, startEcho } from "./support.ts";
import { it } from "../support/it.ts";

const admin = { admin: { listen: "127.0.0.1:0" } };
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const utf8 = new TextDecoder();

/** Sends a text and gives all that comes back until the other side closes. */
async function talk(url: string, request: string, what: string = request): Promise<string> {
  const client = await connect({ port: Number(new URL(url).port), framing: raw(), closeTimeout: Infinity });
  let text = "";
  try {
    await client.send(latin1(request));
    await soon(
      (async () => {
        for await (const chunk of client) text += utf8.decode(chunk);
      })(),
      `the end of the answer to ${what.slice(0, 60)}`,
    );
  } finally {
    client.destroy();
  }
  return text;
}

const get = (path: string, host = "localhost"): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

describe("HTTP to the admin port", () => {
  const cases: Array<[what: string, request: string, status: number | string]> = [
    ["a probe of HTTP/1.0 without a host", "GET /healthz HTTP/1.0\r\n\r\n", 200],
    ["lines that end without a carriage return", "GET /healthz HTTP/1.0\n\n", 400],
    ["empty lines before the request", `\r\n\r\n${get("/healthz")}`, 200],
    ["a query", get("/healthz?verbose"), 200],
    [
      "the absolute form",
      "GET http://localhost:1/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      200,
    ],
    ["the absolute form of another host", get("http://evil.example/healthz"), 421],
    ["an absolute form that is none", get("http://[::1/healthz"), 400],
    ["a name that was made to point here", get("/connections", "evil.example"), 421],
    ["such a name with a port", get("/connections", "evil.example:9464"), 421],
    ["a name that only begins like ours", get("/connections", "localhost.evil.example"), 421],
    ["another address", get("/connections", "192.0.2.1"), 421],
    ["no host", "GET /healthz HTTP/1.1\r\n\r\n", 400],
    ["two hosts", get("/healthz").replace("\r\n", "\r\nHost: evil.example\r\n"), 400],
    ["a host that is none", get("/healthz", "a b]c:99999"), 400],
    ["an empty host", get("/healthz", ""), 400],
    ["a header with a space before the colon", get("/healthz").replace("Connection:", "Connection :"), 400],
    ["a folded header", get("/healthz").replace("Connection:", "X: y\r\n z\r\nConnection:"), 400],
    [
      "a control character in a header",
      get("/healthz").replace("Connection:", "X: \x07\r\nConnection:"),
      400,
    ],
    ["a path that every object has", get("/__proto__"), 404],
    ["two slashes and a bracket", get("//[/healthz"), 404],
    ["no path", get("healthz"), 400],
    ["HTTP/0.9", "GET /healthz\r\n\r\n", 400],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
    ["OPTIONS for all", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "40[05]"],
    ["POST with a body", "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 405],
    [
      "POST with two lengths",
      "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3, 4\r\n\r\nabc",
      400,
    ],
    [
      "POST without the end of its body",
      "POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      400,
    ],
    [
      "POST with a length and chunks",
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    [
      "POST that asks first",
      "POST /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
      405,
    ],
    [
      "POST of a megabyte",
      `POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n${"a".repeat(1_000_000)}`,
      405,
    ],
    [
      "a WebSocket",
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      200,
    ],
    ["a host with another in it", get("/healthz", "evil.example@localhost"), 400],
    ["CONNECT of another host", "CONNECT evil.example:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 421],
    ["CONNECT", "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405],
    ["a head without an end", `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(200_000)}`, 431],
    [
      "a head that is too large",
      get("/healthz").replace("Connection:", `X: ${"a".repeat(17_000)}\r\nConnection:`),
      431,
    ],
    [
      "a thousand headers",
      get("/healthz").replace("Connection:", `${"X: y\r\n".repeat(1_000)}Connection:`),
      431,
    ],
  ];

  it("S-51: each gets one short answer with its status, that tells nothing of the inside", async (t) => {
    const { gateway, log } = await startEcho({}, admin);
    t.after(() => gateway.destroy());
    for (const [what, request, status] of cases) {
      const answer = await talk(gateway.adminUrl!, request, what);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`), `${what}: ${answer.slice(0, 200)}`);
      assert.ok(answer.length < 700, `${what}: ${answer.length} characters`);
      assert.doesNotMatch(answer, /\.ts|node_modules|<html|\bat [a-z]+ \(/i, what);
      assert.match(answer, /\r\nconnection: close\r\n/i, what);
      assert.equal(answer.split("HTTP/1.1 ").length, 2, `${what}: more than one answer`);
    }
    assert.deepEqual(log.filter(({ level }) => level === "error"), []);
    const report = await gateway.close();
    assert.equal(report.failure, undefined);
  });

  it("S-51: requests in one piece are answered in order, and HEAD without a body", async (t) => {
    const { gateway } = await startEcho({}, admin);
    t.after(() => gateway.destroy());
    const first = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const answers = await talk(gateway.adminUrl!, first + first + get("/readyz"));
    assert.deepEqual(answers.match(/\{.*\}/g), ['{"status":"ok"}', '{"status":"ok"}', '{"status":"ready"}']);
    const head = await talk(gateway.adminUrl!, get("/healthz").replace("GET", "HEAD"));
    assert.match(head, /\r\ncontent-length: 16\r\n/);
    assert.ok(head.endsWith("\r\n\r\n"));
  });

  it("S-51: a page that fails says so without its reason, which is in the log", async (t) => {
    const { gateway, log } = await startEcho({}, admin);
    t.after(() => gateway.destroy());
    const endpoint = gateway.endpoints.get("echo")!;
    Object.defineProperty(endpoint, "inspect", {
      value: () => {
        throw new Error("secret of the inside");
      },
    });
    const answer = await talk(gateway.adminUrl!, get("/connections"));
    assert.match(answer, /^HTTP\/1\.1 500 /);
    assert.doesNotMatch(answer, /secret/);
    assert.match(JSON.stringify(log), /secret of the inside/);
  });
});

describe("whom the admin endpoint answers to", () => {
  it("S-51: on an address of this machine alone, names of this machine and those that are configured", async (t) => {
    const hosts = ["metrics.example.org", "2001:DB8:0::1"];
    const config = configOf({
      endpoints: [{ name: "a", listen: 0 }],
      admin: { listen: "127.0.0.1:0", hosts },
    });
    const gateway = await startGateway(config, { logger: () => {} });
    t.after(() => gateway.destroy());
    const answers = async (host: string): Promise<string> =>
      (await talk(gateway.adminUrl!, get("/healthz", host))).slice(9, 12);
    for (
      const host of [
        "localhost",
        "LOCALHOST.:80",
        "127.9.9.9",
        "[::1]:9464",
        "Metrics.Example.org",
        "[2001:db8::1]",
      ]
    ) {
      assert.equal(await answers(host), "200", host);
    }
    for (const host of ["example.org", "x.metrics.example.org", "192.0.2.1", "[2001:db8::2]"]) {
      assert.equal(await answers(host), "421", host);
    }
  });

  it("S-51: on another address, any address as long as nothing is configured, and never a name that is not", () => {
    const open = new AdminHosts("0.0.0.0", undefined);
    assert.deepEqual(
      ["192.0.2.1", "2001:db8::1", "localhost", "evil.example", "1.2.3.4.evil.example"].map((host) =>
        open.accepts(host)
      ),
      [true, true, true, false, false],
    );
    const named = new AdminHosts("::", ["gateway.internal", "192.0.2.7"]);
    assert.deepEqual(
      ["gateway.internal", "192.0.2.7", "192.0.2.1", "127.0.0.1", "evil.example"].map((host) =>
        named.accepts(host)
      ),
      [true, true, false, true, false],
    );
  });

  for (const hosts of ["x", [7], ["a:80"], ["[::zz]"], ["a b"], [""]]) {
    it(`S-51: admin.hosts of ${JSON.stringify(hosts)} is a fault`, () => {
      const result = checkConfig({
        endpoints: [{ name: "a", listen: 1 }],
        admin: { listen: "127.0.0.1:0", hosts },
      });
      assert.ok(!result.ok);
      assert.match(
        formatFault(result.faults[0]!),
        /^admin\.hosts: .*expected a list of host names or addresses/,
      );
    });
  }
});
