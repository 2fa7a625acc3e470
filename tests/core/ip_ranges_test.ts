import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { OptionsCheck } from "../../src/core/options.ts";
import { ipFamily, ipWords, readIp } from "../../src/core/text/ip.ts";
import { readIpRange } from "../../src/core/text/ip_range.ts";
import { checkIpRanges, IpRanges, ipRanges } from "../../src/core/text/ip_ranges.ts";

/** The address as one number, undefined for none. */
function numberOf(text: string): bigint | undefined {
  const words = ipWords();
  if (readIp(text, words) === undefined) return undefined;
  return words.reduce((all, word) => (all << 32n) | BigInt(word), 0n);
}

const mapped = 0xffffn << 32n;

describe("an IP address as text", () => {
  const table: readonly (readonly [text: string, value: bigint, family: 4 | 6])[] = [
    ["0.0.0.0", mapped, 4],
    ["1.2.3.4", mapped | 0x01020304n, 4],
    ["255.255.255.255", mapped | 0xffffffffn, 4],
    ["::ffff:1.2.3.4", mapped | 0x01020304n, 4],
    ["::FFFF:0102:0304", mapped | 0x01020304n, 4],
    ["0:0:0:0:0:ffff:1.2.3.4", mapped | 0x01020304n, 4],
    ["::", 0n, 6],
    ["::1", 1n, 6],
    ["::1.2.3.4", 0x01020304n, 6],
    ["64:ff9b::192.0.2.33", (0x64ff9bn << 96n) | 0xc0000221n, 6],
    ["1:2:3:4:5:6:7:8", 0x00010002000300040005000600070008n, 6],
    ["1:2:3:4:5:6:7::", 0x00010002000300040005000600070000n, 6],
    ["::2:3:4:5:6:7:8", 0x00000002000300040005000600070008n, 6],
    ["1::8", (1n << 112n) | 8n, 6],
    ["2001:DB8:0::00Ff", (0x20010db8n << 96n) | 0xffn, 6],
    ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", (1n << 128n) - 1n, 6],
    ["8000::", 1n << 127n, 6],
  ];

  it("is four words, of IPv4 those of its mapped form", () => {
    for (const [text, value, family] of table) {
      assert.equal(numberOf(text), value, text);
      const words = ipWords().fill(7);
      assert.equal(readIp(text, words), family, text);
      assert.equal(ipFamily(words), family, text);
    }
  });

  it("is none where a runtime would never write it so", () => {
    const others = [
      ...[
        "",
        ".",
        "1",
        "1.2.3",
        "1.2.3.4.",
        ".1.2.3.4",
        "1.2.3.4.5",
        "01.2.3.4",
        "1.2.3.256",
        "1.2.3.0000",
        "1..2.3",
      ],
      ...["1.2.3.a", "1.2.3.-1", "1.2.3.4 ", " 1.2.3.4", "１.2.3.4", "localhost", "1.2.3.4/8", "1.2.3.4:80"],
      ...[
        ":",
        ":::",
        "1:",
        ":1",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8:",
        "1:2:3:4:5:6:7:8::",
      ],
      ...[
        "::1:2:3:4:5:6:7:8",
        "1::2::3",
        "12345::",
        "g::",
        "::1%lo",
        "[::1]",
        "::1 ",
        "::1.2.3",
        "::1.2.3.4:5",
      ],
      ...["1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4.", "::01.2.3.4", "1.2.3.4::", "::/64", "::\u00e0"],
    ];
    for (const text of others) assert.equal(readIp(text, ipWords()), undefined, JSON.stringify(text));
  });
});

