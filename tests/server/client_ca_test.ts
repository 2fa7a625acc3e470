// Those who may sign client certificates, in a file that changes while the server runs.
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { TlsClientOptions } from "../../src/connection/tls/options.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { TlsError, type TlsErrorReason } from "../../src/core/tls/tls_error.ts";
import { certificates } from "../../src/certificates/certificates.ts";
import type { TlsServerOptions } from "../../src/connection/tls/options.ts";
import { resolveServer } from "../../src/server/settings.ts";
import { within } from "../contract/within.ts";
import { CertificateStage } from "../support/certificate_host.ts";
import {
  type Authority,
  makeAuthority,
  type Pair,
  serverPair,
  testAuthority,
} from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { Real } from "../support/server.ts";

const text = lines({ encoding: "utf-8" });
const caFile = "/etc/tls/clients.crt";
const dayMs = 86_400_000;

const expired = await makeAuthority("Old", { from: Date.now() - 9 * dayMs, to: Date.now() - dayMs });

/** A set whose file begins with this CA. */
async function staged(first: Pair) {
  const stage = new CertificateStage();
  stage.files.write(caFile, first.cert);
  const set = stage.set({ main: await serverPair() }, { caFile });
  await set.open();
  const told = () =>
    stage.logs.filter(({ message }) => message.startsWith("client CA")).map(({ level, message, fields }) => (
      `${level} ${message} ${fields.subjects ?? ""}`.trim()
    ));
  return { stage, set, told };
}

