// The check of a resumed session's certificate, where the runtime makes none.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { it } from "node:test";
import { generate } from "selfsigned";
import { isSigned } from "../../src/adapters/tls/resumption.ts";
import { makeAuthority } from "../support/certificates.ts";

const day = 86_400_000;
// After those that are made below: each is valid from the second it is made in.
const now = Date.now() + 60_000;
const parsed = ({ cert }: { readonly cert: string }) => new X509Certificate(cert);

it("a certificate is good by its signer, directly or by way of others that may sign, while all are valid", async () => {
  const [one, two] = [await makeAuthority("One"), await makeAuthority("Two")];
  // The same name with another key.
  const impostor = await makeAuthority("One");
  const device = parsed(await one.sign({ subject: "device", use: "client" }));
  assert.equal(isSigned([device], [parsed(one)], now), true);
  assert.equal(isSigned([device], [parsed(two), parsed(impostor), parsed(one)], now), true);
  assert.equal(isSigned([device], [parsed(two), parsed(impostor)], now), false);
  assert.equal(isSigned([device], [], now), false);
  assert.equal(isSigned([], [parsed(one)], now), false);
  assert.equal(isSigned([device], [parsed(one)], now + 365 * day), false);

  const between = await generate([{ name: "commonName", value: "Between" }], {
    keyType: "ec",
    algorithm: "sha256",
    ca: { cert: one.cert, key: one.key },
    extensions: [{ name: "basicConstraints", cA: true, critical: true }],
  });
  const below = await generate([{ name: "commonName", value: "below" }], {
    keyType: "ec",
    algorithm: "sha256",
    ca: { cert: between.cert, key: between.private },
  });
  const chain = [new X509Certificate(below.cert), new X509Certificate(between.cert)];
  assert.equal(isSigned(chain, [parsed(one)], now), true);
  assert.equal(isSigned(chain.slice(0, 1), [parsed(one)], now), false);
  assert.equal(isSigned(chain, [parsed(two)], now), false);

  // One that may not sign has signed.
  const { cert, key } = await one.sign({ subject: "no CA", use: "client" });
  const forged = await generate([{ name: "commonName", value: "forged" }], {
    keyType: "ec",
    algorithm: "sha256",
    ca: { cert, key },
  });
  assert.equal(
    isSigned([new X509Certificate(forged.cert), new X509Certificate(cert)], [parsed(one)], now),
    false,
  );
});
