// Options that make no sense: every fault at once, before any socket opens.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import { connect } from "../../src/client/connect.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { Adapter } from "../../src/core/transport.ts";
import { serve } from "../../src/server/serve.ts";
import { rejection } from "../support/frames.ts";
import { Virtual } from "../support/server.ts";

/** Sockets that fail the test when one is opened, and can do nothing but what is said. */
function unopened(can: Partial<Adapter["can"]> = {}): Adapter {
  const opened = () => Promise.reject(new Error("a socket was opened"));
  return { ...memoryAdapter(), can: { ...memoryAdapter().can, ...can }, listen: opened, connect: opened };
}

const fine = { port: 0, framing: lines(), handler: () => {} };

async function faults(
  entry: (options: never) => Promise<unknown>,
  options: unknown,
  can?: Partial<Adapter["can"]>,
) {
  const given = typeof options === "object" && options !== null
    ? { adapter: unopened(can), ...options }
    : options;
  const error = await rejection(entry(given as never));
  assert.ok(error instanceof OptionsError, String(error));
  return error;
}

test("every fault is named with its path, what was found and what was expected, all at once", async () => {
  const error = await faults(serve, {
    port: 70_000,
    framing: {},
    handler: 5,
    idleTimeout: "60 sek",
    maxConnections: -1,
    egressPolicy: "drop",
    keepalive: { interval: 0 },
    rateLimit: { burstBytes: 5 },
    noDelay: "yes",
    farewell: 7,
  });
  assert.equal(error.reason, "invalid");
  assert.deepEqual(error.issues.map(({ path }) => path).sort(), [
    "egressPolicy",
    "farewell",
    "framing",
    "handler",
    "idleTimeout",
    "keepalive.interval",
    "keepalive.payload",
    "maxConnections",
    "noDelay",
    "port",
    "rateLimit.burstBytes",
  ]);
  for (const { expected } of error.issues) assert.ok(expected.length > 5);
  assert.match(error.message, /port: found 70000, expected a whole number, 0 to 65535/);
  assert.match(
    error.message,
    /egressPolicy: found "drop", expected one of "wait", "drop-newest", "drop-oldest", "close"/,
  );
});

test("one fault at a time: the path says where", async () => {
  const rows: readonly [string, object | undefined | number, string][] = [
    ["no options", undefined, "options"],
    ["options that are none", 3, "options"],
    ["no port and no path", { port: undefined }, "port"],
    ["port and path", { path: "/tmp/x.sock" }, "port"],
    ["an empty path", { port: undefined, path: "" }, "path"],
    ["port and address", { address: "127.0.0.1:1" }, "port"],
    ["an address without a port", { port: undefined, address: "127.0.0.1" }, "address"],
    ["an address without a host", { port: undefined, address: ":3034" }, "address"],
    ["an address that is none", { port: undefined, address: null }, "address"],
    [
      "an address of another kind",
      { port: undefined, address: { transport: "udp", port: 1 } },
      "address",
    ],
    ["an address with a wrong port", {
      port: undefined,
      address: { transport: "tcp", host: "::1", port: 70_000 },
    }, "address.port"],
    [
      "an address without any port",
      { port: undefined, address: { transport: "tcp", host: "::1" } },
      "address.port",
    ],
    ["an address with a wrong host", {
      port: undefined,
      address: { transport: "tcp", host: "*", port: 1 },
    }, "address.host"],
    ["host beside address", { port: undefined, address: "127.0.0.1:1", host: "::1" }, "host"],
    ["host beside path", { port: undefined, path: "/tmp/x.sock", host: "::1" }, "host"],
    ["ipv6Only beside path", { port: undefined, path: "/tmp/x.sock", ipv6Only: true }, "ipv6Only"],
    ["reusePort beside path", { port: undefined, path: "/tmp/x.sock", reusePort: true }, "reusePort"],
    ["a host that is no text", { host: 127 }, "host"],
    ["a port as text", { port: "3034" }, "port"],
    ["handler and onFrame", { onFrame: () => {} }, "handler"],
    ["neither handler nor onFrame", { handler: undefined }, "handler"],
    ["onFrame that is no function", { handler: undefined, onFrame: "echo" }, "onFrame"],
    ["a hook that is no function", { onDisconnect: true }, "onDisconnect"],
    ["a logger that is no function", { logger: console }, "logger"],
    ["no framing", { framing: undefined }, "framing"],
    ["a framing whose decoder throws", {
      framing: {
        ...lines(),
        decoder: () => {
          throw new Error("x");
        },
      },
    }, "framing.decoder"],
    ["a negative duration", { frameTimeout: -1 }, "frameTimeout"],
    ["a duration of 0", { closeTimeout: 0 }, "closeTimeout"],
    ["an egress limit of 0", { egressLimit: 0 }, "egressLimit"],
    ["an ingress limit that is no whole number", { ingressLimit: 1.5 }, "ingressLimit"],
    ["a backlog of 0", { backlog: 0 }, "backlog"],
    ["allowHalfOpen with a handler", { allowHalfOpen: true }, "allowHalfOpen"],
    ["a keepalive without payload", { keepalive: { interval: "1 second" } }, "keepalive.payload"],
    [
      "an empty keepalive",
      { keepalive: { interval: "1 second", payload: new Uint8Array(0) } },
      "keepalive.payload",
    ],
    ["a rate of 0", { rateLimit: { bytesPerSecond: 0 } }, "rateLimit.bytesPerSecond"],
    ["reusePort as text", { reusePort: "yes" }, "reusePort"],
    ["an unknown option", { timeout: "1 second" }, "timeout"],
  ];
  for (const [name, options, path] of rows) {
    const given = typeof options === "object" ? { ...fine, ...options } : options;
    const error = await faults(serve, given, { backlog: true, reusePort: true });
    assert.ok(error.issues.some((issue) => issue.path === path), `${name}: ${error.message}`);
    assert.equal(error.reason, "invalid", name);
  }
});

