// The same contract with TLS between the two ends: whoever gets a transport need not know.
import { detectAdapter } from "../../src/adapters/detect.ts";
import type { Adapter } from "../../src/core/transport.ts";
import { clientPair, serverPair, testAuthority } from "../support/certificates.ts";
import { clientTls, serverTls } from "../support/tls.ts";
import { contract } from "./contract.ts";
import { onLoopback } from "./native.ts";

const native = await detectAdapter();
const { cert: ca } = await testAuthority();
const server = serverTls(await serverPair(), { clientCertificates: "request", ca });
const client = clientTls({ ca, material: await clientPair("contract") });
const secured: Adapter = {
  ...native,
  listen: (options, accept) => native.listen({ ...options, tls: server }, accept),
  connect: (options) => native.connect({ ...options, tls: client }),
};
const subject = onLoopback(secured);
contract({ ...subject, name: `${subject.name} with TLS`, secured: true });
