// Limits per address, rates, and lists: who is let in, who is not, and what is said of it.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { RejectReason } from "../../src/server/admission_options.ts";
import { prometheusText } from "../../src/server/prometheus.ts";
import { serve } from "../../src/server/serve.ts";
import type { ServeOptions } from "../../src/server/server_options.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { echo, rejection } from "../support/frames.ts";
import { fromAddresses } from "../support/from_addresses.ts";
import { it } from "../support/it.ts";
import type { Peer } from "../support/peer.ts";
import { Real, Virtual } from "../support/server.ts";

type Options = Partial<ServeOptions<Uint8Array>>;

/** A server in memory, and peers of any address, each let in or not. */
async function gate(t: TestContext, options: Options) {
  const place = new Virtual(t);
  let address = "";
  const rejected: [string, RejectReason][] = [];
  const server = await place.serve(
    {
      framing: lines(),
      handler: echo,
      maxConnections: 0,
      ...options as object,
      onReject: ({ ip }, reason) => void rejected.push([ip, reason]),
    },
    ((given: object) =>
      serve({ ...given, adapter: fromAddresses(place.adapter, () => address) } as never)) as typeof serve,
  );
  const knock = async (
    ip: string,
  ): Promise<{ readonly why: RejectReason | undefined; readonly peer: Peer }> => {
    address = ip;
    const before = rejected.length;
    const peer = await place.dial(server);
    await place.settle();
    return { why: rejected[before]?.[1], peer };
  };
  const whys = async (...ips: string[]) => {
    const all: (RejectReason | undefined)[] = [];
    for (const ip of ips) all.push((await knock(ip)).why);
    return all;
  };
  return { place, server, knock, whys };
}

it("an address has at most maxConnectionsPerAddress connections, an IPv6 network counts as one, and a free slot is given again (F-23)", async (t) => {
  const { place, server, knock, whys } = await gate(t, { maxConnectionsPerAddress: 2 });
  const { peer } = await knock("192.0.2.1");
  const full = "address_connections";
  assert.deepEqual(await whys("192.0.2.1", "192.0.2.1", "192.0.2.2"), [undefined, full, undefined]);
  assert.deepEqual(
    await whys("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::3"),
    [undefined, undefined, full, undefined],
  );
  peer.end();
  await place.settle();
  assert.deepEqual(await whys("192.0.2.1", "192.0.2.1"), [undefined, full]);
  const { connectionsRejected, connectionsRejectedByReason } = server.stats();
  assert.deepEqual([connectionsRejected, connectionsRejectedByReason], [3, { address_connections: 3 }]);
  assert.match(
    prometheusText(server),
    /^millrace_connections_rejected_total\{reason="address_connections"\} 3$/m,
  );
});

it("S-16: ten thousand connections of one address beside a thousand others: never more than the limit, and the others get in (F-23)", async (t) => {
  const { place, server, knock } = await gate(t, { maxConnectionsPerAddress: 5, farewell: "busy\n" });
  let flood = 0, others = 0;
  for (let n = 0; n < 11_000; n++) {
    const other = n % 11 === 0;
    const { why } = await admitted(knock, other ? `198.51.${n >> 8 & 255}.${n & 255}` : "192.0.2.1");
    if (why === undefined) other ? others++ : flood++;
  }
  assert.deepEqual([flood, others], [5, 1_000]);
  assert.equal(server.connections.size, 1_005);
  assert.equal(server.stats().connectionsRejected, 9_995);
  await place.pass(1_500);
});

const admitted = (knock: (ip: string) => Promise<{ readonly why: RejectReason | undefined }>, ip: string) =>
  knock(ip);

it("acceptRatePerAddress is a token bucket for each address: a burst, then the rate; refusals cost no token (F-23)", async (t) => {
  const { place, whys } = await gate(t, { acceptRatePerAddress: { perSecond: 2, burst: 3 } });
  const late = "address_rate";
  assert.deepEqual(await whys("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"), [
    ...[undefined, undefined, undefined, late, undefined],
  ]);
  await place.pass(499);
  assert.deepEqual(await whys("192.0.2.1", "192.0.2.1"), [late, late]);
  await place.pass(1);
  assert.deepEqual(await whys("192.0.2.1", "192.0.2.1"), [undefined, late]);
  await place.pass(60_000);
  assert.deepEqual(await whys("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1"), [
    ...[undefined, undefined, undefined, late],
  ]);
});

