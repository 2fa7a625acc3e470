// Whether this runtime's TLS still tells what it has found of a client's certificate.
import assert from "node:assert/strict";
import { it } from "node:test";
import { requireVerdicts, tellsFaults, verdictOn } from "../../src/adapters/tls/verdict.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { pairsByKind } from "../support/certificate_kinds.ts";
import { serverTls } from "../support/tls.ts";

it("S-56: a handshake in memory shows that a stranger's certificate is found out, whatever its key", async () => {
  for (const material of [await serverPair(), pairsByKind["rsa"]!]) {
    assert.equal(await tellsFaults(material, verdictOn), true);
  }
});

it("S-56: a runtime that calls every certificate good is found out", async () => {
  assert.equal(await tellsFaults(await serverPair(), () => undefined), false);
});

it("S-56: a socket that cannot be asked, or answers what nobody knows, has shown no good certificate", () => {
  const asked = (ssl: unknown) => verdictOn({ ssl } as unknown as Parameters<typeof verdictOn>[0]);
  for (const ssl of [undefined, {}, { verifyError: true }, { verifyError: () => undefined }]) {
    assert.equal(asked(ssl), "UNABLE_TO_VERIFY");
  }
  assert.equal(asked({ verifyError: () => ({ code: "CERT_REVOKED" }) }), "CERT_REVOKED");
  assert.equal(asked({ verifyError: () => "CERT_REVOKED" }), "CERT_REVOKED");
  for (const good of [null, ""]) assert.equal(asked({ verifyError: () => good }), undefined);
});

it("S-56: this runtime may ask for certificates of clients", async () => {
  const { cert: ca } = await testAuthority();
  await requireVerdicts(serverTls(await serverPair(), { clientCertificates: "require", ca }));
});
