// What a certificate says, read from its bytes, alike on every runtime.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { peerCertificate } from "../../src/adapters/tls/peer_certificate.ts";
import { isCutOff, readPem } from "../../src/core/tls/pem.ts";
import { serverName } from "../../src/core/text/server_name.ts";
import { dnsNames, readCertificate } from "../../src/core/tls/x509.ts";
import { makeAuthority, testAuthority } from "../support/certificates.ts";

const none = new Uint8Array(32);

/** A value of DER. */
function der(tag: number, ...parts: (Uint8Array | readonly number[] | string)[]): Uint8Array {
  const bytes = parts.flatMap((part) =>
    typeof part === "string" ? [...new TextEncoder().encode(part)] : [...part]
  );
  const { length } = bytes;
  const size = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...size, ...bytes]);
}

const attribute = (id: readonly number[], value: Uint8Array) => der(0x31, der(0x30, der(0x06, id), value));
const commonName = [0x55, 0x04, 0x03];
const times = der(0x30, der(0x17, "700101000000Z"), der(0x18, "20991231235959Z"));

/** The parts of a certificate that are read; its key and its signature are not. */
function certificate(
  given: { subject?: Uint8Array; serial?: Uint8Array; times?: Uint8Array; alt?: Uint8Array },
) {
  const { subject = der(0x30), serial = der(0x02, [1]), alt } = given;
  const extensions = alt === undefined
    ? []
    : [der(0xa3, der(0x30, der(0x30, der(0x06, [0x55, 0x1d, 0x11]), der(0x04, der(0x30, alt)))))];
  const algorithm = der(0x30);
  const tbs = der(
    0x30,
    der(0xa0, der(0x02, [2])),
    serial,
    algorithm,
    der(0x30),
    given.times ?? times,
    subject,
    der(0x30),
    ...extensions,
  );
  return der(0x30, tbs, algorithm, der(0x03, [0]));
}

describe("certificates of peers", () => {
  it("are read as the runtime's own library reads them (F-30)", async () => {
    const ca = await testAuthority();
    const pair = await ca.sign({
      subject: "terminal-7",
      names: ["a.example", "*.b.example", "192.0.2.1", "2001:db8::1"],
    });
    for (const pem of [ca.cert, pair.cert]) {
      const native = new X509Certificate(pem);
      const read = peerCertificate(native.raw)!;
      assert.equal(read.subject, native.subject);
      assert.equal(read.issuer, "CN=Test CA");
      // Deno leaves out leading zeros.
      assert.equal(BigInt(`0x${read.serialNumber}`), BigInt(`0x${native.serialNumber}`));
      assert.equal(read.fingerprint256, native.fingerprint256);
      assert.equal(read.validFrom, Date.parse(native.validFrom));
      assert.equal(read.validTo, Date.parse(native.validTo));
    }
    const read = peerCertificate(new X509Certificate(pair.cert).raw)!;
    assert.deepEqual(read.subjectAltNames, [
      "DNS:a.example",
      "DNS:*.b.example",
      "IP Address:192.0.2.1",
      "IP Address:2001:db8::1",
    ]);
    assert.deepEqual(dnsNames(read), ["a.example", "*.b.example"]);
  });

  it("keep each alternative name apart, whatever is written in it", () => {
    const alt = [
      der(0x82, "good.example, DNS:evil.example"),
      der(0x81, "a@b.example"),
      der(0x86, "spiffe://a/b"),
      der(0x87, [10, 0, 0, 1]),
      der(0x87, [1, 2, 3]),
      der(0xa4, der(0x30, attribute(commonName, der(0x0c, "Someone")))),
      der(0xa0, der(0x06, [0x2a, 3])),
      der(0x82, "nul\0.example"),
    ];
    const read = readCertificate(certificate({ alt: Uint8Array.from(alt.flatMap((one) => [...one])) }), none);
    assert.deepEqual(read.subjectAltNames, [
      "DNS:good.example, DNS:evil.example",
      "email:a@b.example",
      "URI:spiffe://a/b",
      "IP Address:10.0.0.1",
      "IP Address:#010203",
      "DirName:CN=Someone",
      "DNS:nul\0.example",
    ]);
    assert.deepEqual(dnsNames(read).map(serverName), [undefined, undefined]);
  });

  it("write names as RFC 4514 does, so that no value can pass for another attribute", () => {
    const cases: [Uint8Array, string][] = [
      [attribute(commonName, der(0x0c, "a, O=b")), "CN=a\\, O=b"],
      [attribute(commonName, der(0x0c, ' "x"+<y>;\\ ')), 'CN=\\ \\"x\\"\\+\\<y\\>\\;\\\\\\ '],
      [attribute(commonName, der(0x0c, "#1")), "CN=\\#1"],
      [attribute(commonName, der(0x0c, "a\0b")), "CN=a\\00b"],
      [attribute(commonName, der(0x0c, "Größe")), "CN=Größe"],
      [attribute(commonName, der(0x14, [0xe9])), "CN=é"],
      [attribute(commonName, der(0x1e, [0x20, 0xac])), "CN=€"],
      [attribute(commonName, der(0x1c, [0, 1, 0xf6, 0])), "CN=😀"],
      [attribute(commonName, der(0x02, [5])), "CN=#05"],
      [attribute([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], der(0x16, "a@b")), "emailAddress=a@b"],
      [attribute([0x88, 0x37, 0x03], der(0x13, "x")), "2.999.3=x"],
    ];
    for (const [name, expected] of cases) {
      assert.equal(readCertificate(certificate({ subject: der(0x30, name) }), none).subject, expected);
    }
    const both = der(
      0x30,
      attribute([0x55, 4, 10], der(0x13, "Example")),
      attribute(commonName, der(0x13, "a")),
    );
    assert.equal(readCertificate(certificate({ subject: both }), none).subject, "CN=a, O=Example");
  });

  it("tell years of two digits from 1950 to 2049, and long serial numbers without their sign", () => {
    const read = readCertificate(certificate({ serial: der(0x02, [0, 0x80, 1]) }), none);
    assert.deepEqual([read.validFrom, read.validTo], [0, Date.UTC(2099, 11, 31, 23, 59, 59)]);
    assert.equal(read.serialNumber, "8001");
    const other = der(0x30, der(0x17, "500101000000Z"), der(0x17, "491231235959Z"));
    const { validFrom, validTo } = readCertificate(certificate({ times: other }), none);
    assert.deepEqual([validFrom, validTo], [Date.UTC(1950, 0), Date.UTC(2049, 11, 31, 23, 59, 59)]);
  });

  it("that are cut off anywhere, or have any byte changed, are read or refused with a RangeError, and never hang", async () => {
    const { cert } = await makeAuthority("Some CA");
    const whole = readPem(cert)[0]!.der!;
    assert.notEqual(peerCertificate(whole), undefined);
    for (let length = 0; length < whole.length; length++) {
      assert.equal(peerCertificate(whole.subarray(0, length)), undefined);
      assert.throws(() => readCertificate(whole.subarray(0, length), none), RangeError);
    }
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0x00, 0x1f, 0x80, 0x84, 0xff]) {
        const changed = whole.slice();
        changed[at] = value;
        try {
          readCertificate(changed, none);
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error));
        }
      }
    }
  });
});

