/** The section `tls` of a configuration: what is accepted, and how faults read (F-29 to F-33). */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkConfig, type ConfigResult, parseConfig } from "../../src/gateway/config/config.ts";
import type { ClientEndpointConfig, ServerEndpointConfig } from "../../src/gateway/config/endpoint_config.ts";
import { formatFault, formatFaults } from "../../src/gateway/config/fault.ts";
import { serverPair } from "../support/certificates.ts";

const listening = { name: "echo", listen: "127.0.0.1:0" };
const dialling = { name: "out", connect: "device.example:4000" };

function faults(endpoint: object): string[] {
  const result = checkConfig({ endpoints: [endpoint] });
  assert.ok(!result.ok, "there should be faults");
  return result.faults.map((fault) => formatFault(fault).replace("endpoints[0].", ""));
}

function good<Kind>(result: ConfigResult): Kind {
  assert.ok(result.ok, result.ok ? "" : formatFaults(result.faults));
  return result.config.endpoints[0] as Kind;
}

const pair = { cert: "a.crt", key: "a.key" };

describe("tls of an endpoint that listens", () => {
  it("is one certificate, whose paths start at the folder of the file", () => {
    const text = `
endpoints:
  - name: echo
    listen: 127.0.0.1:0
    tls: { cert: certs/a.crt, key: /etc/tls/a.key }
`;
    const { tls } = good<ServerEndpointConfig>(parseConfig(text, { format: "yaml", folder: "/srv/gateway" }));
    assert.deepEqual(tls, {
      certificates: { main: { cert: "/srv/gateway/certs/a.crt", key: "/etc/tls/a.key" } },
      named: false,
      default: undefined,
      ca: undefined,
      protocol: {},
    });
  });

  it("is several by name, with versions, protocols, ciphers, a time limit and certificates of clients", () => {
    const text = `
[[endpoints]]
name = "echo"
listen = "127.0.0.1:0"
maxHandshakes = 32
[endpoints.tls]
default = "shop"
ca = "ca.crt"
clientCertificates = "require"
minVersion = "TLSv1.2"
maxVersion = "TLSv1.3"
ciphers = "ECDHE+AESGCM"
alpn = ["mqtt", "x-lines"]
handshakeTimeout = "5s"
[endpoints.tls.certificates]
main = { cert = "main.crt", key = "main.key" }
shop = { cert = "shop.pem", key = "shop.pem", serverNames = ["*.shop.example"] }
`;
    const endpoint = good<ServerEndpointConfig>(parseConfig(text, { format: "toml", folder: "/c" }));
    assert.equal(endpoint.listener.maxHandshakes, 32);
    assert.deepEqual(endpoint.tls, {
      certificates: {
        main: { cert: "/c/main.crt", key: "/c/main.key" },
        shop: { cert: "/c/shop.pem", key: "/c/shop.pem", serverNames: ["*.shop.example"] },
      },
      named: true,
      default: "shop",
      ca: "/c/ca.crt",
      protocol: {
        minVersion: "TLSv1.2",
        maxVersion: "TLSv1.3",
        ciphers: "ECDHE+AESGCM",
        alpn: ["mqtt", "x-lines"],
        clientCertificates: "require",
        handshakeTimeout: 5000,
      },
    });
  });

  const cases: [what: string, tls: unknown, wanted: string[]][] = [
    ["true", true, [
      'tls: found true, expected a table such as { cert: "main.crt", key: "main.key" }',
    ]],
    ["nothing in it", {}, [
      "tls.cert: found nothing, expected the path of the file with the certificate",
      "tls.key: found nothing, expected the path of the file with its private key",
    ]],
    ["a certificate without its key", { cert: "a.crt" }, [
      "tls.key: found nothing, expected the path of the file with its private key",
    ]],
    ["a misspelt key", { ...pair, chiphers: "x" }, [
      'tls.chiphers: found "x", expected a key that exists here; did you mean "ciphers"?',
    ]],
    ["an old version", { ...pair, minVersion: "TLSv1.1" }, [
      'tls.minVersion: found "TLSv1.1", expected "TLSv1.2" or "TLSv1.3"; older versions are not safe',
    ]],
    ["a version written otherwise", { ...pair, minVersion: 1.3 }, [
      'tls.minVersion: found 1.3, expected "TLSv1.2" or "TLSv1.3"; did you mean "TLSv1.3"?',
    ]],
    ["versions the wrong way round", { ...pair, minVersion: "TLSv1.3", maxVersion: "TLSv1.2" }, [
      'tls.maxVersion: found "TLSv1.2", expected at least minVersion, TLSv1.3',
    ]],
    ["client certificates that nobody signs", { ...pair, clientCertificates: "require" }, [
      "tls.ca: found nothing, expected the path of the file with the CAs that may sign client certificates",
    ]],
    ["a CA that signs for nobody", { ...pair, ca: "ca.crt" }, [
      'tls.ca: found "ca.crt", expected to be left out when clients are not asked for a certificate; ' +
      'it is for clients: add clientCertificates: "require" or "request"',
    ]],
    ["a word for client certificates", { ...pair, ca: "ca.crt", clientCertificates: "required" }, [
      'tls.clientCertificates: found "required", expected "none" or "request" or "require"; ' +
      'did you mean "require"?',
    ]],
    ["a protocol without a name", { ...pair, alpn: ["mqtt", ""] }, [
      'tls.alpn: found ["mqtt",""], expected protocols, the preferred one first, such as ["mqtt"]',
    ]],
    ["a time limit that never comes", { ...pair, handshakeTimeout: "Infinity" }, [
      'tls.handshakeTimeout: found "Infinity", expected a duration above 0: a number and a unit, such as "500ms" or "5 seconds"; the units are ns, us, ms, s, m (minutes), h, d and w',
    ]],
    ["both ways to name certificates", { ...pair, certificates: { b: pair } }, [
      'tls.cert: found "both", expected either cert and key, or certificates by name',
      'tls.key: found "both", expected either cert and key, or certificates by name',
    ]],
    ["no certificate by name", { certificates: {} }, [
      "tls.certificates: found {}, expected one or more certificates by name",
    ]],
    ["faults in one by name", { certificates: { b: { ...pair, serverNames: ["*"] }, c: "c.crt" } }, [
      'tls.certificates.b.serverNames: found ["*"], expected names of servers such as ["example.org", "*.example.org"]',
      'tls.certificates.c: found "c.crt", expected a table with cert and key',
    ]],
    ["a default that is not there", { certificates: { main: pair }, default: "mian" }, [
      'tls.default: found "mian", expected "main"; did you mean "main"?',
    ]],
    ["a key of clients", { ...pair, insecureSkipVerify: true }, [
      "tls.insecureSkipVerify: found true, expected a key that exists here; it belongs to a client endpoint",
    ]],
  ];
  for (const [what, tls, wanted] of cases) {
    it(`refuses ${what}`, () => assert.deepEqual(faults({ ...listening, tls }), wanted));
  }

  it("shows nothing of a private key that stands where its file's path should", async () => {
    const { key } = await serverPair();
    assert.deepEqual(faults({ ...listening, tls: { cert: "a.crt", key } }), [
      'tls.key: found "PEM text", expected the path of a file; put the text into a separate file',
    ]);
  });

  it("is what maxHandshakes needs", () => {
    assert.deepEqual(faults({ ...listening, maxHandshakes: 3 }), [
      "maxHandshakes: found 3, expected to be left out, or used with tls",
    ]);
  });
});

