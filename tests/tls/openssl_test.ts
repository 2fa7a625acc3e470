// The server as OpenSSL's own client sees it.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lines } from "../../src/core/framing/lines.ts";
import type { TlsErrorReason } from "../../src/core/tls/tls_error.ts";
import { certificates } from "../../src/certificates/certificates.ts";
import type { TlsServerOptions } from "../../src/connection/tls/options.ts";
import { clientPair, makeAuthority, serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { Real } from "../support/server.ts";
import type { TestContext } from "node:test";

const found = spawnSync("openssl", ["version"]).status === 0;
const limit = { timeout: 30_000, skip: found ? false : "there is no program openssl on the path" };

/** An echo server and OpenSSL pointed at it, with files of the test CA. */
async function at(t: TestContext, tls: Partial<TlsServerOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-openssl-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const { cert: ca } = await testAuthority();
  const trusted = file("ca.crt", ca);
  const place = await Real.at(t);
  const failures: TlsErrorReason[] = [];
  const server = await place.serve<string>({
    framing: lines({ encoding: "utf-8" }),
    tls: { ...(tls.certificates ? {} : await serverPair()), ...tls } as TlsServerOptions,
    onFrame: (line, connection) => connection.send(`${connection.peer.tls?.certificate?.subject} ${line}`),
    onTlsError: ({ reason }) => void failures.push(reason),
  });
  const port = server.address.transport === "tcp" ? server.address.port : 0;
  const openssl = (...args: string[]): Promise<string> => {
    const flags = ["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", trusted, "-no_ign_eof"];
    const child = spawn("openssl", [...flags, ...args], { timeout: 10_000 });
    let said = "";
    return new Promise((resolve, reject) => {
      const hear = (text: string): void => {
        said += text;
        // The answer is there: leave.
        if (said.includes(" hello\n")) child.stdin.end();
      };
      child.stdout.setEncoding("utf8").on("data", hear);
      child.stderr.setEncoding("utf8").on("data", hear);
      child.stdin.on("error", () => {}).write("hello\n");
      child.on("error", reject);
      child.on("close", () => resolve(said));
    });
  };
  return { openssl, server, place, failures, file, folder };
}

for (const [flag, version] of [["-tls1_2", "TLSv1.2"], ["-tls1_3", "TLSv1.3"]] as const) {
  it(`openssl s_client speaks ${version}, verifies, and gets its echo (F-29)`, limit, async (t) => {
    const { openssl } = await at(t);
    const said = await openssl(flag, "-verify_return_error", "-verify_ip", "127.0.0.1");
    assert.match(said, /undefined hello\n/);
    assert.match(said, new RegExp(`New, ${version}, Cipher is `));
    assert.match(said, /Verify return code: 0 \(ok\)/);
  });

  it(`openssl s_client resumes a session of ${version}`, limit, async (t) => {
    const { openssl, folder } = await at(t);
    const session = join(folder, "session");
    await openssl(flag, "-sess_out", session);
    const said = await openssl(flag, "-sess_in", session);
    assert.match(said, new RegExp(`Reused, ${version}`));
    assert.match(said, /undefined hello\n/);
  });
}

for (const [flag, version] of [["-tls1_2", "TLSv1.2"], ["-tls1_3", "TLSv1.3"]] as const) {
  it(
    `a session of ${version} is of no use to a client whose CA has gone, or is another server's (F-30)`,
    limit,
    async (t) => {
      const [one, two] = [await makeAuthority("One"), await makeAuthority("Two")];
      const own = mkdtempSync(join(tmpdir(), "millrace-openssl-ca-"));
      t.after(() => rmSync(own, { recursive: true, force: true }));
      const caFile = join(own, "clients.crt");
      writeFileSync(caFile, one.cert);
      const set = certificates({ main: await serverPair() }, { caFile, logger: () => {} });
      const first = await at(t, { certificates: set, clientCertificates: "require" });
      const other = await at(t, { clientCertificates: "require", ca: two.cert });
      const { cert, key } = await one.sign({ subject: "device-1", use: "client" });
      const client = ["-cert", first.file("client.crt", cert), "-key", first.file("client.key", key), flag];
      const session = join(own, "session");
      const letIn = /CN=device-1 hello\n/;
      assert.match(await first.openssl(...client, "-sess_out", session), letIn);
      const resumed = await first.openssl(...client, "-sess_in", session);
      assert.match(resumed, new RegExp(`Reused, ${version}`));
      assert.match(resumed, letIn);
      assert.doesNotMatch(await other.openssl(...client, "-sess_in", session), letIn);
      assert.deepEqual(other.failures, ["certificate_untrusted"]);

      writeFileSync(caFile, two.cert + one.cert);
      assert.deepEqual((await set.reload()).rotated, ["caFile"]);
      assert.match(await first.openssl(...client, "-sess_in", session, "-sess_out", session), letIn);
      writeFileSync(caFile, two.cert);
      assert.deepEqual((await set.reload()).rotated, ["caFile"]);
      assert.doesNotMatch(await first.openssl(...client, "-sess_in", session), letIn);
      assert.deepEqual(first.failures, ["certificate_untrusted"]);
    },
  );
}

it("openssl s_client with TLS 1.1 is refused for its version (F-29)", limit, async (t) => {
  const { openssl, failures } = await at(t);
  const said = await openssl("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0");
  assert.match(said, /Cipher is \(NONE\)/);
  assert.deepEqual(failures, ["version"]);
});

it("openssl s_client finds no cipher in common where it has only unusual ones", limit, async (t) => {
  const { openssl, failures } = await at(t);
  assert.match(await openssl("-tls1_2", "-cipher", "ECDHE-ECDSA-CAMELLIA128-SHA256"), /Cipher is \(NONE\)/);
  assert.deepEqual(failures, ["cipher"]);
});

it("openssl s_client agrees on a protocol by ALPN, or is refused with an alert (F-32)", limit, async (t) => {
  const { openssl, failures } = await at(t, { alpn: ["lines/1"] });
  assert.match(await openssl("-alpn", "other,lines/1"), /ALPN protocol: lines\/1/);
  assert.match(await openssl("-alpn", "other"), /alert no application protocol/);
  assert.match(await openssl(), /No ALPN negotiated/);
  assert.deepEqual(failures, ["alpn"]);
});

it("openssl s_client gets the certificate of the name it asks for (F-31)", limit, async (t) => {
  const set = certificates({
    main: await serverPair(),
    shop: await serverPair("*.shop.example", "shop.example"),
  });
  const { openssl } = await at(t, { certificates: set });
  for (
    const [asked, subject] of [
      ["localhost", "localhost"],
      ["a.shop.example", "*.shop.example"],
      ["SHOP.example", "*.shop.example"],
      ["a.b.shop.example", "localhost"],
      ["unknown.example", "localhost"],
    ] as const
  ) {
    const said = await openssl("-servername", asked);
    assert.match(said, new RegExp(`subject=CN = ${subject.replaceAll(/[*.]/g, "\\$&")}\n`), asked);
  }
  assert.match(await openssl("-noservername"), /subject=CN = localhost\n/);
});

it(
  "openssl s_client shows its certificate, and without one is told what is missing (F-30)",
  limit,
  async (t) => {
    const { cert: ca } = await testAuthority();
    const { openssl, failures, file } = await at(t, { clientCertificates: "require", ca });
    const { cert, key } = await clientPair("openssl");
    const own = ["-cert", file("own.crt", cert), "-key", file("own.key", key)];
    assert.match(await openssl(...own), /CN=openssl hello\n/);
    assert.match(await openssl("-tls1_2", ...own), /CN=openssl hello\n/);
    assert.doesNotMatch(await openssl(), / hello\n/);
    assert.deepEqual(failures, ["certificate_missing"]);
  },
);

it(
  "openssl s_client that does not trust the server says so, and the server tells why (S-24)",
  limit,
  async (t) => {
    const { openssl, failures, server, file } = await at(t);
    const { cert: other } = await makeAuthority("Nobody");
    const said = await openssl("-CAfile", file("other.crt", other), "-verify_return_error");
    assert.match(said, /certificate verify failed/);
    assert.deepEqual([failures, server.stats().connectionsAccepted], [["refused"], 0]);
  },
);