describe("those who sign for clients, in a file (F-30, F-31)", () => {
  it("are read at the start and again when the file changes; all that PEM text may have beside them is left out", async () => {
    const [one, two] = [await makeAuthority("One"), await makeAuthority("Two")];
    const { stage, set, told } = await staged(one);
    assert.equal(set.clientAuthorities?.ca.trim(), one.cert.trim());
    stage.files.write(caFile, `# both\n${one.cert}\n# for a while\n${two.cert}\n${two.key}`);
    await stage.clock.advanceAsync(2000);
    assert.doesNotMatch(set.clientAuthorities.ca, /PRIVATE|#/);
    assert.deepEqual(told(), ["info client CA in service CN=One", "info client CA rotated CN=One,CN=Two"]);
    const { file, authorities, rotations, refusals, refused } = set.clientAuthorities.inspect()!;
    assert.deepEqual([file, rotations, refusals, refused], [caFile, 1, 0, undefined]);
    assert.deepEqual(authorities.map(({ subject }) => subject), ["CN=One", "CN=Two"]);
    assert.deepEqual(await set.reload(), { rotated: [], unchanged: ["main", "caFile"], refused: [] });
    await set.close();
    assert.equal(stage.clock.pendingTimers, 0);
    assert.equal(stage.files.watchers, 0);
  });

  it("are looked at from time to time where the file system tells nothing", async () => {
    const [one, two] = [await makeAuthority("One"), await makeAuthority("Two")];
    const { stage, set } = await staged(one);
    await stage.clock.advanceAsync(2000);
    stage.files.write(caFile, two.cert, true);
    await stage.clock.advanceAsync(11_000);
    assert.equal(set.clientAuthorities?.ca.trim(), two.cert.trim());
    await set.close();
  });

  const faults: readonly (readonly [string, string | undefined, RegExp])[] = [
    [
      "is gone",
      undefined,
      /^use \/etc\/tls\/clients\.crt: found no readable file \(ENOENT\); check the path/,
    ],
    ["is empty", "", /clients\.crt: found nothing; expected a block "BEGIN CERTIFICATE"/],
    ["has no PEM text", "see the other file", /clients\.crt: found no PEM text/],
    ["has only a key", expired.key, /clients\.crt: found "PRIVATE KEY"/],
    ["is cut off", expired.cert.slice(0, 300), /clients\.crt: found a PEM block without its end/],
    [
      "is damaged",
      expired.cert.replace("\nMI", "\nAA"),
      /clients\.crt: found a damaged certificate at position 1/,
    ],
    ["has only those whose time is over", expired.cert, /clients\.crt: found a certificate that expired on/],
  ];
  for (const [what, content, message] of faults) {
    it(`a file that ${what} is refused, at the start and later, and those before stay`, async () => {
      const [one, two] = [await makeAuthority("One"), await makeAuthority("Two")];
      const { stage, set, told } = await staged(one);
      const put = (): void => {
        if (content === undefined) stage.files.remove(caFile);
        else stage.files.write(caFile, content);
      };
      put();
      await stage.clock.advanceAsync(3000);
      assert.equal(set.clientAuthorities?.ca.trim(), one.cert.trim());
      const { refused, refusals, rotations } = set.clientAuthorities.inspect()!;
      assert.ok(refused instanceof TlsError && refused.reason === "material");
      assert.match(refused.message, message);
      assert.deepEqual([refusals, rotations], [1, 0]);
      assert.deepEqual(told(), ["info client CA in service CN=One", "error client CA refused"]);
      const record = stage.logs.find((one) => one.message === "client CA refused")!;
      assert.deepEqual(record.fields, {
        file: caFile,
        error: refused.message,
        reason: "material",
        inService: ["CN=One"],
      });
      const report = await set.reload();
      assert.deepEqual(report.refused.map(({ name, error }) => [name, error.message]), [
        ["caFile", refused.message],
      ]);
      await stage.clock.advanceAsync(60_000);
      assert.equal(told().length, 2, "it is told once");
      stage.files.write(caFile, two.cert);
      await stage.clock.advanceAsync(2000);
      assert.equal(set.clientAuthorities.ca.trim(), two.cert.trim());
      assert.equal(set.clientAuthorities.inspect()!.refused, undefined);
      await set.close();

      const other = stage.set({ main: await serverPair() }, { caFile });
      put();
      await assert.rejects(other.open(), { name: "TlsError", reason: "material", message });
      assert.equal(stage.clock.pendingTimers, 0);
    });
  }

  it("some whose time is over, among others, are no reason to refuse the file", async () => {
    const one = await makeAuthority("One");
    const { stage, set } = await staged(one);
    stage.files.write(caFile, expired.cert + one.cert);
    await stage.clock.advanceAsync(2000);
    assert.equal(set.clientAuthorities!.inspect()!.authorities.length, 2);
    await set.close();
  });

  it("go with clientCertificates, and not with ca; both are told before listening", async () => {
    const adapter = await detectAdapter();
    const { cert, key } = await serverPair();
    const set = () => certificates({ main: { cert, key } }, { caFile: "clients.crt" });
    const faultsOf = (tls: object): string[] => {
      try {
        resolveServer({ port: 0, framing: text, tls: tls as TlsServerOptions, onFrame: () => {} }, adapter);
        return [];
      } catch (error) {
        assert.ok(error instanceof OptionsError);
        return error.issues.map(({ path, found }) => `${path}: ${found}`);
      }
    };
    assert.deepEqual(faultsOf({ certificates: set(), clientCertificates: "require" }), []);
    assert.deepEqual(faultsOf(set()), ["tls.ca: caFile of certificates()"]);
    assert.deepEqual(faultsOf({ certificates: set(), clientCertificates: "require", ca: cert }), [
      "tls.ca: PEM text and caFile of certificates()",
    ]);
    assert.throws(
      () => certificates({ main: { cert, key } }, { caFile: "" }),
      /caFile: .*the path of a file/,
    );
    assert.throws(() => set().clientAuthorities!.ca, {
      name: "TlsError",
      reason: "material",
      message: /open/,
    });
  });
});

/** A server with a CA for clients in a real file, and a certificate by name. */
async function at(t: TestContext, way: "tls" | "upgrade" = "tls") {
  const folder = mkdtempSync(join(tmpdir(), "millrace-ca-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "clients.crt");
  const [one, two] = [await makeAuthority("One"), await makeAuthority("Two")];
  writeFileSync(file, one.cert);
  const place = await Real.at(t);
  const logger = { told: (_: string): void => {}, seen: [] as string[] };
  const set = certificates({ main: await serverPair(), shop: await serverPair("shop.example") }, {
    caFile: file,
    pollInterval: 200,
    logger: ({ message }) => {
      logger.seen.push(message);
      logger.told(message);
    },
  });
  const logged = (message: string, count: number): Promise<void> => {
    const come = new Promise<void>((resolve) => {
      logger.told = () => void (logger.seen.filter((one) => one === message).length >= count && resolve());
      logger.told(message);
    });
    return within(come, () => `${count} records "${message}"; there are: ${logger.seen}`);
  };
  const tls = { certificates: set, clientCertificates: "require" } as const;
  if (way === "upgrade") {
    await set.open();
    t.after(() => set.close());
  }
  const failures: TlsErrorReason[] = [];
  let failed: () => void = () => {};
  const server = await place.serve<string>({
    framing: text,
    ...(way === "tls" ? { tls } : { upgradable: true }),
    onTlsError: ({ reason }) => {
      failures.push(reason);
      failed();
    },
    onFrame: async (line: string, connection: Connection<string>) => {
      if (line !== "STARTTLS") return connection.send(line);
      await connection.send("go ahead");
      await connection.upgrade(tls);
    },
  });
  const { cert: ca } = await testAuthority();
  const dial = async (own: Pair, serverName: string): Promise<Connection<string>> => {
    const secure: TlsClientOptions = { ca, serverName, ...own };
    if (way === "tls") return await place.connect<string>(server, { framing: text, tls: secure });
    const connection: Connection<string> = await place.connect<string>(server, {
      framing: text,
      upgradable: true,
    });
    await answer(connection, "STARTTLS");
    return await place.drive(connection.upgrade(secure));
  };
  const refused = async (own: Pair, serverName: string): Promise<void> => {
    const before = failures.length;
    const told = new Promise<void>((resolve) => failed = resolve);
    // With TLS 1.3 the client's side may be done before the server has looked.
    const connection = await dial(own, serverName).catch((error) => assert.ok(error instanceof TlsError));
    await within(told, () => "the server to refuse a client");
    assert.deepEqual(failures.slice(before), ["certificate_untrusted"]);
    connection?.destroy();
  };
  return { file, one, two, logged, dial, refused, server, set };
}

async function answer(connection: Connection<string>, line: string): Promise<string | undefined> {
  await connection.send(line);
  for await (const got of connection) return got;
  return undefined;
}

for (const way of ["tls", "upgrade"] as const) {
  const how = way === "tls" ? "from the start" : "by an upgrade";
  it(`S-25: with TLS ${how}, new handshakes go by the new file, whatever name they ask for, and connections stay (F-30, F-31)`, async (t) => {
    const { file, one, two, logged, dial, refused, server, set } = await at(t, way);
    const sign = (ca: Authority) => ca.sign({ subject: "device-7", use: "client" });
    const [ofOne, ofTwo] = [await sign(one), await sign(two)];
    const names = ["localhost", "shop.example"];
    const open: Connection<string>[] = [];
    for (const name of names) open.push(await dial(ofOne, name));
    await refused(ofTwo, "localhost");

    writeFileSync(`${file}.new`, two.cert);
    renameSync(`${file}.new`, file);
    await logged("client CA rotated", 1);
    for (const name of names) {
      const connection = await dial(ofTwo, name);
      assert.equal(await answer(connection, "new"), "new");
      open.push(connection);
      await refused(ofOne, name);
    }

    writeFileSync(file, "no PEM text");
    await logged("client CA refused", 1);
    for (const name of names) open.push(await dial(ofTwo, name));
    await refused(ofOne, "shop.example");
    const { refused: fault } = set.clientAuthorities!.inspect()!;
    assert.equal(fault?.reason, "material");
    if (way === "tls") assert.equal(server.inspect().tls?.clientAuthorities?.refused, fault);

    writeFileSync(file, one.cert + two.cert);
    await logged("client CA rotated", 2);
    for (const own of [ofOne, ofTwo]) for (const name of names) open.push(await dial(own, name));
    for (const [at, connection] of open.entries()) {
      assert.equal(await answer(connection, `still here ${at}`), `still here ${at}`);
    }
    assert.equal(set.clientAuthorities!.inspect()!.rotations, 2);
  });
}
