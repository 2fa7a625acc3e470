// Certificates of a server: which one is shown to whom, and how one takes another's place.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import type { TlsMaterial } from "../../src/core/tls/tls.ts";
import { TlsError } from "../../src/core/tls/tls_error.ts";
import type { CertificatesOptions, CertificateSource } from "../../src/core/tls/certificate_options.ts";
import { certificates } from "../../src/certificates/certificates.ts";
import { CertificateStage } from "../support/certificate_host.ts";
import { pairsByKind } from "../support/certificate_kinds.ts";
import { type Pair, serverPair, testAuthority } from "../support/certificates.ts";

const dayMs = 86_400_000;

/** Which of these pairs it is, by its key. */
function which(material: TlsMaterial | undefined, pairs: Readonly<Record<string, Pair>>): string | undefined {
  return Object.keys(pairs).find((name) => pairs[name]!.key.trim() === material?.key.trim());
}

/** A stage with one certificate in `/tls/a.crt` and `/tls/a.key`, and those that may follow it. */
async function inFiles(options: CertificatesOptions = {}) {
  const stage = new CertificateStage();
  const pairs = { one: await serverPair("a.example"), two: await serverPair("a.example") };
  const put = (pair: Pair): void => {
    stage.files.write("/tls/a.crt", pair.cert);
    stage.files.write("/tls/a.key", pair.key);
  };
  put(pairs.one);
  const set = stage.set({ a: { certFile: "/tls/a.crt", keyFile: "/tls/a.key" } }, options);
  await set.open();
  // The look that follows the start is over.
  await stage.clock.advanceAsync(1_000);
  const current = (): string | undefined => which(set.material, pairs);
  return { stage, pairs, put, set, current };
}

