// Why a handshake failed, as one value for one cause: on every runtime, whosever TLS it is, on both sides.
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { describe, type TestContext } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { generate } from "selfsigned";
import { connect } from "../../src/client/connect.ts";
import type { TlsClientOptions } from "../../src/connection/tls/options.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { TlsError, type TlsErrorReason } from "../../src/core/tls/tls_error.ts";
import {
  makeAuthority,
  type Pair,
  type PairOptions,
  serverPair,
  testAuthority,
} from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { filesFor, Openssl, withoutOpenssl } from "../support/openssl.ts";
import { Real } from "../support/server.ts";

const text = lines({ encoding: "utf-8" });
const { cert: ca, sign } = await testAuthority();
const limit = { timeout: 30_000 };

/** The second is `node:tls` on every runtime, the first the runtime's own TLS where it has one. */
const clients: readonly TlsClientOptions[] = [{ ca, serverName: "localhost" }, {
  ca,
  serverName: "localhost",
  maxVersion: "TLSv1.2",
}];

/** Alerts of RFC 8446 (6) and RFC 5246 (7.2) that mean more than that the peer refuses. */
const special: Readonly<Record<number, TlsErrorReason>> = {
  41: "certificate_missing",
  70: "version",
  71: "cipher",
  86: "version",
  116: "certificate_missing",
  120: "alpn",
};
const refusing = [10, 20, 22, 30, 40, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 80, 109, 110, 112, 113, 115];
const alerts = [...Object.keys(special).map(Number), ...refusing];

/** Of OpenSSL's client, which speaks TLS 1.2 here, so that alerts are in the clear as long as no keys are agreed on. */
const clientHello = Buffer.from(
  "16030100b7010000b3030312116622180561e13b3b911842b025cf5e00ff2448d464d95e8d948e3cf69e8b000038c02cc030009fcc" +
    "a9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c0035002f00ff01000052" +
    "000b000403000102000a000c000a001d0017001e00190018002300000016000000170000000d002a00280403050306030807080808" +
    "09080a080b080408050806040105010601030303010302040205020602",
  "hex",
);

