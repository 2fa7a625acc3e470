// Certificates in real files, replaced in the ways that tools replace them.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import type { Certificates, CertificateSource } from "../../src/core/tls/certificate_options.ts";
import { certificates } from "../../src/certificates/certificates.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import { within } from "../contract/within.ts";
import { type Pair, serverPair } from "../support/certificates.ts";
import { it } from "../support/it.ts";

interface Folder {
  readonly path: string;
  readonly logs: LogRecord[];
  open(source: CertificateSource, pollInterval?: "Infinity" | number): Promise<Certificates>;
}

type Cleaner = { after(cleanup: () => unknown): void };

/** A folder of the test's own, and certificates that are closed with it. */
function folder(t: Cleaner): Folder {
  const path = mkdtempSync(join(tmpdir(), "millrace-tls-"));
  const logs: LogRecord[] = [];
  const open = async (source: CertificateSource, pollInterval: "Infinity" | number = "Infinity") => {
    const set = certificates({ a: source }, { pollInterval, logger: (record) => void logs.push(record) });
    await set.open();
    t.after(() => set.close());
    return set;
  };
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return { path, logs, open };
}

/** Resolves when this pair has gone into service. */
async function inService(set: Certificates, pair: Pair): Promise<void> {
  const changed = new Promise<void>((resolve) => {
    const look = (): void => void (set.material.key.trim() === pair.key.trim() && resolve());
    set.onChange(look);
    look();
  });
  await within(changed, () => "a new certificate to go into service");
  assert.equal(set.material.cert.trim(), pair.cert.trim());
}

describe("certificates in files (F-31)", () => {
  it("S-25: three pairs written over each other in place are all seen", async (t) => {
    const { path, open } = folder(t);
    const put = ({ cert, key }: Pair): void => {
      writeFileSync(join(path, "a.crt"), cert);
      writeFileSync(join(path, "a.key"), key);
    };
    put(await serverPair());
    const set = await open({ certFile: join(path, "a.crt"), keyFile: join(path, "a.key") });
    for (let round = 1; round <= 3; round++) {
      const pair = await serverPair();
      put(pair);
      await inService(set, pair);
      assert.equal(set.inspect()[0]!.rotations, round);
    }
  });

  it("S-25: three pairs moved into place are all seen", async (t) => {
    const { path, open } = folder(t);
    const put = (pair: Pair): void => {
      for (const part of ["cert", "key"] as const) {
        writeFileSync(join(path, `${part}.new`), pair[part]);
        renameSync(join(path, `${part}.new`), join(path, `${part}.pem`));
      }
    };
    put(await serverPair());
    const set = await open({ certFile: join(path, "cert.pem"), keyFile: join(path, "key.pem") });
    for (let round = 1; round <= 3; round++) {
      const pair = await serverPair();
      put(pair);
      await inService(set, pair);
      assert.equal(set.inspect()[0]!.rotations, round);
    }
  });

  it("follows a link that is turned to another folder, as secrets in a cluster are", async (t) => {
    const { path, open } = folder(t);
    const put = (version: string, { cert, key }: Pair): void => {
      mkdirSync(join(path, version));
      writeFileSync(join(path, version, "tls.crt"), cert);
      writeFileSync(join(path, version, "tls.key"), key);
      symlinkSync(version, join(path, "..new"));
      renameSync(join(path, "..new"), join(path, "..data"));
    };
    put("..1", await serverPair());
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(join("..data", name), join(path, name));
    const set = await open({ certFile: join(path, "tls.crt"), keyFile: join(path, "tls.key") });
    for (const version of ["..2", "..3"]) {
      const pair = await serverPair();
      put(version, pair);
      await inService(set, pair);
    }
    assert.equal(set.inspect()[0]!.rotations, 2);
  });

  it("finds the files again after their folder was replaced by another one", async (t) => {
    const { path, open } = folder(t);
    const put = (name: string, { cert, key }: Pair): void => {
      mkdirSync(join(path, name));
      writeFileSync(join(path, name, "a.pem"), cert + key);
    };
    put("live", await serverPair());
    const file = join(path, "live", "a.pem");
    const set = await open({ certFile: file, keyFile: file }, 50);
    const second = await serverPair();
    put("next", second);
    renameSync(join(path, "live"), join(path, "old"));
    renameSync(join(path, "next"), join(path, "live"));
    await inService(set, second);
    const third = await serverPair();
    writeFileSync(file, third.cert + third.key);
    await inService(set, third);
  });

  it("waits for the second file, however long it takes, and logs what is refused meanwhile", async (t) => {
    const { path, logs, open } = folder(t);
    const [certFile, keyFile] = [join(path, "a.crt"), join(path, "a.key")];
    const [first, second] = [await serverPair(), await serverPair()];
    writeFileSync(certFile, first.cert);
    writeFileSync(keyFile, first.key);
    let told: () => void = () => {};
    const refused = new Promise<void>((resolve) => told = resolve);
    const set = await open({ certFile, keyFile });
    const push = logs.push.bind(logs);
    logs.push = (record) => {
      if (record.message === "certificate refused") told();
      return push(record);
    };
    writeFileSync(certFile, second.cert);
    await within(refused, () => "the half pair to be refused");
    assert.equal(set.material.key.trim(), first.key.trim());
    assert.equal(set.inspect()[0]!.refused?.reason, "material");
    writeFileSync(keyFile, second.key);
    await inService(set, second);
    assert.equal(set.inspect()[0]!.refused, undefined);
  });

  it("refuses to start with a folder or a file of another kind in place of a certificate", async (t) => {
    const { path, open } = folder(t);
    const { cert, key } = await serverPair();
    const [certFile, keyFile] = [join(path, "a.crt"), join(path, "a.key")];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    await assert.rejects(open({ certFile: path, keyFile }), {
      reason: "material",
      message: /not a regular file/,
    });
    await assert.rejects(open({ certFile, keyFile: join(path, "none.key") }), {
      reason: "material",
      message: /^use .*none\.key: found no readable file \(.*ENOENT.*\); check the path and its permissions$/,
    });
    writeFileSync(certFile, "x".repeat(1024 * 1024 + 1));
    await assert.rejects(open({ certFile, keyFile }), {
      reason: "material",
      message: /larger than 1048576 bytes/,
    });
  });
});
