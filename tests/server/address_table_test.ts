// What is remembered of addresses, and how little of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressKeys } from "../../src/server/address_keys.ts";
import { AddressTable, mostIdle } from "../../src/server/address_table.ts";
import { Bans, mostBans } from "../../src/server/bans.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";

const million = 1_000_000;
const ipv4 = (n: number) => `${10 + (n >>> 24)}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;

test("an IPv6 address counts as its network, an IPv4 one as itself, in whatever form it comes (F-23)", () => {
  const keys = new AddressKeys({ ipv4: 32, ipv6: 64 });
  const of = (...ips: string[]) => ips.map((ip) => keys.of(ip));
  assert.deepEqual(of("192.0.2.7", "::ffff:192.0.2.7"), ["192.0.2.7", "192.0.2.7"]);
  assert.deepEqual(
    of("2001:db8:0:1::1", "2001:DB8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::1"),
    ["2001:db8:0:1::/64", "2001:db8:0:1::/64", "2001:db8:0:2::/64"],
  );
  assert.deepEqual(of("::1", "", "nobody"), ["::/64", undefined, undefined]);
  const wide = new AddressKeys({ ipv4: 24, ipv6: 48 });
  assert.deepEqual([wide.of("192.0.2.7"), wide.of("2001:db8:1:ffff::9")], [
    "192.0.2.0/24",
    "2001:db8:1::/48",
  ]);
  const odd = new AddressKeys({ ipv4: 9, ipv6: 33 });
  assert.deepEqual([odd.of("192.255.2.7"), odd.of("2001:db8:ffff::1")], [
    "192.128.0.0/9",
    "2001:db8:8000::/33",
  ]);
  assert.equal(new AddressKeys({ ipv4: 32, ipv6: 128 }).of("2001:db8::0:9"), "2001:db8::9");
});

test("a million addresses that connect once leave no more than the maximum, and nothing once their time is over (F-23)", () => {
  const table = new AddressTable({ perMs: 0.001, burst: 1 });
  for (let n = 0; n < million; n++) {
    const key = ipv4(n);
    assert.ok(table.allows(key, 0));
    table.take(key, 0);
    if (n % 10_000 === 0) assert.ok(table.size <= mostIdle, String(table.size));
  }
  assert.equal(table.size, mostIdle);
  // The last ones are known, the first ones forgotten.
  assert.equal(table.allows(ipv4(million - 1), 0), false);
  assert.equal(table.allows(ipv4(0), 0), true);
  table.forget(999);
  assert.equal(table.size, mostIdle);
  table.forget(1_000);
  assert.equal(table.size, 0);
});

test("a million connections of as many addresses are counted, and nothing is left when they are gone (F-23)", () => {
  const table = new AddressTable(undefined);
  for (let n = 0; n < million; n++) table.enter(ipv4(n), 0);
  assert.equal(table.size, million);
  assert.equal(table.open(ipv4(12_345)), 1);
  for (let n = 0; n < million; n++) table.leave(ipv4(n), 0);
  assert.equal(table.size, 0);
});

test("an address that keeps trying is not forgotten before its time, and holds up no other's (F-23)", () => {
  const table = new AddressTable({ perMs: 0.001, burst: 2 });
  table.take("192.0.2.1", 0);
  table.take("192.0.2.1", 0);
  table.take("192.0.2.2", 10);
  for (let now = 100; now < 900; now += 100) assert.equal(table.allows("192.0.2.1", now), false);
  assert.equal(table.allows("192.0.2.1", 1_000), true);
  table.forget(1_999);
  assert.equal(table.size, 2);
  table.forget(2_010);
  assert.equal(table.size, 0);
});

test("an address with a connection keeps what is left of its rate, and longer than the connection (F-23)", () => {
  const table = new AddressTable({ perMs: 0.001, burst: 1 });
  table.take("192.0.2.1", 0);
  table.enter("192.0.2.1", 0);
  assert.equal(table.allows("192.0.2.1", 500), false);
  table.leave("192.0.2.1", 500);
  assert.equal(table.allows("192.0.2.1", 500), false);
  assert.equal(table.allows("192.0.2.1", 1_000), true);
  table.enter("192.0.2.1", 1_000);
  table.leave("192.0.2.1", 1_500);
  assert.equal(table.size, 0);
});

test("bans end on the clock, replace one another, and are bounded: the one that ends first makes room (F-23)", () => {
  const clock = new FakeClock();
  const bans = new Bans(clock);
  assert.equal(bans.add("192.0.2.1", 1_000, { reason: "spam" }), undefined);
  assert.ok(bans.has("192.0.2.1"));
  clock.advance(999);
  assert.ok(bans.has("192.0.2.1"));
  bans.count("192.0.2.1");
  const [shown] = bans.inspect();
  assert.deepEqual(
    { ...shown, until: shown!.until - clock.wallTime() },
    { ...shown, address: "192.0.2.1", reason: "spam", until: 1, rejected: 1 },
  );
  clock.advance(1);
  assert.equal(bans.has("192.0.2.1"), false);
  assert.ok(bans.empty);
  for (let n = 0; n < mostBans; n++) bans.add(ipv4(n), 10_000 + n, {});
  assert.equal(bans.add(ipv4(7), 60_000, {}), undefined);
  assert.equal(bans.add(ipv4(million), 60_000, {}), ipv4(0));
  assert.equal(bans.inspect().length, mostBans);
  assert.equal(bans.lift(ipv4(0)), false);
  assert.equal(bans.lift(ipv4(1)), true);
  clock.advance(20_000);
  assert.deepEqual(bans.inspect().map(({ address }) => address).sort(), [ipv4(7), ipv4(million)].sort());
  assert.equal(bans.lift(ipv4(2)), false);
});