it("acceptRate is one bucket for all, and one address over its own rate takes nothing of it (F-23)", async (t) => {
  const { place, whys, server } = await gate(t, {
    acceptRate: { perSecond: 10, burst: 4 },
    acceptRatePerAddress: { perSecond: 1 },
  });
  assert.deepEqual(await whys("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"), [
    ...[undefined, "address_rate", "address_rate", undefined, undefined],
  ]);
  assert.deepEqual(await whys("192.0.2.4", "192.0.2.5"), [undefined, "accept_rate"]);
  await place.pass(100);
  // That one was refused for all, so it still has its own.
  assert.deepEqual(await whys("192.0.2.5", "192.0.2.6"), [undefined, "accept_rate"]);
  assert.deepEqual(server.stats().connectionsRejectedByReason, { address_rate: 2, accept_rate: 2 });
});

it("deny decides before allow, and who is in neither list is not allowed (F-23)", async (t) => {
  const { whys } = await gate(t, { allow: ["10.0.0.0/8", "2001:db8::/32"], deny: ["10.9.0.0/16", "::1"] });
  assert.deepEqual(
    await whys("10.1.2.3", "10.9.2.3", "11.0.0.1", "2001:db8::5", "2001:db9::5", "::1"),
    [undefined, "denied", "not_allowed", undefined, "not_allowed", "denied"],
  );
  const only = await gate(t, { deny: ["192.0.2.0/24"] });
  assert.deepEqual(await only.whys("192.0.2.7", "192.0.3.7", "::1"), ["denied", undefined, undefined]);
  const none = await gate(t, { allow: [] });
  assert.deepEqual(await none.whys("127.0.0.1"), ["not_allowed"]);
});

it("a peer that had reset before its address could be read is not rejected: it never gets in where addresses matter (F-23)", async (t) => {
  for (const options of [{ allow: ["10.0.0.0/8"] }, { proxyProtocol: { from: ["10.0.0.0/8"] } }] as const) {
    const { knock, place, server } = await gate(t, options);
    const { why } = await knock("");
    const { connectionsAccepted, connectionsRejected, pendingActive } = server.stats();
    assert.deepEqual([why, connectionsAccepted, connectionsRejected, pendingActive], [undefined, 0, 0, 0]);
    assert.deepEqual(place.logs.filter(({ level }) => level !== "debug" && level !== "info"), []);
  }
  // Elsewhere it is let in, and its end is read.
  const plain = await gate(t, {});
  const { why } = await plain.knock("");
  assert.deepEqual([why, plain.server.stats().connectionsAccepted], [undefined, 1]);
});

it("the farewell may be a function of the reason; what it throws or returns by mistake is logged, and nothing is sent (F-23)", async (t) => {
  const farewell = (reason: RejectReason, { ip }: { readonly ip: string }) => {
    if (ip === "192.0.2.66") throw new Error("no words");
    if (ip === "192.0.2.67") return 7 as unknown as string;
    return reason === "denied" ? undefined : `${reason} ${ip}\n`;
  };
  const { place, knock } = await gate(t, { farewell, allow: ["192.0.2.1"], deny: ["192.0.2.2"] });
  const text = async (ip: string) => (await knock(ip)).peer.text;
  assert.deepEqual([await text("192.0.2.3"), await text("192.0.2.2")], ["not_allowed 192.0.2.3\n", ""]);
  assert.deepEqual([await text("192.0.2.66"), await text("192.0.2.67")], ["", ""]);
  const failed = place.logs.filter(({ message }) => message === "hook failed");
  assert.match(failed.map(({ fields }) => fields.error).join("; "), /no words.*found number/s);
  await place.pass(1_500);
});

it("refusals are logged once an episode and reason, with how many there were, and not for each peer (F-23)", async (t) => {
  const { place, knock } = await gate(t, { deny: ["192.0.2.0/24"], maxConnections: 1 });
  const records = () => place.logs.filter(({ message }) => message === "connections are rejected");
  await knock("127.0.0.1");
  for (let n = 0; n < 500; n++) await knock(`192.0.2.${n % 256}`);
  for (let n = 0; n < 500; n++) await knock("127.0.0.1");
  assert.deepEqual(records().map(({ level, fields }) => [level, fields.reason, fields.rejected]), [
    ["info", "denied", 1],
    ["warn", "max_connections", 1],
  ]);
  await place.pass(9_999);
  await knock("192.0.2.1");
  assert.equal(records().length, 2);
  await place.pass(10_000);
  await knock("192.0.2.9");
  const last = records().at(-1)!.fields;
  assert.deepEqual([records().length, last["peer.ip"], last.rejected, last.sinceLastRecord], [
    ...[3, "192.0.2.9", 502, 501],
  ]);
  // An attack that never pauses is mentioned once a minute.
  for (let s = 0; s < 61; s++) {
    await place.pass(1_000);
    await knock("192.0.2.1");
  }
  assert.equal(records().length, 4);
});

