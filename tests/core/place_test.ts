import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isIp, pathFault, peerName, readHost } from "../../src/core/text/place.ts";
import { serverName } from "../../src/core/text/server_name.ts";

/** As written, and in the one form; undefined where it is refused. */
const table: readonly (readonly [text: string, host: string | undefined])[] = [
  ["127.0.0.1", "127.0.0.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["0.0.0.0", "0.0.0.0"],
  ["::", "::"],
  ["[::1]", "::1"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["2001:DB8::0001:0", "2001:db8::1:0"],
  ["::ffff:127.0.0.1", "127.0.0.1"],
  ["[::FFFF:7f00:1]", "127.0.0.1"],
  ["fe80::1%lo", "fe80::1%lo"],
  ["[FE80::0:1%eth0.5]", "fe80::1%eth0.5"],
  ["localhost", "localhost"],
  ["LocalHost", "localhost"],
  ["example.org.", "example.org."],
  ["my_service", "my_service"],
  ["bücher.example", "xn--bcher-kva.example"],
  ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  ["3com.example", "3com.example"],
  ["a.1b", "a.1b"],
  ["127.0.0.01", undefined],
  ["127.0.0.256", undefined],
  ["127.0.0.1.", undefined],
  ["127.1", undefined],
  ["2130706433", undefined],
  ["0x7f000001", undefined],
  ["0x7f.1", undefined],
  ["１２７.0.0.1", undefined],
  ["1.2.3.4.5", undefined],
  ["127.0.0.1:80", undefined],
  ["[127.0.0.1]", undefined],
  ["[::1", undefined],
  ["[::1]:80", undefined],
  ["[[::1]]", undefined],
  ["[]", undefined],
  [":::", undefined],
  ["1::2::3", undefined],
  ["::1%lo", undefined],
  ["fe80::1", undefined],
  ["fe80::1%", undefined],
  ["fe80::1%1", undefined],
  ["fe80::1%a%b", undefined],
  ["::1/64", undefined],
  ["*", undefined],
  ["*.example.org", undefined],
  ["", undefined],
  [" ", undefined],
  [" localhost", undefined],
  ["localhost ", undefined],
  ["local\thost", undefined],
  ["local\nhost", undefined],
  ["localhost\0.example.org", undefined],
  ["\0", undefined],
  [".", undefined],
  [".example", undefined],
  ["a..b", undefined],
  ["a.b..", undefined],
  ["-a.example", undefined],
  ["a-.example", undefined],
  [`${"a".repeat(64)}.example`, undefined],
  [Array.from({ length: 64 }, () => "abc").join("."), undefined],
  ["user@example.org", undefined],
  ["example.org/path", undefined],
  ["bücher.example/path", undefined],
  ["bücher@example", undefined],
  ["büch%65r.example", undefined],
  ["http://example.org", undefined],
  ["\ud800.example", undefined],
];

describe("a host as a program writes it", () => {
  it("S-55: has one form, or is refused with what is accepted", () => {
    for (const [text, host] of table) {
      const read = readHost(text);
      assert.equal(read.ok ? read.value : undefined, host, JSON.stringify(text));
      assert.ok(read.ok || read.expected.length > 5, JSON.stringify(text));
    }
    for (const value of [undefined, null, 1, {}, ["::1"]]) assert.equal(readHost(value).ok, false);
  });

  it("S-55: in its one form is left as it is", () => {
    for (const [, host] of table) {
      if (host !== undefined) assert.deepEqual(readHost(host), { ok: true, value: host });
    }
  });

  it("S-55: says for each kind of mistake what to write", () => {
    const wanted: readonly [string, RegExp][] = [
      ["*", /"::" for every address.*"0\.0\.0\.0"/],
      ["127.0.0.01", /four numbers, 0 to 255 without leading zeros/],
      ["::1%lo", /without a zone/],
      ["fe80::1", /with its zone, such as "fe80::1%eth0"/],
      ["fe80::1%1", /the name of a network interface/],
      ["[::1]:80", /an IPv6 address such as "::1", without a port/],
      ["127.0.0.1:80", /a host without a port/],
      ["example.org:80", /a host without a port/],
      ["a b", /a host name of letters/],
    ];
    for (const [text, expected] of wanted) {
      const read = readHost(text);
      assert.match(read.ok ? "" : read.expected, expected);
    }
  });

  it("is known for an address or a name", () => {
    for (const address of ["::", "127.0.0.1", "fe80::1%lo"]) assert.equal(isIp(address), true);
    for (const name of ["localhost", "1.example", "1234.5678.9.10"]) assert.equal(isIp(name), false);
  });
});

describe("the name that a certificate must be for", () => {
  it("S-48: has A-labels, and no dot at the end and no zone", () => {
    const rows: readonly [string, string | undefined][] = [
      ["Example.ORG.", "example.org"],
      ["bücher.example.", "xn--bcher-kva.example"],
      ["[::1]", "::1"],
      ["fe80::1%eth0", "fe80::1"],
      ["127.0.0.1", "127.0.0.1"],
      ["*.example.org", undefined],
      ["a\0b.example", undefined],
      ["", undefined],
    ];
    for (const [text, name] of rows) assert.equal(peerName(text), name, text);
  });

  it("S-48: is none where a URL would cut it off", () => {
    for (const text of ["bü/x.example", "bü?.example", "bü:80", "ü@x.example"]) {
      assert.equal(serverName(text), undefined, text);
    }
  });
});

describe("a path", () => {
  it("S-48: is empty, has a zero byte, or is too long in bytes", () => {
    assert.equal(pathFault("/run/a.sock", 107), undefined);
    assert.match(pathFault("", 107) ?? "", /empty/);
    assert.match(pathFault("/run/a\0.sock", 107) ?? "", /zero byte/);
    assert.equal(pathFault("x".repeat(107), 107), undefined);
    assert.match(pathFault("ü".repeat(54), 107) ?? "", /108 bytes, and 107 is the maximum/);
    assert.equal(pathFault("x".repeat(500), undefined), undefined);
  });
});
