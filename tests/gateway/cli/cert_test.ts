// millrace cert: files that fit together, private keys that stay private, and nothing overwritten by accident.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { generate } from "selfsigned";
import { makeAuthority as makeOwn } from "../../../src/gateway/development_certificates.ts";
import { runProgram } from "../../../src/gateway/cli/program.ts";
import { checkSigner } from "../../../src/host/certificate_pair.ts";
import { type Cleaner, runMillrace } from "../../support/program.ts";
import { makeAuthority } from "../../support/certificates.ts";
import { memoryShell } from "./memory_shell.ts";
import { it } from "../../support/it.ts";

const dayMs = 86_400_000;

function temporary(t: Cleaner): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-cert-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the command in this process; gives the exit code and what was said. */
async function cert(folder: string, ...args: string[]): Promise<[code: number, out: string, err: string]> {
  const shell = memoryShell();
  const code = await runProgram(["cert", "--out", folder, ...args], shell);
  return [code, shell.output.text, shell.errors.text];
}

function read(folder: string, name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

function pairIn(folder: string, stem: string): ReturnType<typeof checkSigner>["certificate"] {
  const pair = { cert: read(folder, `${stem}.crt`), key: read(folder, `${stem}.key`) };
  return checkSigner(pair, Date.now(), { cert: stem, key: stem }).certificate;
}

function isSignedBy(folder: string, stem: string, ca = "ca"): boolean {
  const [own, signer] = [stem, ca].map((name) => new X509Certificate(read(folder, `${name}.crt`)));
  return own!.checkIssued(signer!) && own!.verify(signer!.publicKey);
}

describe("millrace cert", () => {
  it("makes a CA and a certificate for localhost, and says what to type next", async (t) => {
    const folder = temporary(t);
    const { code, out, err } = await runMillrace(t, ["cert", "--out", join(folder, "deep/certs")]);
    assert.deepEqual([code, err], [0, ""]);
    const certs = join(folder, "deep/certs");
    assert.deepEqual(readdirSync(certs).sort(), ["ca.crt", "ca.key", "localhost.crt", "localhost.key"]);
    const own = pairIn(certs, "localhost");
    assert.deepEqual(own.subjectAltNames, ["DNS:localhost", "IP Address:127.0.0.1", "IP Address:::1"]);
    const ca = pairIn(certs, "ca");
    assert.equal(own.issuer, ca.subject);
    assert.match(ca.subject, /^CN=Millrace development CA [0-9a-f]{8}$/);
    assert.ok(isSignedBy(certs, "localhost"));
    assert.equal(new X509Certificate(read(certs, "ca.crt")).ca, true);
    assert.ok(Math.abs(own.validTo - Date.now() - 365 * dayMs) < dayMs);
    for (const wanted of ["ca.crt", "ca.key", "localhost.crt", "localhost.key"]) {
      assert.ok(out.includes(join(certs, wanted)), wanted);
    }
    assert.match(
      out,
      /\nNext\n {2}millrace serve .*--tls --cert \S+localhost\.crt --key \S+localhost\.key\n/,
    );
    assert.doesNotMatch(out, /PRIVATE KEY/);
  });

  it("makes keys that only their owner can read", async (t) => {
    const folder = temporary(t);
    await cert(folder, "--client", "terminal-7");
    for (const name of readdirSync(folder)) {
      const mode = statSync(join(folder, name)).mode & 0o777;
      assert.equal(mode & 0o077, name.endsWith(".key") ? 0 : mode & 0o077, name);
      if (name.endsWith(".key")) assert.equal(mode, 0o600, name);
    }
    await cert(folder, "--client", "terminal-7", "--force");
    assert.equal(statSync(join(folder, "terminal-7.key")).mode & 0o777, 0o600);
  });

  it("keeps the CA and signs with it what is made later", async (t) => {
    const folder = temporary(t);
    assert.equal((await cert(folder, "--ca"))[0], 0);
    assert.deepEqual(readdirSync(folder).sort(), ["ca.crt", "ca.key"]);
    const before = read(folder, "ca.crt");
    assert.equal(
      (await cert(folder, "--name", "*.example.org", "Example.ORG", "192.0.2.1", "--days", "30"))[0],
      0,
    );
    const [code, out] = await cert(folder, "--client", "terminal-7");
    assert.equal(code, 0);
    assert.equal(read(folder, "ca.crt"), before);
    assert.doesNotMatch(out.split("Next")[0]!, /ca\.crt/);
    const server = pairIn(folder, "_.example.org");
    assert.deepEqual(server.subjectAltNames, [
      "DNS:*.example.org",
      "DNS:example.org",
      "IP Address:192.0.2.1",
    ]);
    assert.ok(server.validTo <= Date.now() + 30 * dayMs);
    const client = pairIn(folder, "terminal-7");
    assert.equal(client.subject, "CN=terminal-7");
    assert.ok(isSignedBy(folder, "_.example.org") && isSignedBy(folder, "terminal-7"));
    // A client's certificate is no server's, and the other way round.
    const uses = (stem: string): string[] => {
      const bytes = new X509Certificate(read(folder, `${stem}.crt`)).raw.toString("hex");
      return ["serverAuth", "clientAuth"].filter((_, at) => bytes.includes(`2b0601050507030${at + 1}`));
    };
    assert.deepEqual([uses("_.example.org"), uses("terminal-7")], [["serverAuth"], ["clientAuth"]]);
  });

  it("names the keys of the CA and of what it signs, by which strict peers find the one with the other", async (t) => {
    const folder = temporary(t);
    await cert(folder);
    const der = (stem: string): string =>
      new X509Certificate(read(folder, `${stem}.crt`)).raw.toString("hex");
    const subjectKey = (stem: string): string => /0603551d0e041604(14[0-9a-f]{40})/.exec(der(stem))![1]!;
    const authorityKey = (stem: string): string =>
      /0603551d230418301680(14[0-9a-f]{40})/.exec(der(stem))![1]!;
    assert.equal(authorityKey("localhost"), subjectKey("ca"));
    assert.equal(authorityKey("ca"), subjectKey("ca"));
    assert.notEqual(subjectKey("localhost"), subjectKey("ca"));
  });

  it("signs with a CA of any usual kind that it finds in the folder", async (t) => {
    const kinds = [
      { keyType: "rsa", keySize: 2048 },
      { keyType: "ec", curve: "P-384" },
    ] as const;
    for (const kind of kinds) {
      const folder = temporary(t);
      const name = [{ name: "organizationName", value: "Müller, Söhne" }, {
        name: "commonName",
        value: "Own CA",
      }];
      const extensions = [{ name: "basicConstraints", cA: true, critical: true } as const];
      const own = await generate(name, { ...kind, algorithm: "sha256", extensions });
      writeFileSync(join(folder, "ca.crt"), own.cert);
      writeFileSync(join(folder, "ca.key"), own.private);
      assert.deepEqual((await cert(folder))[0], 0, kind.keyType);
      const [made, signer] = ["localhost", "ca"].map((stem) =>
        new X509Certificate(read(folder, `${stem}.crt`))
      );
      assert.ok(made!.verify(signer!.publicKey), kind.keyType);
      assert.equal(pairIn(folder, "localhost").issuer, pairIn(folder, "ca").subject);
    }
  });

  it("makes certificates that are valid beyond 2049, where dates are written in another way", () => {
    const [from, to] = [Date.UTC(2049, 11, 31), Date.UTC(2051, 0, 2, 3, 4, 5)];
    const made = makeOwn({ from, to: to + 999 });
    const { validFrom, validTo } = checkSigner(made, from, { cert: "cert", key: "key" }).certificate;
    assert.deepEqual([validFrom, validTo], [from, to]);
    assert.equal(Date.parse(new X509Certificate(made.cert).validTo), to);
  });

  it("overwrites nothing without --force, and then the pair but not the CA", async (t) => {
    const folder = temporary(t);
    await cert(folder);
    const before = Object.fromEntries(readdirSync(folder).map((name) => [name, read(folder, name)]));
    const [code, out, err] = await cert(folder);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(
      err,
      /^millrace: write \S+localhost\.crt: it already exists; .*--out, or --force to replace it\n$/,
    );
    for (const [name, text] of Object.entries(before)) assert.equal(read(folder, name), text);
    assert.equal((await cert(folder, "--ca"))[0], 1);
    assert.equal((await cert(folder, "--force"))[0], 0);
    assert.equal(read(folder, "ca.key"), before["ca.key"]);
    assert.notEqual(read(folder, "localhost.key"), before["localhost.key"]);
    assert.ok(isSignedBy(folder, "localhost"));
    assert.equal((await cert(folder, "--ca", "--force"))[0], 0);
    assert.notEqual(read(folder, "ca.key"), before["ca.key"]);
    assert.equal(isSignedBy(folder, "localhost"), false);
    assert.deepEqual(readdirSync(folder).sort(), Object.keys(before).sort());
  });

  it("says what is wrong with a CA that it cannot use, and writes nothing", async (t) => {
    const folder = temporary(t);
    const past = await makeAuthority("Old CA", { to: Date.now() - dayMs });
    const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
    write("ca.crt", past.cert);
    const cases: [string, RegExp][] = [
      ["", /ca\.key: found nothing;/],
      ["x", /ca\.key: found no PEM text;/],
      [(await makeAuthority()).key, /ca\.key: found a key that does not belong to/],
      [past.key, /ca\.crt: found a certificate that expired on/],
    ];
    for (const [key, expected] of cases) {
      write("ca.key", key);
      const [code, , err] = await cert(folder);
      assert.equal(code, 1);
      assert.match(err, expected);
      assert.match(err, /or make a new CA with --ca --force\n$/);
    }
    rmSync(join(folder, "ca.key"));
    assert.match((await cert(folder))[2], /ENOENT.*; or make a new CA with --ca --force\n$/);
    assert.deepEqual(readdirSync(folder), ["ca.crt"]);
  });

  const faults: [string, string[], RegExp][] = [
    ["a name that is none", ["--name", "a b"], /--name: found "a b", expected the name of a server/],
    ["an address that is none", ["--name", "300.1.1.1"], /--name: found "300\.1\.1\.1"/],
    ["a client with a path", ["--client", "../x"], /--client: found "\.\.\/x", expected letters/],
    ["a client called ca", ["--client", "CA"], /found "ca", expected names that differ/],
    [
      "a client called as the server",
      ["--name", "x", "--client", "x"],
      /found "x", expected names that differ/,
    ],
    ["--ca with a name", ["--ca", "--name", "x"], /--ca cannot be combined with --name or --client/],
    ["no days", ["--days", "0"], /--days.*expected a whole number, 1 to 825/],
    ["too many days", ["--days", "826"], /--days.*expected a whole number, 1 to 825/],
  ];
  for (const [what, args, expected] of faults) {
    it(`refuses ${what} and writes nothing`, async (t) => {
      const folder = temporary(t);
      const [code, out, err] = await cert(folder, ...args);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, expected);
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  it("tells of a folder that cannot be written", async (t) => {
    const folder = temporary(t);
    writeFileSync(join(folder, "file"), "");
    const [code, , err] = await cert(join(folder, "file"));
    assert.equal(code, 1);
    assert.match(err, /^millrace: write .*\.key: .*(?:ENOTDIR|EEXIST)/);
  });
});