/** A server in the clear that has an answer to the client's first bytes. */
async function answering(t: TestContext, answer: (hello: Uint8Array, peer: Socket) => void): Promise<number> {
  const server = createServer((peer) => {
    peer.on("error", () => {});
    peer.once("data", (hello) => answer(hello, peer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return (server.address() as { readonly port: number }).port;
}

async function refusal(attempt: Promise<unknown>): Promise<TlsError> {
  try {
    await attempt;
  } catch (error) {
    assert.ok(error instanceof TlsError, String(error));
    return error;
  }
  throw new Error("it was let in");
}

const dial = (port: number, tls: TlsClientOptions) => connect({ port, framing: text, tls });

describe("why a handshake failed", () => {
  for (const tls of clients) {
    const how = tls.maxVersion === undefined ? "any version" : "no version above 1.2";
    it(`S-55: a client with ${how} has one reason for each alert`, limit, async (t) => {
      let alert = 0;
      const port = await answering(t, (_, peer) => peer.end(new Uint8Array([21, 3, 3, 0, 2, 2, alert])));
      for (alert of alerts) {
        const { reason, message } = await refusal(dial(port, tls));
        assert.equal(reason, special[alert] ?? "refused", `alert ${alert}: ${message}`);
        assert.match(message, /the server sent the alert [a-z_]+/);
      }
    });

    it(`S-55: a client with ${how} tells a server that speaks no TLS`, limit, async (t) => {
      const answers: Readonly<Record<string, (hello: Uint8Array) => Uint8Array | string>> = {
        "its own bytes": (hello) => hello,
        "HTTP": () => "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        "a greeting": () => "220 mail.example ESMTP\r\n",
        "zeros": () => new Uint8Array(64),
        "a frame with its length": () => new Uint8Array([0, 0, 0, 5, 104, 101, 108, 108, 111]),
        "a record of application data": () => new Uint8Array([23, 3, 3, 0, 2, 1, 2]),
        "a record of a handshake with nonsense": () =>
          new Uint8Array([22, 3, 3, 0, 5, 104, 101, 108, 108, 111]),
        "a change of ciphers": () => new Uint8Array([20, 3, 3, 0, 1, 1]),
      };
      let answer: (hello: Uint8Array) => Uint8Array | string;
      const port = await answering(t, (hello, peer) => peer.write(answer(hello)));
      for (const [what, given] of Object.entries(answers)) {
        answer = given;
        const { reason, message } = await refusal(dial(port, tls));
        assert.equal(reason, "not_tls", `${what}: ${message}`);
        assert.match(message, /turn TLS off/);
      }
      const place = await Real.at(t);
      const plain = await place.serve<Uint8Array>({
        framing: raw(),
        onFrame: (bytes, connection) => connection.send(bytes),
      });
      assert.equal((await refusal(place.connect(plain, { framing: text, tls }))).reason, "not_tls");
    });
  }

  for (const tls of [{}, { maxVersion: "TLSv1.2" }] as const) {
    const how = "maxVersion" in tls ? "no version above 1.2" : "any version";
    it(`S-55: a server with ${how} has one reason for each alert`, limit, async (t) => {
      const place = await Real.at(t);
      let told: (error: TlsError) => void = () => {};
      const server = await place.serve<string>({
        framing: text,
        tls: { ...await serverPair(), ...tls },
        onFrame: () => {},
        onTlsError: (error) => told(error),
      });
      for (const alert of alerts) {
        const failed = new Promise<TlsError>((resolve) => told = resolve);
        const peer = (await place.dial(server)).start();
        peer.write(new Uint8Array(clientHello));
        await peer.until(() => peer.bytes > 0, "the answer to a ClientHello");
        peer.write(new Uint8Array([21, 3, 3, 0, 2, 2, alert]));
        const { reason, message } = await failed;
        assert.equal(reason, special[alert] ?? "refused", `alert ${alert}: ${message}`);
        peer.abort();
      }
    });
  }

  it("S-55: OpenSSL's server is told apart: no common cipher, too old a version, a name it does not know", {
    ...limit,
    skip: withoutOpenssl,
  }, async (t) => {
    const file = filesFor(t);
    const { cert, key } = await serverPair();
    const pair = ["-cert", file("server.crt", cert), "-key", file("server.key", key)];
    const second = ["-cert2", file("two.crt", cert), "-key2", file("two.key", key)];
    const tried: readonly (readonly [readonly string[], TlsErrorReason])[] = [
      [["-tls1_2", "-cipher", "ECDHE-ECDSA-CAMELLIA128-SHA256"], "refused"],
      [["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"], "version"],
      [["-servername", "else.example", "-servername_fatal", ...second], "refused"],
    ];
    for (const [flags, reason] of tried) {
      const peer = new Openssl(t, "s_server", "-accept", "0", ...pair, ...flags);
      const port = await peer.port();
      for (const tls of clients) {
        const error = await refusal(dial(port, tls));
        assert.equal(error.reason, reason, `${flags[0]}: ${error.message}`);
      }
      peer.kill();
    }
  });

  const day = 86_400_000;
  const now = Date.now();
  type Use = "server" | "client";
  const names = ["localhost"];
  const many = Array.from({ length: 500 }, (_, at) => `n${at}.example`);
  const [gone, coming] = [now - day, now + day].map((time) => new Date(time).toISOString().slice(0, 19));
  const other = { client: "server", server: "client" } as const;
  type Kind = readonly [
    make: (use: Use) => Promise<Pair>,
    reason: TlsErrorReason,
    says: (use: Use) => RegExp,
  ];
  const kinds: Readonly<Record<string, Kind>> = {
    "a stranger's": [
      async (use) => (await makeAuthority("Strangers")).sign({ names, use }),
      "certificate_untrusted",
      () => /certificate "CN=localhost" is signed by "CN=Strangers", which is not trusted/,
    ],
    "a stranger's whose names are those of other faults": [
      async (use) =>
        (await makeAuthority("CERT_HAS_EXPIRED HTTP_REQUEST")).sign({
          names,
          use,
          subject: "NO_SHARED_CIPHER",
        }),
      "certificate_untrusted",
      () => /certificate "CN=NO_SHARED_CIPHER" is signed by "CN=CERT_HAS_EXPIRED HTTP_REQUEST"/,
    ],
    "a stranger's with more names than there is room for": [
      async (use) =>
        (await makeAuthority("S".repeat(60))).sign({ names: many, use, subject: "x".repeat(60) }),
      "certificate_untrusted",
      () => /^.{1,400}$/,
    ],
    "self-signed": [
      selfSigned,
      "certificate_untrusted",
      () => /certificate "CN=itself" is signed by itself, which is not trusted/,
    ],
    "expired": [
      (use) => sign({ names, use, from: now - 9 * day, to: now - day }),
      "certificate_expired",
      () => new RegExp(`certificate "CN=localhost" expired at ${gone}`),
    ],
    "a stranger's and expired": [
      async (use) =>
        (await makeAuthority("Strangers")).sign({ names, use, from: now - 9 * day, to: now - day }),
      "certificate_expired",
      () => new RegExp(`certificate "CN=localhost" expired at ${gone}`),
    ],
    "not yet valid": [
      (use) => sign({ names, use, from: now + day, to: now + 9 * day }),
      "certificate_expired",
      () => new RegExp(`certificate "CN=localhost" is not valid before ${coming}`),
    ],
    "for another purpose": [
      (use) => sign({ names, use: other[use] }),
      "certificate_purpose",
      (use) => new RegExp(`is for "${other[use]} authentication", not for ${use} authentication`),
    ],
  };

  async function selfSigned(): Promise<Pair> {
    const made = await generate([{ name: "commonName", value: "itself" }], {
      keyType: "ec",
      algorithm: "sha256",
      notBeforeDate: new Date(now - day),
      extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }],
    });
    return { cert: made.cert, key: made.private };
  }

  for (const clientCertificates of ["request", "require"] as const) {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      it(
        `S-56: a client's certificate that is not good is refused under "${clientCertificates}", with ${maxVersion}`,
        limit,
        async (t) => {
          const place = await Real.at(t);
          let heard = 0;
          let told: (error: TlsError | undefined) => void = () => {};
          const server = await place.serve<string>({
            framing: text,
            tls: { ...await serverPair(), clientCertificates, ca, maxVersion },
            onConnect: () => {
              heard++;
              told(undefined);
            },
            onFrame: (line, connection) => connection.send(line),
            onTlsError: (error) => told(error),
          });
          const dial = (own: Partial<Pair>) =>
            place.connect<string>(server, {
              framing: text,
              tls: { ca, serverName: "localhost", ...own } as TlsClientOptions,
            });
          for (const [what, [make, reason, says]] of Object.entries(kinds)) {
            const failed = new Promise<TlsError | undefined>((resolve) => told = resolve);
            // A client may be done before the server has looked.
            const early = await dial(await make("client")).catch(() => undefined);
            const error = await failed;
            assert.equal(error?.reason, reason, what);
            // Under "require", Bun's TLS refuses it by itself, and shows it to nobody.
            assert.match(error.message, clientCertificates === "request" ? says("client") : /certificate/);
            const record = await early?.closed;
            assert.equal(record?.framesReceived ?? 0, 0);
          }
          assert.equal(heard, 0);
          const good = await dial(await sign({ names, use: "client" }));
          await good.send("known");
          assert.equal((await good[Symbol.asyncIterator]().next()).value, "known");
          assert.equal([...server.connections.values()][0]!.peer.tls!.authorized, true);
        },
      );
    }
  }

  for (const tls of clients) {
    const how = tls.maxVersion === undefined ? "any version" : "no version above 1.2";
    it(`S-55: a client with ${how} tells what is wrong with a server's certificate`, limit, async (t) => {
      // Our own server would refuse to serve some of these.
      const serving = async (pair: Pair): Promise<number> => {
        const server = createTlsServer(pair, (peer) => void peer.on("error", () => {}).write("secret\n"));
        server.on("tlsClientError", () => {});
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        t.after(() => server.close());
        return (server.address() as { readonly port: number }).port;
      };
      for (const [what, [make, reason, says]] of Object.entries(kinds)) {
        const { reason: found, message } = await refusal(dial(await serving(await make("server")), tls));
        assert.equal(found, reason, `${what}: ${message}`);
        assert.match(message, says("server"));
      }
      const wrong: readonly (readonly [PairOptions, RegExp])[] = [
        [
          { names: ["else.example", "127.0.0.1"] },
          /has the names "DNS:else\.example", "IP Address:127\.0\.0\.1", not "localhost"/,
        ],
        [{ subject: "HTTP_REQUEST" }, /certificate "CN=HTTP_REQUEST" has no names, not "localhost"/],
        [{ names: many }, /"DNS:n9\.example" and 490 more, not "localhost"/],
      ];
      for (const [options, says] of wrong) {
        const { reason, message } = await refusal(dial(await serving(await sign(options)), tls));
        assert.equal(reason, "certificate_name", message);
        assert.match(message, says);
      }
    });
  }
});
