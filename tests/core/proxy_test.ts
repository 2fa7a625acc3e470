// PROXY protocol headers: read as strictly as they are specified, however they arrive, and written as they are read.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32c } from "../../src/core/checksum/checksums.ts";
import { readProxyHeader } from "../../src/core/proxy/proxy_header.ts";
import { TlvType, v2Signature } from "../../src/core/proxy/proxy_info.ts";
import type { ProxyHeader, ProxyReading } from "../../src/core/proxy/proxy_reading.ts";
import { writeProxyV1, writeProxyV2 } from "../../src/core/proxy/proxy_writer.ts";
import { bytes } from "../support/frames.ts";

const most = 4096;

function v2(
  command: number,
  family: number,
  body: readonly number[] | Uint8Array,
  length = body.length,
): Uint8Array {
  return Uint8Array.of(...v2Signature, command, family, length >> 8, length & 255, ...body);
}

const ipv4 = [192, 0, 2, 1, 198, 51, 100, 2, 0x12, 0x34, 1, 187];
const tlv = (type: number, value: readonly number[] | Uint8Array): number[] => [
  type,
  value.length >> 8,
  value.length & 255,
  ...value,
];

/** With the right checksum in its last four bytes. */
function summed(header: Uint8Array): Uint8Array {
  const zeroed = header.slice();
  zeroed.fill(0, header.length - 4);
  new DataView(zeroed.buffer).setUint32(header.length - 4, crc32c(zeroed));
  return zeroed;
}

/** Reads bytes that arrive one by one, and all that come behind them. */
function readByteByByte(header: Uint8Array): ProxyReading {
  for (let end = 0; end < header.length; end++) {
    const reading = readProxyHeader(header.subarray(0, end), most);
    if (reading.kind !== "more") return reading;
  }
  return readProxyHeader(header, most);
}

function headerOf(data: Uint8Array): ProxyHeader {
  const reading = readProxyHeader(data, most);
  assert.equal(reading.kind, "header", JSON.stringify(reading));
  return (reading as Extract<ProxyReading, { kind: "header" }>).header;
}

function faultOf(data: Uint8Array, limit = most): string {
  const reading = readProxyHeader(data, limit);
  return reading.kind === "fault" ? reading.fault : reading.kind;
}

const source = { ip: "192.0.2.1", port: 0x1234 };
const destination = { ip: "198.51.100.2", port: 443 };