describe("PEM", () => {
  it("is found among other text, and shows what is encrypted, broken or cut off", () => {
    const text =
      "x\r\n-----BEGIN A B-----\r\nAAEC\r\n-----END A B-----\r\ny -----BEGIN C-----\n!\n-----END C-----";
    assert.deepEqual(readPem(text), [
      {
        label: "A B",
        text: "-----BEGIN A B-----\nAAEC\n-----END A B-----\n",
        der: Uint8Array.of(0, 1, 2),
        encrypted: false,
      },
      { label: "C", text: "-----BEGIN C-----\n!\n-----END C-----\n", der: undefined, encrypted: false },
    ]);
    const old =
      "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END EC PRIVATE KEY-----";
    assert.equal(readPem(old)[0]?.encrypted, true);
    assert.equal(readPem(old.replaceAll("EC PRIVATE", "ENCRYPTED PRIVATE"))[0]?.encrypted, true);
    assert.equal(isCutOff(text), false);
    assert.equal(isCutOff(text.slice(0, -4)), false);
    assert.equal(isCutOff(text.slice(0, -15)), true);
    assert.deepEqual(readPem(text.slice(0, 30)), []);
  });

  it("takes time in proportion to its length, whatever it looks like", () => {
    const started = performance.now();
    for (const part of ["-----BEGIN A-----", "-----BEGIN A-----\n-----END B-----", "-----", "- ----"]) {
      assert.deepEqual(readPem(part.repeat(2_000)), []);
    }
    assert.ok(performance.now() - started < 2_000);
  });
});

describe("names of servers", () => {
  const cases: [string, string | undefined][] = [
    ["Example.ORG.", "example.org"],
    ["localhost", "localhost"],
    ["*.example.org", "*.example.org"],
    ["a_b.example", "a_b.example"],
    ["Größe.example", "xn--gre-6ka8i.example"],
    ["*.größe.example", "*.xn--gre-6ka8i.example"],
    ["*", undefined],
    ["*.", undefined],
    ["a*.example", undefined],
    ["*.*.example", undefined],
    ["a..example", undefined],
    ["-a.example", undefined],
    ["a-.example", undefined],
    ["192.0.2.1", undefined],
    ["::1", undefined],
    ["", undefined],
    ["a b", undefined],
    ["a/b", undefined],
    [`${"a".repeat(64)}.example`, undefined],
    [`${"a".repeat(63)}.example`, `${"a".repeat(63)}.example`],
    [`${"a.".repeat(126)}bb`, undefined],
  ];
  for (const [text, expected] of cases) {
    it(`${JSON.stringify(text.slice(0, 20))} is ${expected?.slice(0, 20) ?? "none"}`, () => {
      assert.equal(serverName(text), expected);
    });
  }
});