test("a misspelt option is refused with a hint, nested ones included", async () => {
  const rows: readonly [object, string][] = [
    [
      { idletimeout: "1 second" },
      'idletimeout: found "1 second", expected no such option; did you mean idleTimeout?',
    ],
    [{ onDisconect: () => {} }, "did you mean onDisconnect?"],
    [{ keepalive: { interval: "1 second", paylod: new Uint8Array(1) } }, "did you mean payload?"],
    [{ entirelyElse: 1 }, "entirelyElse: found 1, expected no such option"],
  ];
  for (const [options, message] of rows) {
    assert.ok((await faults(serve, { ...fine, ...options })).message.includes(message), message);
  }
});

test("S-48: permissions and owners that are none, or that nothing has, are refused with what was meant", async () => {
  const able = { socketMode: true, socketOwner: true };
  const socket = { ...fine, port: undefined, path: "/tmp/x.sock" };
  const rows: readonly [object, RegExp][] = [
    [{ ...fine, mode: 0o660 }, /mode: .*path too/],
    [{ ...fine, owner: { uid: 1 } }, /owner: .*path too/],
    [
      { ...socket, mode: 660 },
      /mode: found 660, .*in octal, .*660 is a decimal number: write 0o660 or "0660"/,
    ],
    [{ ...socket, mode: 777 }, /write 0o777 or "0777"/],
    [{ ...socket, mode: 0o1777 }, /mode: found 1023, expected permissions in octal/],
    [{ ...socket, mode: "0888" }, /mode: found "0888", expected permissions in octal/],
    [{ ...socket, mode: -1 }, /mode: found -1/],
    [{ ...socket, mode: 0.5 }, /mode: found 0.5/],
    [{ ...socket, owner: {} }, /owner: .*\{ uid, gid \} with one of them or both/],
    [{ ...socket, owner: { uid: -1 } }, /owner: .*each is a whole number, 0 to 4294967294/],
    [{ ...socket, owner: { user: "www-data" } }, /owner: /],
    [{ ...socket, owner: "www-data" }, /owner: .*names are not looked up: the command id tells the numbers/],
  ];
  for (const [options, message] of rows) {
    const error = await faults(serve, options, able);
    assert.equal(error.issues.length, 1, error.message);
    assert.match(error.message, message);
  }
});