describe("a range of addresses", () => {
  const fault = (input: unknown): string => {
    const range = readIpRange(input);
    return range.ok ? "" : `${range.expected}; ${range.hint ?? ""}`;
  };

  it("is refused with what to write instead", () => {
    const rows: readonly (readonly [unknown, RegExp])[] = [
      ["10.1.0.0/8", /first 8 are zero; for all of the range write "10\.0\.0\.0\/8", .* leave out \/8/],
      ["10.0.0.1/31", /write "10\.0\.0\.0\/31"/],
      ["2001:db8::1/32", /write "2001:db8::\/32"/],
      ["::1/127", /write "::\/127"/],
      ["10.0.0.0/33", /prefix of 0 to 32 bits/],
      ["10.0.0.0/08", /prefix of 0 to 32 bits/],
      ["::/129", /prefix of 0 to 128 bits/],
      ["::ffff:0:0/95", /prefix of 96 to 128 bits/],
      ["10.0.0.0/", /an IP address or a range such as/],
      ["10.0.0.0/8/8", /an IP address or a range/],
      ["10.0.0/8", /an IP address or a range/],
      ["10.0.0.0/-8", /an IP address or a range/],
      ["10.0.0.0/0008", /an IP address or a range/],
      [" 10.0.0.0/8", /an IP address or a range/],
      ["[::1]", /leave out brackets and zone/],
      ["fe80::1%eth0", /leave out brackets and zone/],
      ["localhost", /an IP address or a range/],
      ["", /an IP address or a range/],
      [undefined, /an IP address or a range/],
      [8, /an IP address or a range/],
      [["::1"], /an IP address or a range/],
    ];
    for (const [input, expected] of rows) assert.match(fault(input), expected, JSON.stringify(input));
  });

  it("begins at its prefix and ends where the prefix does", () => {
    const rows: readonly (readonly [range: string, inside: readonly string[], outside: readonly string[]])[] =
      [
        ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], [
          "9.255.255.255",
          "11.0.0.0",
          "::10.1.2.3",
        ]],
        ["192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127", "192.0.3.0"]],
        ["192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8"]],
        ["192.0.2.7/32", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8"]],
        ["128.0.0.0/1", ["128.0.0.0", "255.255.255.255"], ["127.255.255.255"]],
        ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::", "::1", "2001:db8::"]],
        ["::/0", ["::", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], ["1.2.3.4", "::ffff:1.2.3.4"]],
        ["::ffff:10.0.0.0/104", ["10.0.0.0", "10.255.255.255"], ["11.0.0.0"]],
        ["::ffff:10.0.0.1", ["10.0.0.1"], ["10.0.0.2"]],
        ["2001:db8::/32", ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"], [
          "2001:db7::",
          "2001:db9::",
        ]],
        ["2001:db8::/33", ["2001:db8:7fff::1"], ["2001:db8:8000::"]],
        ["2001:db8:0:0:8000::/65", ["2001:db8::8000:0:0:1"], ["2001:db8::7fff:0:0:1", "2001:db8:0:1::"]],
        ["::1", ["::1", "0:0:0:0:0:0:0:1"], ["::", "::2", "1.2.3.4"]],
      ];
    for (const [range, inside, outside] of rows) {
      const ranges = ipRanges(range);
      for (const ip of inside) assert.equal(ranges.has(ip), true, `${ip} in ${range}`);
      for (const ip of outside) assert.equal(ranges.has(ip), false, `${ip} not in ${range}`);
      for (const ip of ["", "x", "10.0.0", "::1%lo"]) {
        assert.equal(ranges.has(ip), false, `${ip} in ${range}`);
      }
    }
  });
});

describe("a set of ranges", () => {
  it("holds what one of its ranges holds, and nothing else", () => {
    // Linear congruence: the same numbers in each run.
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const v4 = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
    const v6 = (high: number, low: number): string =>
      `2001:${(high >>> 16).toString(16)}:${(high & 0xffff).toString(16)}::${(low & 0xffff).toString(16)}`;
    for (let round = 0; round < 20; round++) {
      const texts: string[] = [];
      const tests: ((ip: string) => boolean)[] = [];
      for (let n = random(40); n > 0; n--) {
        const bits = 4 + random(29);
        const first = (random(2 ** 32) & (bits === 32 ? -1 : ~(0xffffffff >>> bits))) >>> 0;
        texts.push(`${v4(first)}/${bits}`);
        const size = 2n ** BigInt(32 - bits);
        const from = mapped | BigInt(first);
        tests.push((ip) => numberOf(ip)! >= from && numberOf(ip)! < from + size);
        const wide = 16 + random(33);
        const high = (random(2 ** 32) & ~Math.floor((2 ** 32 - 1) / 2 ** (wide - 16))) >>> 0;
        texts.push(`${v6(high, 0)}/${wide}`);
        const start = numberOf(v6(high, 0))!;
        const end = start + 2n ** BigInt(128 - wide);
        tests.push((ip) => numberOf(ip)! >= start && numberOf(ip)! < end);
      }
      const ranges = ipRanges(...texts);
      for (let n = 0; n < 200; n++) {
        for (const ip of [v4(random(2 ** 32)), v6(random(2 ** 32), random(3))]) {
          assert.equal(ranges.has(ip), tests.some((holds) => holds(ip)), `${ip} in ${texts.join(" ")}`);
        }
      }
    }
  });

  it("is empty without ranges", () => {
    for (const none of [ipRanges(), new IpRanges([])]) {
      assert.equal(none.has("1.2.3.4"), false);
      assert.equal(none.has("::"), false);
    }
  });

  it("of an option names each fault by its place", () => {
    const check = new OptionsCheck();
    const ranges = checkIpRanges(check, "proxy.from", ["::1", "10.0.0.1/8", "x"]);
    assert.equal(ranges.has("::1"), true);
    assert.throws(() => check.done(), (error: unknown) => {
      assert.ok(error instanceof OptionsError);
      assert.deepEqual(error.issues.map(({ path, found }) => [path, found]), [
        ["proxy.from[1]", "10.0.0.1/8"],
        ["proxy.from[2]", "x"],
      ]);
      return true;
    });
    for (const list of ["10.0.0.0/8", undefined, {}]) {
      const other = new OptionsCheck();
      checkIpRanges(other, "from", list);
      assert.throws(() => other.done(), /from: .*a list of IP addresses and ranges/);
    }
    assert.throws(() => ipRanges("10.0.0.0/8", "10.0.0.1/8"), OptionsError);
  });
});