const good: readonly (readonly [name: string, data: Uint8Array, expected: Partial<ProxyHeader>])[] = [
  ["TCP4", bytes("PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n"), {
    version: 1,
    local: false,
    source,
    destination,
  }],
  [
    "TCP6",
    bytes("PROXY TCP6 2001:DB8::1 2001:db8:0:0:0:0:0:2 0 65535\r\n"),
    { source: { ip: "2001:db8::1", port: 0 }, destination: { ip: "2001:db8::2", port: 65535 } },
  ],
  [
    "TCP6 of the longest addresses",
    bytes(`PROXY TCP6 ${"ffff:".repeat(7)}ffff ${"ffff:".repeat(7)}ffff 65535 65535\r\n`),
    { source: { ip: `${"ffff:".repeat(7)}ffff`, port: 65535 } },
  ],
  ["TCP6 that holds IPv4", bytes("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 4660 443\r\n"), {
    source,
    destination,
  }],
  ["UNKNOWN", bytes("PROXY UNKNOWN\r\n"), { version: 1, source: undefined, destination: undefined }],
  [
    "UNKNOWN with 107 bytes",
    bytes(`PROXY UNKNOWN ${"x".repeat(91)}\r\n`),
    { version: 1, source: undefined, destination: undefined },
  ],
  ["IPv4", v2(0x21, 0x11, ipv4), { version: 2, local: false, source, destination, tlvs: [] }],
  ["UDP over IPv4", v2(0x21, 0x12, ipv4), { source, destination }],
  [
    "IPv6",
    v2(0x21, 0x21, [0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 1, ...new Uint8Array(15), 1, 0, 1, 2, 3]),
    { source: { ip: "2001:db8::1", port: 1 }, destination: { ip: "::1", port: 515 } },
  ],
  [
    "Unix",
    v2(
      0x21,
      0x31,
      (() => {
        const paths = new Uint8Array(216);
        paths.set(bytes("/run/client"));
        paths.set(bytes("\0abstract"), 108);
        return paths;
      })(),
    ),
    {
      source: { ip: "", port: 0, path: "/run/client" },
      destination: { ip: "", port: 0, path: "@abstract" },
    },
  ],
  ["UNSPEC", v2(0x21, 0x00, []), { version: 2, local: false, source: undefined, destination: undefined }],
  ["UNSPEC with values", v2(0x21, 0x00, tlv(5, [1, 2])), {
    source: undefined,
    uniqueId: Uint8Array.of(1, 2),
  }],
  ["addresses without a transport", v2(0x21, 0x10, ipv4), { source: undefined }],
  ["LOCAL", v2(0x20, 0x00, []), { version: 2, local: true, source: undefined }],
  ["LOCAL of which the rest makes no sense", v2(0x20, 0xff, [1, 2, 3]), {
    local: true,
    source: undefined,
    tlvs: [],
  }],
  [
    "values",
    v2(0x21, 0x11, [
      ...ipv4,
      ...tlv(TlvType.alpn, bytes("mqtt")),
      ...tlv(TlvType.noop, [0, 0, 0]),
      ...tlv(TlvType.authority, bytes("example.org")),
      ...tlv(TlvType.uniqueId, [1, 2, 3]),
      ...tlv(TlvType.namespace, bytes("blue")),
      ...tlv(0xea, [1, 118, 112, 99]),
      ...tlv(0xea, []),
    ]),
    {
      source,
      alpn: "mqtt",
      authority: "example.org",
      uniqueId: Uint8Array.of(1, 2, 3),
      namespace: "blue",
      tls: undefined,
      tlvs: [
        { type: 0x01, value: bytes("mqtt") },
        { type: 0x02, value: bytes("example.org") },
        { type: 0x05, value: Uint8Array.of(1, 2, 3) },
        { type: 0x30, value: bytes("blue") },
        { type: 0xea, value: Uint8Array.of(1, 118, 112, 99) },
        { type: 0xea, value: new Uint8Array(0) },
      ],
    },
  ],
  [
    "TLS",
    v2(0x21, 0x11, [
      ...ipv4,
      ...tlv(TlvType.ssl, [
        ...[7, 0, 0, 0, 0],
        ...tlv(TlvType.sslVersion, bytes("TLSv1.3")),
        ...tlv(TlvType.sslCommonName, bytes("terminal-7")),
        ...tlv(TlvType.sslCipher, bytes("TLS_AES_256_GCM_SHA384")),
        ...tlv(TlvType.sslSignatureAlgorithm, bytes("SHA256")),
        ...tlv(TlvType.sslKeyAlgorithm, bytes("EC256")),
      ]),
    ]),
    {
      tls: {
        secured: true,
        certificate: true,
        certificateInSession: true,
        verified: true,
        version: "TLSv1.3",
        commonName: "terminal-7",
        cipher: "TLS_AES_256_GCM_SHA384",
        signatureAlgorithm: "SHA256",
        keyAlgorithm: "EC256",
      },
    },
  ],
  [
    "the checksum",
    summed(
      v2(0x21, 0x11, [...ipv4, ...tlv(TlvType.alpn, bytes("h2")), ...tlv(TlvType.crc32c, [0, 0, 0, 0])]),
    ),
    { source, alpn: "h2", tlvs: [{ type: 1, value: bytes("h2") }] },
  ],
];