describe("certificates by server name (F-31)", () => {
  it("goes by the exact name, then by a star for one label, then to the default", async () => {
    const stage = new CertificateStage();
    const pairs = {
      main: await serverPair("example.org"),
      shop: await serverPair("shop.example.org"),
      wild: await serverPair("*.example.org"),
    };
    const set = stage.set(pairs, { default: "main" });
    await set.open();
    const cases: [string, string | undefined][] = [
      ["example.org", "main"],
      ["shop.example.org", "shop"],
      ["SHOP.Example.ORG.", "shop"],
      ["other.example.org", "wild"],
      // A star stands for one label, neither two nor none.
      ["a.b.example.org", undefined],
      ["org", undefined],
      ["unknown.test", undefined],
      ["", undefined],
      [".", undefined],
      [".example.org", "wild"],
    ];
    for (const [name, expected] of cases) assert.equal(which(set.select(name), pairs), expected, name);
    assert.equal(which(set.material, pairs), "main");
    assert.equal(set.several, true);
    await set.close();
  });

  it("takes names from the option before those in certificates, and the first where two certificates agree", async () => {
    const stage = new CertificateStage();
    const pairs = {
      first: await serverPair("a.example", "b.example"),
      second: await serverPair("a.example", "c.example"),
      third: await serverPair("b.example"),
    };
    const set = stage.set({
      ...pairs,
      third: { ...pairs.third, serverNames: ["B.example", "GRÖßE.example"] },
    });
    await set.open();
    assert.equal(which(set.select("a.example"), pairs), "first");
    assert.equal(which(set.select("b.example"), pairs), "third");
    assert.equal(which(set.select("c.example"), pairs), "second");
    assert.equal(which(set.select("xn--gre-6ka8i.example"), pairs), "third");
    // Clients will not believe the second name of the third.
    assert.deepEqual(stage.told(), ["certificate is not for the names it is used for: third"]);
    assert.deepEqual(stage.logs.find(({ level }) => level === "warn")?.fields.serverNames, [
      "xn--gre-6ka8i.example",
    ]);
    await set.close();
  });

  it("wants to be told what a certificate without names is for, unless it is the default", async () => {
    const ca = await testAuthority();
    const bare = await ca.sign({ subject: "bare" });
    const named = await serverPair("a.example");
    const alone = new CertificateStage().set({ bare });
    await alone.open();
    await alone.close();
    await assert.rejects(new CertificateStage().set({ named, bare }).open(), {
      name: "TlsError",
      reason: "material",
      message:
        "use bare.cert: found a certificate without DNS names; set serverNames to the names that it is for",
    });
  });

  it("tells what is in service as data", async () => {
    const stage = new CertificateStage();
    const pairs = { main: await serverPair("a.example"), other: await serverPair("*.b.example") };
    const set = stage.set(pairs);
    assert.deepEqual(set.inspect(), []);
    await set.open();
    const [main, other] = set.inspect();
    assert.equal(main!.subject, "CN=a.example");
    assert.equal(main!.issuer, "CN=Test CA");
    assert.match(main!.fingerprint256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    assert.deepEqual(
      [main!.name, main!.isDefault, main!.source, main!.rotations, main!.refusals, main!.refused],
      ["main", true, "text", 0, 0, undefined],
    );
    assert.deepEqual([other!.isDefault, other!.serverNames], [false, ["*.b.example"]]);
    assert.deepEqual([...set.expires.keys()], ["main", "other"]);
    assert.equal(set.expires.get("main"), main!.validTo);
    assert.ok(Math.abs(main!.validTo - Date.now() - 90 * dayMs) < dayMs);
    await set.close();
  });
});

describe("options of certificates", () => {
  const cases: [string, Record<string, unknown>, CertificatesOptions, RegExp][] = [
    ["nothing", {}, {}, /at least one certificate/],
    ["no source", { a: {} }, {}, /a: found "none of them", expected one of \{ cert, key \}/],
    ["two sources", { a: { cert: "x", key: "y", certFile: "z" } }, {}, /a: found "parts of several"/],
    ["half a pair", { a: { cert: "x" } }, {}, /a\.key: found "nothing", expected PEM text/],
    ["half the files", { a: { keyFile: "x" } }, {}, /a\.certFile: found "nothing"/],
    [
      "a misspelt part",
      { a: { cert: "x", kye: "SECRET" } },
      {},
      /a\.kye: found "string".*did you mean key\?/,
    ],
    ["text for a pair", { a: "SECRET" }, {}, /a: found "string", expected \{ cert, key \}/],
    [
      "an address for a name",
      { a: { cert: "x", key: "y", serverNames: ["127.0.0.1"] } },
      {},
      /serverNames\[0\]/,
    ],
    ["a star alone", { a: { cert: "x", key: "y", serverNames: ["*"] } }, {}, /serverNames\[0\]/],
    [
      "a star in a label",
      { a: { cert: "x", key: "y", serverNames: ["a*.example"] } },
      {},
      /serverNames\[0\]/,
    ],
    ["no names", { a: { cert: "x", key: "y", serverNames: [] } }, {}, /serverNames: found \[\]/],
    [
      "one name twice",
      {
        a: { cert: "x", key: "y", serverNames: ["s.example"] },
        b: { cert: "x", key: "y", serverNames: ["S.example"] },
      },
      {},
      /b\.serverNames: found "s\.example", expected a name that is not also one of a/,
    ],
    [
      "an unknown default",
      { a: { cert: "x", key: "y" } },
      { default: "b" },
      /default: found "b", expected one of a/,
    ],
    ["a refresh of text", { a: { cert: "x", key: "y", refresh: 1 } }, {}, /a\.refresh.*needs load/],
    ["a timer too long", { a: { load: () => ({}), refresh: "30 days" } }, {}, /a\.refresh.*at most 24 days/],
    ["a load that is none", { a: { load: "x" } }, {}, /a\.load: found "x", expected a function/],
    ["no polling time", { a: { cert: "x", key: "y" } }, { pollInterval: 0 }, /pollInterval: found 0/],
  ];
  for (const [what, sources, options, expected] of cases) {
    it(`refuses ${what}`, () => {
      const refused = (error: unknown): boolean => {
        assert.ok(error instanceof OptionsError);
        assert.match(error.message, expected);
        assert.doesNotMatch(error.message, /SECRET/);
        return true;
      };
      assert.throws(() => certificates(sources as Record<string, CertificateSource>, options), refused);
    });
  }
});

describe("starting with certificates", () => {
  const faults: [string, (pair: Pair) => Promise<Pair> | Pair, RegExp][] = [
    [
      "a key of another certificate",
      async ({ cert }) => ({ cert, key: (await serverPair("x.example")).key }),
      /^use \/tls\/a\.key: found a key that does not belong to the certificate in \/tls\/a\.crt \(CN=a\.example\)/,
    ],
    [
      "a certificate that has expired",
      async () => await (await testAuthority()).sign({ names: ["a.example"], to: Date.now() - 60_000 }),
      /^use \/tls\/a\.crt: found a certificate that expired on \d{4}-.*; renew it$/,
    ],
    [
      "a certificate that is not yet valid",
      async () => await (await testAuthority()).sign({ names: ["a.example"], from: Date.now() + dayMs }),
      /^use \/tls\/a\.crt: found a certificate that is valid only from \d{4}-/,
    ],
    [
      "half a certificate",
      ({ cert, key }) => ({ cert: cert.slice(0, 200), key }),
      /PEM block without its end/,
    ],
    ["half a key", ({ cert, key }) => ({ cert, key: key.slice(0, 100) }), /PEM block without its end/],
    [
      "an empty file",
      ({ key }) => ({ cert: "", key }),
      /found nothing; expected a block "BEGIN CERTIFICATE"/,
    ],
    [
      "the two files swapped",
      ({ cert, key }) => ({ cert: key, key: cert }),
      /\/tls\/a\.crt: found "PRIVATE KEY"; expected a block "BEGIN CERTIFICATE"/,
    ],
    [
      "DER in place of PEM",
      ({ key }) => ({ cert: "0\u0082\u0001", key }),
      /found no PEM text; .* openssl x509 -inform der/,
    ],
    [
      "a chain in the wrong order",
      async ({ cert, key }) => ({ cert: (await testAuthority()).cert + cert, key }),
      /found the certificate of the key only at position 2, after CN=Test CA; put the server's own certificate first/,
    ],
    [
      "an encrypted key",
      ({ cert, key }) => ({ cert, key: key.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY") }),
      /found a key that is encrypted with a passphrase; decrypt it once with: openssl pkey/,
    ],
    [
      "a damaged certificate",
      ({ cert, key }) => ({ cert: cert.replace(/\n.{8}/, "\nAAAAAAAA"), key }),
      /found a damaged certificate at position 1 .*; copy the whole file again/,
    ],
    [
      "a damaged key",
      ({ cert, key }) => ({ cert, key: key.replace(/\n.{8}/, "\nAAAAAAAA") }),
      /found a key that this runtime cannot read/,
    ],
  ];
  for (const [what, make, expected] of faults) {
    it(`rejects for ${what}, and says what to do`, async () => {
      const stage = new CertificateStage();
      const pair = await make(await serverPair("a.example"));
      stage.files.write("/tls/a.crt", pair.cert);
      stage.files.write("/tls/a.key", pair.key);
      const set = stage.set({ a: { certFile: "/tls/a.crt", keyFile: "/tls/a.key" } });
      await assert.rejects(set.open(), (error) => {
        assert.ok(error instanceof TlsError);
        assert.equal(error.reason, "material");
        assert.match(error.message, expected);
        assert.doesNotMatch(error.message, /\n|BEGIN PRIVATE/);
        return true;
      });
      assert.equal(stage.clock.pendingTimers, 0);
      assert.equal(stage.files.watchers, 0);
      assert.throws(() => set.material, { name: "TlsError", reason: "material" });
    });
  }

  for (const kind of ["p521", "ed25519", "rsa"]) {
    it(`takes a key of the kind ${kind}`, async () => {
      const set = new CertificateStage().set({ a: pairsByKind[kind]! });
      await set.open();
      assert.deepEqual(set.inspect()[0]!.serverNames, [`${kind}.example`]);
      await set.close();
    });
  }

  for (const kind of ["rsa-pss", "ed448", "secp256k1"]) {
    it(`rejects for a key of the kind ${kind}, with which some runtime shakes no hands`, async () => {
      const set = new CertificateStage().set({ a: pairsByKind[kind]! });
      await assert.rejects(set.open(), (error) => {
        assert.ok(error instanceof TlsError);
        assert.match(
          error.message,
          /^use a\.key: found a key (?:of the kind|that this runtime cannot read).*EC P-256/,
        );
        return true;
      });
    });
  }

  it("rejects for a file that is not there, and can be tried again", async () => {
    const stage = new CertificateStage();
    const pair = await serverPair("a.example");
    stage.files.write("/tls/a.crt", pair.cert);
    const set = stage.set({ a: { certFile: "/tls/a.crt", keyFile: "/tls/a.key" } });
    await assert.rejects(set.open(), {
      reason: "material",
      message: "use /tls/a.key: found no readable file (ENOENT); check the path and its permissions",
    });
    stage.files.write("/tls/a.key", pair.key);
    await set.open();
    assert.equal(set.material.key, pair.key);
    await set.close();
  });

  it("tells all faults of several certificates at once", async () => {
    const stage = new CertificateStage();
    const { cert, key } = await serverPair("a.example");
    const set = stage.set({ a: { cert, key: "" + cert }, b: { cert: key, key } });
    await assert.rejects(set.open(), { reason: "material", message: /^use a\.key: .*; use b\.cert: / });
  });

  it("passes on nothing but certificates and the key, in their order", async () => {
    const pair = await serverPair("a.example");
    const { cert: root } = await testAuthority();
    const text = `Bag Attributes\n${pair.key}subject=CN = a\n${pair.cert}# root\r\n${
      root.replaceAll("\n", "\r\n")
    }`;
    const set = new CertificateStage().set({ a: { cert: text, key: text } });
    await set.open();
    const trimmed = (pem: string): string => pem.trim() + "\n";
    assert.deepEqual(set.material, { cert: trimmed(pair.cert) + trimmed(root), key: trimmed(pair.key) });
    await set.close();
  });
});

describe("rotation from files (F-31)", () => {
  it("never puts half a pair in service, whichever file comes first and however late the second one is", async () => {
    for (const [first, second] of [["crt", "key"], ["key", "crt"]] as const) {
      for (const gap of [0, 50, 500, 60_000]) {
        const { stage, pairs, set, current } = await inFiles();
        const text = { crt: pairs.two.cert, key: pairs.two.key };
        stage.files.write(`/tls/a.${first}`, text[first]);
        await stage.clock.advanceAsync(gap);
        assert.equal(current(), "one");
        stage.files.write(`/tls/a.${second}`, text[second]);
        await stage.clock.advanceAsync(2_000);
        assert.equal(current(), "two", `${first} first, then ${gap} ms`);
        assert.deepEqual(set.material, {
          cert: pairs.two.cert.trim() + "\n",
          key: pairs.two.key.trim() + "\n",
        });
        // Only a half that stays is worth a record.
        assert.deepEqual(stage.told(), gap < 1_000 ? [] : ["certificate refused: a"]);
        await set.close();
      }
    }
  });

  it("refuses a pair that does not match with one record, keeps the old one, and takes the next good one", async () => {
    const { stage, pairs, set, put, current } = await inFiles();
    put({ cert: pairs.two.cert, key: (await serverPair("x.example")).key });
    await stage.clock.advanceAsync(5 * 60_000);
    assert.equal(current(), "one");
    assert.deepEqual(stage.told(), ["certificate refused: a"]);
    const record = stage.logs.at(-1)!;
    assert.deepEqual([record.level, record.fields.reason], ["error", "material"]);
    assert.match(String(record.fields.error), /^use \/tls\/a\.key: found a key that does not belong/);
    const [inspected] = set.inspect();
    assert.equal(inspected!.refusals, 1);
    assert.equal(inspected!.refused?.message, record.fields.error);
    put(pairs.two);
    await stage.clock.advanceAsync(100);
    assert.equal(current(), "two");
    const after = set.inspect()[0]!;
    assert.deepEqual([after.refused, after.rotations, after.refusals], [undefined, 1, 1]);
    assert.ok(after.since > inspected!.since);
    await set.close();
  });

  it("keeps the old pair while the new one is missing or in pieces", async () => {
    const { stage, pairs, set, put, current } = await inFiles();
    stage.files.remove("/tls/a.key");
    await stage.clock.advanceAsync(20_000);
    assert.equal(current(), "one");
    stage.files.write("/tls/a.key", pairs.one.key.slice(0, 80));
    await stage.clock.advanceAsync(20_000);
    assert.equal(current(), "one");
    assert.equal(set.inspect()[0]!.refusals, 2);
    put(pairs.one);
    await stage.clock.advanceAsync(100);
    assert.equal(set.inspect()[0]!.refused, undefined);
    assert.equal(set.inspect()[0]!.rotations, 0);
    await set.close();
  });

  it("S-25: sees three rotations in a row, of the default and of another one, and each is told once", async () => {
    const stage = new CertificateStage();
    const names = ["main", "shop"];
    const series = await Promise.all(
      names.map((name) => Promise.all(Array.from({ length: 4 }, () => serverPair(`${name}.example`)))),
    );
    const put = (round: number): void =>
      names.forEach((name, at) => {
        stage.files.write(`/tls/${name}.crt`, series[at]![round]!.cert);
        stage.files.write(`/tls/${name}.key`, series[at]![round]!.key);
      });
    put(0);
    const files = (name: string) => ({ certFile: `/tls/${name}.crt`, keyFile: `/tls/${name}.key` });
    const set = stage.set({ main: files("main"), shop: files("shop") });
    await set.open();
    const changes: string[] = [];
    set.onChange(({ name, isDefault, material }) => {
      changes.push(`${name} ${isDefault}`);
      assert.equal(material, isDefault ? set.material : set.select(`${name}.example`));
    });
    for (const round of [1, 2, 3]) {
      put(round);
      await stage.clock.advanceAsync(100);
      assert.equal(set.material.key, series[0]![round]!.key);
      assert.equal(set.select("main.example"), set.material);
      assert.equal(set.select("shop.example")?.key, series[1]![round]!.key);
      assert.deepEqual(changes.splice(0).sort(), ["main true", "shop false"]);
    }
    assert.deepEqual(set.inspect().map(({ rotations }) => rotations), [3, 3]);
    assert.deepEqual(stage.told(), []);
    await set.close();
  });

  it("follows the names in the certificate when they change with it", async () => {
    const { stage, set, put } = await inFiles();
    put(await serverPair("b.example"));
    await stage.clock.advanceAsync(100);
    assert.equal(set.select("a.example"), undefined);
    assert.equal(set.select("b.example"), set.material);
    await set.close();
  });

  it("finds within pollInterval what the file system does not tell, and reads only what has changed", async () => {
    const { stage, pairs, set, current } = await inFiles({ pollInterval: "1 minute" });
    const before = stage.files.reads;
    await stage.clock.advanceAsync(10 * 60_000);
    assert.equal(stage.files.reads, before);
    stage.files.write("/tls/a.crt", pairs.two.cert, true);
    stage.files.write("/tls/a.key", pairs.two.key, true);
    await stage.clock.advanceAsync(60_000);
    assert.equal(current(), "two");
    await set.close();
  });

  it("watches the folder that takes the place of the one it watched", async () => {
    const { stage, pairs, set, put, current } = await inFiles();
    stage.files.replaceFolders();
    await stage.clock.advanceAsync(10_000);
    put(pairs.two);
    await stage.clock.advanceAsync(100);
    assert.equal(current(), "two");
    await set.close();
  });

  it("says once that a folder cannot be watched, and goes on by looking", async () => {
    const stage = new CertificateStage();
    stage.files.watchFault = new Error("ENOSPC");
    const pairs = { one: await serverPair("a.example"), two: await serverPair("a.example") };
    stage.files.write("/tls/a.pem", pairs.one.cert + pairs.one.key);
    const set = stage.set({ a: { certFile: "/tls/a.pem", keyFile: "/tls/a.pem" } });
    await set.open();
    await stage.clock.advanceAsync(60_000);
    assert.deepEqual(stage.told(), ["certificate files cannot be watched, only polled: a"]);
    stage.files.write("/tls/a.pem", pairs.two.cert + pairs.two.key);
    await stage.clock.advanceAsync(10_000);
    assert.equal(which(set.material, pairs), "two");
    await set.close();
  });

  it("takes a certificate that was not yet valid when its time has come", async () => {
    const { stage, set, put } = await inFiles();
    const from = Math.floor(stage.clock.wallTime() / 1000) * 1000 + 60_000;
    const early = await (await testAuthority()).sign({ names: ["a.example"], from });
    put(early);
    await stage.clock.advanceAsync(30_000);
    assert.notEqual(set.material.key, early.key);
    await stage.clock.advanceAsync(45_000);
    assert.equal(set.material.key, early.key);
    assert.deepEqual(stage.told(), ["certificate refused: a"]);
    await set.close();
  });

  it("leaves no timer and no watcher behind, and rotates no more, once the last user has closed it", async () => {
    const { stage, pairs, set, put, current } = await inFiles();
    await set.open();
    await set.close();
    assert.ok(stage.clock.pendingTimers > 0);
    put(pairs.two);
    await set.close();
    await set.close();
    assert.equal(stage.clock.pendingTimers, 0);
    assert.equal(stage.files.watchers, 0);
    await stage.clock.advanceAsync(60_000);
    assert.equal(current(), "one");
    assert.throws(() => set.rotate("a", pairs.two), { reason: "material" });
    assert.deepEqual(await set.reload(), { rotated: [], unchanged: [], refused: [] });
    await set.open();
    assert.equal(current(), "two");
    await set.close();
  });
});