describe("tls of an endpoint that dials", () => {
  it("is true for the system's CAs, or a table", () => {
    const plain = good<ClientEndpointConfig>(checkConfig({ endpoints: [{ ...dialling, tls: true }] }));
    assert.deepEqual(plain.tls, { ca: undefined, own: undefined, protocol: {} });
    const tls = { ca: "/c/ca.crt", cert: "/c/a.crt", key: "/c/a.key", serverName: "10.0.0.7", alpn: "mqtt" };
    const full = good<ClientEndpointConfig>(checkConfig({ endpoints: [{ ...dialling, tls }] }));
    assert.deepEqual(full.tls, {
      ca: "/c/ca.crt",
      own: { cert: "/c/a.crt", key: "/c/a.key" },
      protocol: { serverName: "10.0.0.7", alpn: ["mqtt"] },
    });
    assert.equal(
      good<ClientEndpointConfig>(checkConfig({ endpoints: [{ ...dialling, tls: false }] })).tls,
      undefined,
    );
  });

  const cases: [what: string, endpoint: object, wanted: string[]][] = [
    ["a word", { tls: "yes" }, ['tls: found "yes", expected true, or a table such as { ca: "ca.crt" }']],
    ["half a pair", { tls: { key: "a.key" } }, [
      "tls.cert: found nothing, expected the path of the file with the certificate",
    ]],
    ["a star for a name", { tls: { serverName: "*.example.org" } }, [
      'tls.serverName: found "*.example.org", expected the name or the IP address that the server\'s certificate is for',
    ]],
    ["a CA beside insecureSkipVerify", { tls: { ca: "ca.crt", insecureSkipVerify: true } }, [
      'tls.ca: found "ca.crt", expected to be left out with insecureSkipVerify, which trusts every server',
    ]],
    ["a Unix socket without a name to check", { connect: "unix:/run/x.sock", tls: true }, [
      "tls: found true, expected a table with serverName: a Unix socket has no name of its own",
    ]],
    ["a key of servers", { tls: { clientCertificates: "none" } }, [
      'tls.clientCertificates: found "none", expected a key that exists here; it belongs to a server endpoint',
    ]],
  ];
  for (const [what, endpoint, wanted] of cases) {
    it(`refuses ${what}`, () => assert.deepEqual(faults({ ...dialling, ...endpoint }), wanted));
  }
});