describe("a PROXY protocol header", () => {
  for (const [name, data, expected] of good) {
    it(`S-36: ${name}: is read, at every split, and what is behind it is left (F-27)`, () => {
      const header = headerOf(data);
      for (const [key, value] of Object.entries(expected)) {
        assert.deepEqual(header[key as keyof ProxyHeader], value, key);
      }
      assert.deepEqual(readByteByByte(data), { kind: "header", header, length: data.length });
      const more = Uint8Array.of(...data, 13, 10, 7, ...data);
      assert.deepEqual(readProxyHeader(more, most), { kind: "header", header, length: data.length });
    });
  }

  const v1Faults: readonly (readonly [line: string, fault: RegExp])[] = [
    ["PROXY \r\n", /malformed/],
    ["PROXY TCP4\r\n", /malformed/],
    ["PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n", /malformed/],
    ["PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n", /malformed/],
    ["PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n", /malformed/],
    ["PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n", /malformed/],
    ["PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n", /malformed/],
    ["PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n", /malformed/],
    ["PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n", /malformed/],
    ["PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n", /malformed/],
    ["PROXY TCP4 ::1 ::2 1 2\r\n", /malformed/],
    ["PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n", /malformed/],
    ["PROXY TCP6 ::1 :::2 1 2\r\n", /malformed/],
    ["PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n", /malformed/],
    ["PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n", /malformed/],
    ["PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n", /malformed/],
    ["PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n", /does not end with CRLF/],
    ["PROXY UNKNOWNX\r\n", /malformed/],
    [`PROXY UNKNOWN ${"x".repeat(92)}\r\n`, /without a line end in 107 bytes/],
    [`PROXY UNKNOWN ${"x".repeat(500)}`, /without a line end in 107 bytes/],
  ];

  it("S-36: of version 1 that is not exactly as specified is a fault (F-27)", () => {
    for (const [line, fault] of v1Faults) {
      assert.match(faultOf(bytes(line)), fault, line);
      assert.match((readByteByByte(bytes(line)) as { fault?: string }).fault ?? "", fault, line);
    }
  });

  const v2Faults: readonly (readonly [name: string, data: Uint8Array, fault: RegExp])[] = [
    ["another version", v2(0x11, 0x11, ipv4), /the version 1/],
    ["another command", v2(0x22, 0x11, ipv4), /the unknown command 2/],
    ["another family", v2(0x21, 0x41, ipv4), /the unknown family 0x41/],
    ["another transport", v2(0x21, 0x13, ipv4), /the unknown family 0x13/],
    ["no room for IPv4", v2(0x21, 0x11, ipv4.slice(1)), /addresses that it has no room for/],
    ["no room for IPv6", v2(0x21, 0x21, new Uint8Array(35)), /addresses that it has no room for/],
    ["no room for paths", v2(0x21, 0x31, new Uint8Array(215)), /addresses that it has no room for/],
    ["a type alone", v2(0x21, 0x11, [...ipv4, 1]), /a value that it has no room for/],
    ["half a length", v2(0x21, 0x11, [...ipv4, 1, 0]), /a value that it has no room for/],
    ["a value beyond the end", v2(0x21, 0x11, [...ipv4, 1, 0, 3, 65, 66]), /a value that it has no room for/],
    ["a wrong checksum", v2(0x21, 0x11, [...ipv4, ...tlv(3, [1, 2, 3, 4])]), /a wrong checksum/],
    ["a short checksum", v2(0x21, 0x11, [...ipv4, ...tlv(3, [1, 2, 3])]), /a checksum of 3 bytes/],
    [
      "two checksums",
      v2(0x21, 0x11, [...ipv4, ...tlv(3, [0, 0, 0, 0]), ...tlv(3, [0, 0, 0, 0])]),
      /two checksums/,
    ],
    ["TLS cut short", v2(0x21, 0x11, [...ipv4, ...tlv(0x20, [1, 0, 0, 0])]), /about TLS/],
    [
      "a part of TLS too long",
      v2(0x21, 0x11, [...ipv4, ...tlv(0x20, [1, 0, 0, 0, 0, 0x21, 0, 9])]),
      /about TLS/,
    ],
  ];

  it("S-36: of version 2 that is not exactly as specified is a fault (F-27)", () => {
    for (const [name, data, fault] of v2Faults) {
      assert.match(faultOf(data), fault, name);
      assert.match((readByteByByte(data) as { fault?: string }).fault ?? "", fault, name);
    }
  });

  it("S-36: whose checksum covers another byte is a fault, whichever byte it is (F-27)", () => {
    const right = summed(v2(0x21, 0x11, [...ipv4, ...tlv(5, [9, 9]), ...tlv(TlvType.crc32c, [0, 0, 0, 0])]));
    assert.equal(headerOf(right).source?.ip, "192.0.2.1");
    for (let at = 16; at < right.length; at++) {
      // The type of the checksum itself: with another one there is none.
      if (at === right.length - 7) continue;
      const wrong = right.slice();
      wrong[at]! ^= 1;
      assert.notEqual(readProxyHeader(wrong, most).kind, "header", `byte ${at}`);
    }
  });

  it("S-36: longer than the limit is a fault before it has come (F-27)", () => {
    assert.match(faultOf(v2(0x21, 0x11, [], 500), 515), /516 bytes, over the limit of 515/);
    assert.equal(faultOf(v2(0x21, 0x11, [], 500), 516), "more");
  });

  it("S-36: is none as soon as a byte is not of one (F-27)", () => {
    for (
      const text of [
        "X",
        "PROXX",
        "PROXY\tTCP4",
        "GET / HTTP/1.1",
        "\r\n\r\n\0\r\nQUIU",
        "\x16\x03\x01",
        "\n",
      ]
    ) {
      assert.equal(readProxyHeader(bytes(text), most).kind, "none", JSON.stringify(text));
    }
    for (const text of ["", "P", "PROXY", "\r", "\r\n\r\n\0\r\nQUIT"]) {
      assert.equal(readProxyHeader(bytes(text), most).kind, "more", JSON.stringify(text));
    }
  });

  it("S-36: of a client without a certificate says that none was verified (F-27)", () => {
    for (
      const [client, result, verified] of [[1, 0, false], [3, 0, true], [5, 0, true], [7, 1, false]] as const
    ) {
      const header = headerOf(v2(0x21, 0x11, [...ipv4, ...tlv(TlvType.ssl, [client, 0, 0, 0, result])]));
      assert.equal(header.tls?.verified, verified, `${client} ${result}`);
    }
  });

  it("S-36: with any byte changed, cut off or put in is read, waited for or refused, and nothing else (F-27)", () => {
    // Linear congruence: the same numbers in each run.
    let state = 20_261_127;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const kinds = new Set<string>();
    for (const [name, data] of good) {
      for (let round = 0; round < 300; round++) {
        const changed = [...data];
        for (let n = 1 + random(3); n > 0; n--) {
          const at = random(changed.length);
          if (random(3) > 0) changed[at] = random(256);
          else changed.splice(at, random(2), ...Array.from({ length: random(3) }, () => random(256)));
        }
        const bytes = Uint8Array.from(
          changed.slice(0, random(2) === 0 ? changed.length : random(changed.length)),
        );
        const reading = readProxyHeader(bytes, most);
        kinds.add(reading.kind);
        assert.deepEqual(readProxyHeader(bytes.slice(), most), reading, name);
        if (reading.kind !== "header") continue;
        assert.ok(reading.length <= bytes.length, name);
        // What is behind a header makes no other one of it.
        assert.deepEqual(readProxyHeader(bytes.subarray(0, reading.length), most), reading, name);
        for (const end of [reading.header.source, reading.header.destination]) {
          assert.ok(end === undefined || (end.port >= 0 && end.port <= 65_535), name);
        }
      }
    }
    assert.deepEqual([...kinds].sort(), ["fault", "header", "more", "none"]);
  });

  it("S-36: has no texts of bytes that are not UTF-8, which two names could share (F-27)", () => {
    const header = headerOf(v2(0x21, 0x11, [
      ...ipv4,
      ...tlv(TlvType.authority, [0xff, 0xfe]),
      ...tlv(TlvType.ssl, [1, 0, 0, 0, 1, ...tlv(TlvType.sslCommonName, [0x61, 0xff])]),
    ]));
    assert.equal(header.authority, undefined);
    assert.deepEqual([header.tls?.commonName, header.tls?.secured, header.tls?.verified], [
      undefined,
      true,
      false,
    ]);
    assert.deepEqual(header.tlvs[0], { type: 2, value: Uint8Array.of(0xff, 0xfe) });
  });
});