test("an option that the runtime's sockets cannot meet is refused before any socket opens, on servers and clients", async () => {
  const rows: readonly [object, keyof Adapter["can"], string][] = [
    [{ backlog: 5 }, "backlog", "backlog"],
    [{ reusePort: true }, "reusePort", "reusePort"],
    [{ ipv6Only: true }, "ipv6Only", "ipv6Only"],
    [{ noDelay: false }, "noDelay", "noDelay"],
    [{ tcpKeepAlive: false }, "keepAlive", "tcpKeepAlive"],
    [{ tcpKeepAlive: 5_000 }, "keepAliveDelay", "tcpKeepAlive"],
    [{ tcpKeepAlive: "5 seconds" }, "keepAliveDelay", "tcpKeepAlive"],
    [{ port: undefined, path: "/tmp/x.sock" }, "unix", "path"],
    [{ port: undefined, path: "/tmp/x.sock", mode: 0o660 }, "socketMode", "mode"],
    [{ port: undefined, path: "/tmp/x.sock", owner: { gid: 5 } }, "socketOwner", "owner"],
  ];
  for (const [options, ability, path] of rows) {
    const entries = ["noDelay", "tcpKeepAlive", "path"].includes(path) ? [serve, connect] : [serve];
    for (const entry of entries) {
      const given = entry === serve ? { ...fine, ...options } : { port: 1, framing: lines(), ...options };
      const error = await faults(entry, given, { [ability]: false });
      assert.equal(error.reason, "unsupported");
      assert.deepEqual(error.issues.map((issue) => issue.path), [path]);
      assert.match(error.message, /sockets of memory cannot do this|memory has no Unix sockets/);
    }
  }
});

test("connect refuses bad options as serve does", async () => {
  const error = await faults(connect, { port: 0, conectTimeout: 5, framing: lines(), handler: () => {} });
  assert.deepEqual(error.issues.map(({ path }) => path).sort(), ["conectTimeout", "handler", "port"]);
  assert.match(error.message, /did you mean connectTimeout\?/);
  assert.equal((await faults(connect, undefined)).issues[0]!.path, "options");
});

test("socket tuning goes to the sockets as it was asked for, keepalive on by default (F-14, F-26)", async (t) => {
  const seen: unknown[] = [];
  const place = new Virtual(t);
  const adapter: Adapter = {
    ...place.adapter,
    can: { ...place.adapter.can, keepAlive: true, keepAliveDelay: true, backlog: true, reusePort: true },
    listen: (options, accept) => {
      const { noDelay, keepAlive, backlog, reusePort, ipv6Only } = options;
      seen.push({ noDelay, keepAlive, backlog, reusePort, ipv6Only });
      return place.adapter.listen(options, accept);
    },
  };
  for (
    const options of [{}, {
      noDelay: false,
      tcpKeepAlive: "10 seconds",
      backlog: 9,
      reusePort: true,
      ipv6Only: true,
    }]
  ) {
    // Not driven: with reusePort it reads a setting of the system, for as long as that takes.
    const server = await serve(
      { ...fine, ...options, adapter, clock: place.clock, logger: () => {} } as never,
    );
    await place.drive(server.destroy());
  }
  assert.deepEqual(seen, [
    { noDelay: true, keepAlive: 30_000, backlog: undefined, reusePort: false, ipv6Only: false },
    { noDelay: false, keepAlive: 10_000, backlog: 9, reusePort: true, ipv6Only: true },
  ]);
});

test("S-66: keepalive left at its default is one that the sockets can do", async (t) => {
  const place = new Virtual(t);
  const rows = [
    [{ keepAlive: true, keepAliveDelay: true }, 30_000],
    [{ keepAlive: true, keepAliveDelay: false }, true],
    [{ keepAlive: false, keepAliveDelay: false }, "system"],
  ] as const;
  for (const [can, expected] of rows) {
    const seen: unknown[] = [];
    const adapter: Adapter = {
      ...place.adapter,
      can: { ...place.adapter.can, ...can },
      listen: (options, accept) => {
        seen.push(options.keepAlive);
        return place.adapter.listen(options, accept);
      },
    };
    const server = await place.drive(
      serve({ ...fine, adapter, clock: place.clock, logger: () => {} } as never),
    );
    await place.drive(server.destroy());
    assert.deepEqual(seen, [expected]);
  }
});
