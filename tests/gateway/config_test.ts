/** The configuration (F-54): what is accepted, and how each fault reads. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import {
  checkConfig,
  type ConfigResult,
  type GatewayConfig,
  loadConfig,
  parseConfig,
} from "../../src/gateway/config/config.ts";
import { formatFault, formatFaults } from "../../src/gateway/config/fault.ts";
import { abilityFaults } from "../../src/gateway/config/abilities.ts";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import type { Adapter } from "../../src/core/transport.ts";
import { it } from "../support/it.ts";

function yaml(text: string): ConfigResult {
  return parseConfig(text, { format: "yaml", source: "gateway.yaml" });
}

function good(result: ConfigResult): GatewayConfig {
  assert.ok(result.ok, result.ok ? "" : formatFaults(result.faults));
  return result.config;
}

function faults(result: ConfigResult): string[] {
  assert.ok(!result.ok, "there should be faults");
  return result.faults.map((fault) => formatFault(fault, result.source));
}

const echo = { name: "echo", listen: "127.0.0.1:3034" };

describe("a configuration (F-54)", () => {
  it("is the same in YAML, JSON and TOML", () => {
    const fromYaml = good(yaml(`
bus: memory
endpoints:
  - name: echo
    listen: 127.0.0.1:3034
    framing: { type: lengthField, lengthBytes: 2, strip: 2 }
    idleTimeout: 60s
    maxConnections: 10
admin: { listen: "127.0.0.1:9464" }
`));
    const fromToml = good(parseConfig(
      `
bus = "memory"
admin.listen = "127.0.0.1:9464"
[[endpoints]]
name = "echo"
listen = "127.0.0.1:3034"
framing = { type = "lengthField", lengthBytes = 2, strip = 2 }
idleTimeout = "60s"
maxConnections = 10
`,
      { format: "toml" },
    ));
    const fromJson = good(parseConfig(
      JSON.stringify({
        bus: "memory",
        endpoints: [{
          ...echo,
          framing: { type: "lengthField", lengthBytes: 2, strip: 2 },
          idleTimeout: "60s",
          maxConnections: 10,
        }],
        admin: { listen: "127.0.0.1:9464" },
      }),
      { format: "json" },
    ));
    const plain = (config: GatewayConfig): unknown => JSON.parse(JSON.stringify(config));
    assert.deepEqual(plain(fromToml), plain(fromYaml));
    assert.deepEqual(plain(fromJson), plain(fromYaml));
    assert.equal(fromYaml.endpoints[0]?.limits.idleTimeout, 60_000);
    assert.equal(fromYaml.endpoints[0]?.framing.name, "lengthField");
    assert.deepEqual(fromYaml.admin, {
      address: { transport: "tcp", host: "127.0.0.1", port: 9464 },
      hosts: undefined,
    });
  });

  it("takes how long a connection may live, its last words, and how a drain is spread (F-65, F-84)", () => {
    const config = good(checkConfig({
      endpoints: [
        { ...echo, maxLifetime: "1h", goodbye: "BYE", goodbyeWait: "2s" },
        { ...echo, name: "b", listen: 1, maxLifetime: { after: "1h", jitter: 0, grace: "5s" } },
      ],
      shutdown: { spread: "10s" },
      memoryBudget: "64 MiB",
    }));
    assert.equal(config.memoryBudget, 64 * 1024 * 1024);
    const [first, second] = config.endpoints;
    assert.deepEqual(first?.limits, {
      maxLifetime: { after: 3_600_000 },
      goodbye: new TextEncoder().encode("BYE"),
      goodbyeWait: 2_000,
    });
    assert.deepEqual(second?.limits, { maxLifetime: { after: 3_600_000, jitter: 0, grace: 5_000 } });
    assert.deepEqual([config.shutdownDeadline, config.drainSpread], [30_000, 10_000]);
  });

  it("has subjects of the endpoint's name, a line framing and the memory bus unless told otherwise", () => {
    const config = good(checkConfig({ endpoints: [echo] }));
    const [endpoint] = config.endpoints;
    assert.equal(config.bus.type, "memory");
    assert.equal(config.admin, undefined);
    assert.equal(endpoint?.mode, "server");
    assert.equal(endpoint?.framing.name, "lines");
    assert.deepEqual(endpoint?.subjects, {
      ingress: "millrace.echo.in",
      egress: "millrace.echo.out",
      direct: "millrace.echo.out",
      presence: "millrace.echo.presence",
      control: "millrace.echo.ctrl",
      deadLetter: undefined,
    });
  });

  it("takes an endpoint that dials", () => {
    const config = good(checkConfig({
      endpoints: [{ name: "host", connect: "10.0.1.5:4000", reconnect: { wait: "2s", maxWait: "1m" } }],
    }));
    const [endpoint] = config.endpoints;
    assert.ok(endpoint?.mode === "client");
    assert.deepEqual(endpoint.reconnect, { wait: 2_000, maxWait: 60_000 });
  });

  it("takes how the waits of an endpoint that dials grow (F-37)", () => {
    const given = { factor: 1.5, jitter: 1, stableAfter: "1m" };
    const [endpoint] = good(checkConfig({
      endpoints: [{ name: "host", connect: "10.0.1.5:4000", reconnect: given }],
    })).endpoints;
    assert.ok(endpoint?.mode === "client");
    assert.deepEqual(endpoint.reconnect, {
      wait: 1_000,
      maxWait: 30_000,
      factor: 1.5,
      jitter: 1,
      stableAfter: 60_000,
    });
    const checked = checkConfig({
      endpoints: [{ name: "host", connect: 4000, reconnect: { factor: 0, jitter: 2, stableAfter: "soon" } }],
    });
    assert.ok(!checked.ok);
    assert.deepEqual(checked.faults.map(({ path }) => path), [
      "endpoints[0].reconnect.factor",
      "endpoints[0].reconnect.jitter",
      "endpoints[0].reconnect.stableAfter",
    ]);
  });

  it("takes waits between attempts to bind (F-21)", () => {
    const [table] = good(checkConfig({
      endpoints: [{
        ...echo,
        bindRetry: { initial: "2s", max: "1m", attempts: 5, jitter: 0, factor: 3, for: "1h" },
      }],
    })).endpoints;
    assert.ok(table?.mode === "server");
    assert.deepEqual(table.listener.bindRetry, {
      initial: 2_000,
      factor: 3,
      max: 60_000,
      jitter: 0,
      attempts: 5,
      for: 3_600_000,
    });
    const [on] = good(checkConfig({ endpoints: [{ ...echo, bindRetry: true }] })).endpoints;
    assert.ok(on?.mode === "server" && on.listener.bindRetry === true);
  });

  it("with three faults gets three messages, each with line, path, value and what was expected", () => {
    const messages = faults(yaml(`endpoints:
  - name: echo
    listen: 127.0.0.1:99999
    framming: lines
    idleTimeout: 5 parsecs
`));
    assert.deepEqual(messages, [
      'gateway.yaml:3:13: endpoints[0].listen: found "127.0.0.1:99999", expected a port from 0 to 65535',
      'gateway.yaml:4:5: endpoints[0].framming: found "lines", expected a key that exists here; did you mean "framing"?',
      'gateway.yaml:5:18: endpoints[0].idleTimeout: found "5 parsecs", expected a duration above 0: a number and ' +
      'a unit, such as "500ms" or "5 seconds", or "Infinity" for no limit; the units are ns, us, ms, s, ' +
      "m (minutes), h, d and w",
    ]);
  });

  const single: Array<[what: string, value: unknown, message: RegExp]> = [
    ["no table", "hello", /^the configuration: found "hello", expected a table with endpoints$/],
    ["no endpoint", { endpoints: [] }, /^endpoints: found \[\], expected a list of one or more endpoints$/],
    ["no name", { endpoints: [{ listen: 1 }] }, /^endpoints\[0\]\.name: found nothing, expected a name/],
    [
      "no address",
      { endpoints: [{ name: "a" }] },
      /^endpoints\[0\]\.listen: found nothing, expected where to listen/,
    ],
    [
      "a port without host",
      { endpoints: [{ ...echo, listen: ":80" }] },
      /expected a host before the port; say which one: 127\.0\.0\.1:80/,
    ],
    [
      "port 0 to dial",
      { endpoints: [{ name: "a", connect: "127.0.0.1:0" }] },
      /connect: .*a port from 1 to 65535/,
    ],
    [
      "a bus that is not there",
      { bus: "kafka", endpoints: [echo] },
      /^bus: found "kafka", expected "memory" or "stdio" or "nats" or "jetstream" or "redis"$/,
    ],
    ["a misspelt bus", { bus: "memroy", endpoints: [echo] }, /did you mean "memory"\?/],
    [
      "a unit that there is not",
      { endpoints: [{ ...echo, idleTimeout: "60 sek" }] },
      /found "60 sek", expected a duration .*; the units are ns, us, ms, s,/,
    ],
    ["another spelling", { endpoints: [{ ...echo, idle_timeout: "60s" }] }, /did you mean "idleTimeout"\?/],
    [
      "a memory budget that is no size",
      { endpoints: [echo], memoryBudget: "much" },
      /^memoryBudget: found "much", expected a number of bytes/,
    ],
    [
      "a jitter that is no part",
      { endpoints: [{ ...echo, maxLifetime: { after: "1h", jitter: 10 } }] },
      /maxLifetime\.jitter: found 10, expected a number from 0 to 1, such as 0\.1 for a tenth/,
    ],
    [
      "a longest life that is no duration",
      { endpoints: [{ ...echo, maxLifetime: "long" }] },
      /maxLifetime: found "long", expected a duration above 0/,
    ],
    [
      "a longest life without a duration",
      { endpoints: [{ ...echo, maxLifetime: { jitter: 0 } }] },
      /maxLifetime\.after: .*how long a connection may be open, such as "1h"/,
    ],
    [
      "a spread without end",
      { endpoints: [echo], shutdown: { spread: "Infinity" } },
      /shutdown\.spread: found "Infinity", expected a duration of 0 or more/,
    ],
    [
      "a minimum rate without a number",
      { endpoints: [{ ...echo, minByteRate: { bytesPerSecond: "slow" } }] },
      /minByteRate\.bytesPerSecond: found "slow", expected a number of bytes a second, more than 0, such as 100/,
    ],
    [
      "a misspelt key of a minimum rate",
      { endpoints: [{ ...echo, minByteRate: { bytesPerSecond: 100, perid: "5s" } }] },
      /minByteRate\.perid: found "5s", expected .*did you mean "period"\?/,
    ],
    [
      "yes for true",
      { endpoints: [{ ...echo, echo: "yes" }] },
      /echo: found "yes", expected true or false; write true/,
    ],
    [
      "a client's key on a server",
      { endpoints: [{ ...echo, reconnect: {} }] },
      /it belongs to an endpoint with mode: client/,
    ],
    [
      "a descriptor that is none",
      { endpoints: [{ ...echo, listen: { fd: -1 } }] },
      /listen\.fd: found -1, expected a whole number, 0 to 2147483647$/,
    ],
    [
      "a mode of an inherited socket",
      { endpoints: [{ ...echo, listen: { fd: 3, mode: "0600" } }] },
      /listen\.mode: found "0600", expected a key that exists here: fd$/,
    ],
    [
      "a socket of systemd without a name",
      { endpoints: [{ ...echo, listen: "systemd:" }] },
      /listen: found "systemd:", expected "systemd:" and the FileDescriptorName= of a socket unit/,
    ],
    [
      "one inherited socket twice",
      { endpoints: [{ ...echo, listen: "systemd:a" }, { ...echo, name: "b", listen: "systemd:a" }] },
      /endpoints\[1\]\.listen: .*a different address from that of endpoints\[0\]/,
    ],
    [
      "one descriptor twice",
      { endpoints: [{ ...echo, listen: { fd: 3 } }, { ...echo, name: "b", listen: { fd: 3 } }] },
      /endpoints\[1\]\.listen: .*a different address from that of endpoints\[0\]/,
    ],
    [
      "waits that are none",
      { endpoints: [{ ...echo, bindRetry: "1m" }] },
      /bindRetry: found "1m", expected true, false, or a table with initial, factor, max, jitter, attempts or for$/,
    ],
    [
      "waits that shrink",
      { endpoints: [{ ...echo, bindRetry: { factor: 0.5 } }] },
      /bindRetry\.factor: found 0\.5, expected a number of 1 or more$/,
    ],
    [
      "a server's key on a client",
      { endpoints: [{ name: "a", connect: 1, bindRetry: true }] },
      /it belongs to an endpoint with mode: server/,
    ],
    [
      "a misspelt framing",
      { endpoints: [{ ...echo, framing: "line" }] },
      /framing: found "line".*did you mean "lines"\?/,
    ],
    [
      "a framing's missing option",
      { endpoints: [{ ...echo, framing: "fixedLength" }] },
      /framing: found "", expected a number of bytes after fixed:, such as fixed:16/,
    ],
    [
      "an option of another framing",
      { endpoints: [{ ...echo, framing: { type: "lines", strip: 2 } }] },
      /it belongs to lengthField, not to lines/,
    ],
    [
      "a length of nine bytes",
      { endpoints: [{ ...echo, framing: { type: "lengthField", lengthBytes: 9 } }] },
      /framing\.lengthBytes: found 9, expected a whole number, 1 to 8$/,
    ],
    [
      "a byte order of digits",
      {
        endpoints: [{
          ...echo,
          framing: { type: "lengthField", lengthFormat: "decimal", endian: "little" },
        }],
      },
      /framing\.endian: found "little", expected nothing with lengthFormat decimal/,
    ],
    [
      "a bad subject",
      { endpoints: [{ ...echo, subjects: { ingress: "a b" } }] },
      /subjects\.ingress: found "a b", expected a subject/,
    ],
    [
      "the same name twice",
      { endpoints: [echo, { name: "echo", listen: 1 }] },
      /endpoints\[1\]\.name: .*a different name from that of endpoints\[0\]/,
    ],
    [
      "one subject for two things",
      {
        endpoints: [{ ...echo, subjects: { egress: "x" } }, {
          name: "b",
          listen: 1,
          subjects: { egress: "x" },
        }],
      },
      /^endpoints\[1\]\.subjects\.egress: found "x", expected a different subject from that of endpoints\[0\]\.subjects\.egress$/,
    ],
    [
      "frames that would come back as messages",
      { endpoints: [{ ...echo, subjects: { ingress: "x", egress: "x" } }] },
      /subjects\.ingress: found "x", expected a different subject from that of endpoints\[0\]\.subjects\.egress$/,
    ],
    [
      "the same port twice",
      { endpoints: [echo, { ...echo, name: "b" }] },
      /endpoints\[1\]\.listen: .*a different address from that of endpoints\[0\]/,
    ],
    [
      "S-55: the same address twice in two forms",
      { endpoints: [{ ...echo, listen: 3034 }, { name: "b", listen: "[::ffff:127.0.0.1]:3034" }] },
      /endpoints\[1\]\.listen: found "\[::ffff:127\.0\.0\.1\]:3034", expected a different address from that of endpoints\[0\]/,
    ],
    [
      "S-55: a host that is no address and no name",
      { endpoints: [{ ...echo, listen: "127.0.0.01:80" }] },
      /listen: .*four numbers, 0 to 255 without leading zeros, .*before the port/,
    ],
    [
      "S-55: a star for all",
      { endpoints: [{ ...echo, listen: "*:80" }] },
      /listen: .*"::" for every address/,
    ],
    [
      "S-55: the number of an interface",
      { endpoints: [{ name: "a", connect: "[fe80::1%2]:80" }] },
      /connect: .*the name of a network interface/,
    ],
    [
      "S-48: a zero byte in a path",
      { endpoints: [{ ...echo, listen: "unix:/run/a\0.sock" }] },
      /listen: .*the path of a Unix socket; the path has a zero byte/,
    ],
    [
      "S-48: a zero byte in a host",
      { endpoints: [{ ...echo, listen: "local\0host:80" }] },
      /listen: .*a host name of letters/,
    ],
    [
      "S-48: a name for TLS that a URL would cut off",
      { endpoints: [{ name: "a", connect: "127.0.0.1:1", tls: { serverName: "bü/x.example" } }] },
      /serverName: .*the name or the IP address/,
    ],
    ...[660, 440, 0o660].map((mode): [string, unknown, RegExp] => [
      `S-48: the mode ${mode} as a number, which YAML makes of octal and decimal digits alike`,
      { endpoints: [{ ...echo, listen: { path: "/run/a.sock", mode } }] },
      /^endpoints\[0\]\.listen\.mode: found \d+, expected octal digits in quotes, such as "0660"/,
    ]),
    [
      "S-48: a mode that is not octal",
      { endpoints: [{ ...echo, listen: { path: "/run/a.sock", mode: "0680" } }] },
      /^endpoints\[0\]\.listen\.mode: found "0680", .*in octal/,
    ],
    [
      "a Unix socket without a path",
      { endpoints: [{ ...echo, listen: { mode: "0660" } }] },
      /listen\.path: found nothing, expected the path of a Unix socket/,
    ],
    [
      "an owner by name",
      { endpoints: [{ ...echo, listen: { path: "/run/a.sock", owner: "www-data" } }] },
      /listen\.owner: .*names are not looked up/,
    ],
    [
      "what a Unix socket has not",
      { endpoints: [{ ...echo, listen: { path: "/run/a.sock", port: 5 } }] },
      /listen\.port: .*expected a key that exists here: fd, path, mode, owner/,
    ],
    [
      "one Unix socket twice, in short and in long",
      {
        endpoints: [{ ...echo, listen: "unix:/run/a.sock" }, {
          ...echo,
          name: "b",
          listen: { path: "/run/a.sock" },
        }],
      },
      /^endpoints\[1\]\.listen: .*a different address from that of endpoints\[0\]/,
    ],
    [
      "print beside the stdio bus",
      { bus: "stdio", endpoints: [{ ...echo, print: true }] },
      /print: found true, expected to be left out/,
    ],
    [
      "no unit of size",
      { endpoints: [{ ...echo, egressLimit: "1 mile" }] },
      /egressLimit: .*a number of bytes/,
    ],
    ["a Unix socket for admin", { endpoints: [echo], admin: { listen: "unix:/tmp/x" } }, /admin\.listen: /],
    ["admin without address", { endpoints: [echo], admin: {} }, /^admin\.listen: found nothing/],
  ];
  for (const [what, value, message] of single) {
    it(`refuses ${what}`, () => {
      const messages = faults(checkConfig(value));
      assert.equal(messages.length, 1, messages.join("\n"));
      assert.match(messages[0]!, message);
    });
  }

  it("S-55: has one form of a host, and of the name for TLS, whatever is written", () => {
    const { endpoints } = good(checkConfig({
      endpoints: [
        { name: "a", listen: "[0:0::1]:1" },
        { name: "b", connect: "BÜCHER.example.:2", tls: { serverName: "Bücher.Example." } },
      ],
    }));
    assert.deepEqual(endpoints.map(({ address }) => address.transport === "tcp" && address.host), [
      "::1",
      "xn--bcher-kva.example.",
    ]);
    assert.equal(
      endpoints[1]!.mode === "client" && endpoints[1]!.tls?.protocol.serverName,
      "xn--bcher-kva.example",
    );
  });

  it("reads who may use a Unix socket, as octal digits in text", () => {
    const written: readonly [text: string, format: "yaml" | "toml" | "json"][] = [
      ['endpoints: [{ name: a, listen: { path: /run/a.sock, mode: "0660", owner: "1000:33" } }]', "yaml"],
      [
        'endpoints: [{ name: a, listen: { path: /run/a.sock, mode: "660", owner: { uid: 1000, gid: 33 } } }]',
        "yaml",
      ],
      [
        '[[endpoints]]\nname = "a"\nlisten = { path = "/run/a.sock", mode = "0o660", owner = { uid = 1000, gid = 33 } }',
        "toml",
      ],
      ['{"endpoints":[{"name":"a","listen":{"path":"/run/a.sock","mode":"660","owner":"1000:33"}}]}', "json"],
    ];
    for (const [text, format] of written) {
      const [endpoint] = good(parseConfig(text, { format })).endpoints;
      assert.deepEqual(endpoint!.address, { transport: "unix", path: "/run/a.sock" });
      assert.deepEqual(endpoint!.mode === "server" && endpoint!.file, {
        mode: 0o660,
        owner: { uid: 1000, gid: 33 },
      });
    }
    for (const mode of ["0660", "0440", "0o660"]) {
      const trap = parseConfig(`endpoints: [{ name: a, listen: { path: /run/a.sock, mode: ${mode} } }]`, {
        format: "yaml",
      });
      assert.match(faults(trap)[0]!, /listen\.mode: found \d+, expected octal digits in quotes/, mode);
    }
  });

  it("says at the mode and the owner that these sockets have none", async () => {
    const listen = { path: "/run/a.sock", mode: "0660", owner: ":33" };
    const config = good(checkConfig({ endpoints: [{ name: "a", listen }] }));
    const found = await abilityFaults(config, memoryAdapter());
    assert.deepEqual(found.map(({ path }) => path), [
      "endpoints[0].listen.mode",
      "endpoints[0].listen.owner",
    ]);
  });

  it("S-48: finds a Unix path that sockets would not take, on both sides, and a setting of a client", async () => {
    const long = `unix:/run/${"x".repeat(110)}`;
    const config = good(checkConfig({
      endpoints: [
        { name: "a", listen: long },
        { name: "b", connect: long },
        { name: "c", connect: "127.0.0.1:1", tcpKeepAlive: "9s" },
      ],
    }));
    const adapter: Adapter = { ...memoryAdapter(), longestPath: 107 };
    const found = await abilityFaults(config, adapter);
    assert.deepEqual(found.map(({ path }) => path), [
      "endpoints[0].listen",
      "endpoints[1].connect",
      "endpoints[2].tcpKeepAlive",
    ]);
    for (const { expected } of found.slice(0, 2)) assert.match(expected, /115 bytes, and 107 is the maximum/);
    assert.deepEqual(
      await abilityFaults(config, await detectAdapter()).then((list) => list.length >= 2),
      true,
    );
  });

  it("takes any port 0 twice", () => {
    good(checkConfig({ endpoints: [{ ...echo, listen: 0 }, { name: "b", listen: 0 }] }));
  });

  it("that is no YAML, JSON or TOML says where", () => {
    assert.match(faults(yaml("endpoints: [\n  a: }\n"))[0]!, /^gateway\.yaml:2:\d+: .*expected valid YAML/);
    const toml = faults(parseConfig("a = 1\nb = = 2\n", { format: "toml", source: "g.toml" }));
    assert.match(toml[0]!, /^g\.toml:2:\d+: .*expected valid TOML/);
    const json = faults(parseConfig("{\n  'a': 1\n}", { format: "json", source: "g.json" }));
    assert.match(json[0]!, /^g\.json(?::2:\d+)?: .*expected valid JSON/);
    assert.match(faults(yaml("a: 1\na: 2\n"))[0]!, /^gateway\.yaml:2:1: .*unique/);
  });

  it("is read from a file by the ending of its name, and says which file is missing", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-config-"));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, "gateway.json");
    await writeFile(path, JSON.stringify({ endpoints: [echo] }));
    assert.equal(good(await loadConfig(path)).endpoints.length, 1);
    assert.match(
      faults(await loadConfig(join(folder, "none.yaml")))[0]!,
      /none\.yaml: .*there is no such file/,
    );
    assert.match(
      faults(await loadConfig(join(folder, "gateway.ini")))[0]!,
      /expected a file whose name ends in/,
    );
  });
});