it("an address's slots come back however its connections end, a thousand times over (F-23)", async (t) => {
  const { place, server, knock } = await gate(t, { maxConnectionsPerAddress: 1, idleTimeout: 1_000 });
  const ways: ((peer: Peer) => unknown)[] = [
    (peer) => peer.end(),
    (peer) => peer.abort(),
    (peer) => peer.write("hi\n").end(),
    () => server.kill([...server.connections.keys()][0]!),
  ];
  for (let n = 0; n < 1_000; n++) {
    const { why, peer } = await knock("192.0.2.1");
    assert.equal(why, undefined, String(n));
    ways[n % ways.length]!(peer);
    await place.settle();
    if (n % 100 === 0) await place.pass(3_000);
  }
});

it("on real sockets one address is limited and another is not, each by its own protocol (F-23)", async (t) => {
  const place = await Real.at(t);
  const server = await place.serve({
    framing: lines(),
    handler: echo,
    host: "::",
    maxConnectionsPerAddress: 1,
    farewell: (reason: RejectReason) => `${reason}\n`,
  });
  const { port } = server.address as { readonly port: number };
  const at = (host: string) => place.dial({ address: { transport: "tcp", host, port } });
  const four = await at("127.0.0.1");
  four.write("four\n");
  await four.got("four\n");
  const second = await at("127.0.0.1");
  await second.got("address_connections\n");
  await second.whenEnded();
  const six = await at("::1");
  six.write("six\n");
  await six.got("six\n");
  four.end();
  await four.whenClosed();
  await place.gone(1);
  const third = await at("127.0.0.1");
  third.write("third\n");
  await third.got("third\n");
});

it("with TLS an address that may not connect is dropped before its handshake, and its handshakes count (F-23)", async (t) => {
  const place = await Real.at(t);
  const rejected: RejectReason[] = [];
  const failures: unknown[] = [];
  const tls = await serverPair();
  const common = {
    framing: lines(),
    handler: echo,
    tls,
    onReject: (_: unknown, reason: RejectReason) => void rejected.push(reason),
    onTlsError: (error: unknown) => void failures.push(error),
  };
  const denied = await place.serve({ ...common, deny: ["127.0.0.0/8"] });
  const { cert: ca } = await testAuthority();
  const secure = (server: typeof denied) =>
    place.connect(server, { framing: lines(), tls: { ca, serverName: "localhost" } });
  await rejection(secure(denied));
  assert.deepEqual(rejected.splice(0), ["denied"]);
  assert.deepEqual([denied.stats().handshakesFailed, failures.length], [0, 0]);

  const limited = await place.serve({ ...common, maxConnectionsPerAddress: 1 });
  const silent = await place.dial(limited);
  const outside = await place.dial(limited).catch(() => undefined);
  await outside?.until(() => outside.closed || outside.ended, "a close");
  assert.deepEqual(rejected.splice(0), ["address_connections"]);
  silent.end();
  await silent.until(() => silent.closed || silent.ended, "a close");
  const connection = await secure(limited);
  await connection.send(new TextEncoder().encode("in"));
  for await (const _ of connection) break;
  assert.equal(limited.stats().connectionsActive, 1);
  assert.deepEqual(rejected, []);
});

it("a Unix socket's peers have no address: options about addresses are refused, the rate of all is not (F-23)", async (t) => {
  const place = new Virtual(t);
  const given = {
    maxConnectionsPerAddress: 1,
    acceptRatePerAddress: { perSecond: 1 },
    addressPrefix: {},
    allow: ["10.0.0.0/8"],
    deny: [],
  };
  const server = (options: object) =>
    serve(
      {
        path: "/run/millrace-admission.sock",
        framing: lines(),
        onFrame: () => {},
        adapter: place.adapter,
        clock: place.clock,
        logger: () => {},
        ...options,
      } as Parameters<typeof serve>[0],
    );
  const error = await rejection(server(given));
  assert.ok(error instanceof OptionsError);
  assert.deepEqual(error.issues.map(({ path }) => path).sort(), Object.keys(given).sort());
});

it("every fault in the options of admission is told at once, with its path (F-23)", async () => {
  const error = await rejection(serve({
    port: 0,
    framing: lines(),
    onFrame: () => {},
    maxConnectionsPerAddress: 1.5,
    acceptRate: { perSecond: 0 },
    acceptRatePerAddress: { perSecond: 1, burst: 0.5, brust: 3 } as never,
    addressPrefix: { ipv4: 33, ipv6: 8 },
    allow: "10.0.0.0/8" as never,
    deny: ["10.0.0.1/8", "nobody"],
    farewell: 7 as never,
  }));
  assert.ok(error instanceof OptionsError);
  assert.deepEqual(error.issues.map(({ path }) => path).sort(), [
    "acceptRate.perSecond",
    "acceptRatePerAddress.brust",
    "acceptRatePerAddress.burst",
    "addressPrefix.ipv4",
    "addressPrefix.ipv6",
    "allow",
    "deny[0]",
    "deny[1]",
    "farewell",
    "maxConnectionsPerAddress",
  ]);
});