describe("a PROXY protocol header that is written", () => {
  const ends = [
    [source, destination],
    [{ ip: "2001:db8::1", port: 1 }, { ip: "::2", port: 2 }],
    [{ ip: "2001:db8::1", port: 1 }, { ip: "192.0.2.7", port: 2 }],
  ] as const;

  it("is read as what it was (F-27)", () => {
    for (const [source, destination] of ends) {
      for (
        const header of [writeProxyV1({ source, destination }), writeProxyV2({ source, destination }, [])]
      ) {
        const read = headerOf(header);
        assert.deepEqual([read.source, read.destination, read.local], [source, destination, false]);
      }
    }
    const unix = { ip: "", port: 0, path: "/run/a.sock" };
    assert.deepEqual(headerOf(writeProxyV2({ source: unix, destination: unix }, [])).source, unix);
    assert.deepEqual(headerOf(writeProxyV1("unknown")), headerOf(bytes("PROXY UNKNOWN\r\n")));
    assert.equal(headerOf(writeProxyV2("local", [])).local, true);
    const unknown = headerOf(writeProxyV2("unknown", [{ type: TlvType.alpn, value: bytes("mqtt") }]));
    assert.deepEqual([unknown.local, unknown.source, unknown.alpn], [false, undefined, "mqtt"]);
  });

  it("has its values, and a checksum that holds (F-27)", () => {
    const tlvs = [{ type: 0xe4, value: Uint8Array.of(1, 2) }, { type: TlvType.alpn, value: bytes("mqtt") }];
    const header = writeProxyV2({ source, destination }, tlvs);
    const read = headerOf(header);
    assert.deepEqual([read.tlvs, read.alpn], [tlvs, "mqtt"]);
    header[header.length - 1]! ^= 1;
    assert.match(faultOf(header), /a wrong checksum/);
  });
});
