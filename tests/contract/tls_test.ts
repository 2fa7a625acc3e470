// The same contract with TLS between the two ends: whoever gets a transport need not know.
import { detectAdapter } from "../../src/adapters/detect.ts";
import type { TlsClientSettings, TlsServerSettings } from "../../src/core/tls/tls.ts";
import type { Adapter } from "../../src/core/transport.ts";
import { clientPair, serverPair, testAuthority } from "../support/certificates.ts";
import { clientTls, serverTls } from "../support/tls.ts";
import { contract } from "./contract.ts";
import { onLoopback } from "./native.ts";

const native = await detectAdapter();
const { cert: ca } = await testAuthority();

function securedBy(server: TlsServerSettings, client: TlsClientSettings): Adapter {
  return {
    ...native,
    listen: (options, accept) => native.listen({ ...options, tls: server }, accept),
    connect: (options) => native.connect({ ...options, tls: client }),
  };
}

function keepsContract(name: string, adapter: Adapter): void {
  const subject = onLoopback(adapter);
  contract({ ...subject, name: `${subject.name} with ${name}`, secured: true });
}

// The first is that of the runtime's own sockets where they have one, the second never.
keepsContract("TLS", securedBy(serverTls(await serverPair()), clientTls({ ca })));
keepsContract(
  "TLS and client certificates",
  securedBy(
    serverTls(await serverPair(), { clientCertificates: "request", ca }),
    clientTls({ ca, material: await clientPair("contract") }),
  ),
);
