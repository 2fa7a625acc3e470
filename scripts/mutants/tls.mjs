/** Verdicts on certificates, limits on handshakes, reasons of failures. */
const server = "src/adapters/tls/server.ts";
const client = "src/adapters/tls/client.ts";
const ownClient = "src/adapters/bun/client_handshake.ts";
const handshakes = "src/server/handshakes.ts";
const reasons = ["tests/tls/reasons_test.ts"];
const ofServer = ["tests/server/tls_test.ts"];

/** For `npm run mutate`. With `runtime` where only that one can notice it. */
export const mutants = [
  {
    file: "src/adapters/tls/context.ts",
    find: "        secureOptions: noRenegotiation,\n",
    put: "",
    tests: ["tests/tls/renegotiation_test.ts"],
    why: "a server on Node does another handshake when asked",
    runtime: "node",
  },
  {
    file: server,
    find: "    if (fault === undefined) return certificate;\n",
    put: "    return certificate;\n",
    tests: reasons,
    why: "any certificate of a client is good",
  },
  {
    file: server,
    find: "    if (fault === undefined) return certificate;\n",
    put: '    if (fault === undefined || clientCertificates === "request") return certificate;\n',
    tests: reasons,
    why: "under `request`, any certificate is good",
  },
  {
    file: server,
    find: 'requestCert: clientCertificates !== "none",',
    put: 'requestCert: clientCertificates === "require",',
    tests: ofServer,
    why: "under `request`, nobody is asked",
  },
  {
    file: server,
    find: "verdictOn(socket) ?? resumptionFault(socket, this.#acceptor.tls.ca)",
    put: "resumptionFault(socket, this.#acceptor.tls.ca)",
    tests: reasons,
    why: "nobody asks TLS for its verdict",
  },
  {
    file: server,
    find: "    if (wrong !== undefined) return this.#end(wrong);\n",
    put: "",
    tests: ofServer,
    why: "plain text on a TLS port is not recognised",
    runtime: "node",
  },
  {
    file: "src/adapters/bun/server_handshake.ts",
    find: "    if (wrong !== undefined) return this.#end(wrong);\n",
    put: "",
    tests: ofServer,
    why: "plain text on the port of Bun's TLS is not recognised",
  },
  {
    file: client,
    find: "if (!secure.authorized && !tls.insecureSkipVerify) {",
    put: "if (false) {",
    tests: [...reasons, ...ofServer],
    why: "a client does not look at the server's certificate",
  },
  {
    file: client,
    find: "        secure.disableRenegotiation();\n",
    put: "",
    tests: ["tests/tls/renegotiation_test.ts"],
    why: "a client of node:tls on Bun does another handshake when asked",
  },
  {
    file: ownClient,
    find: "      this.#socket.disableRenegotiation();\n",
    put: "",
    tests: ["tests/tls/renegotiation_test.ts"],
    why: "a client of Bun's TLS does another handshake when asked",
  },
  {
    file: "src/adapters/tls/certificate_fault.ts",
    find: "if (purposes !== undefined && !purposes.includes(purpose)",
    put: "if (false && purposes !== undefined && !purposes.includes(purpose)",
    tests: reasons,
    why: "a certificate for another purpose is only untrusted, where TLS does not say more",
    runtime: "deno",
  },
  {
    file: "src/adapters/tls/certificate_fault.ts",
    find: "reasonOf(fault.code)",
    put: "reasonOf(`${fault.code} ${fault.what}`)",
    tests: reasons,
    why: "a peer's name in its certificate decides what the error is",
  },
  {
    file: "src/adapters/tls/alert.ts",
    find: "const number = Number.parseInt(packed, 16) - 1000;",
    put: "const number = Number.parseInt(packed, 16);",
    tests: reasons,
    why: "no alert of OpenSSL and BoringSSL is recognised",
  },
  {
    file: "src/adapters/tls/alert.ts",
    find: '[116, "certificate_required", "certificate_missing"],',
    put: '[116, "certificate_required"],',
    tests: reasons,
    why: "a server that wants a certificate only refuses",
  },
  {
    file: handshakes,
    find: "if (this.#slots.size < most) return true;",
    put: "if (this.#slots.size <= most) return true;",
    tests: ofServer,
    why: "one handshake too many",
  },
  {
    file: handshakes,
    find: "    deadline.set(timeout);\n",
    put: "",
    tests: ofServer,
    why: "handshakeTimeout does nothing",
  },
  {
    file: handshakes,
    find: "const perTurn = 4;",
    put: "const perTurn = 1000;",
    tests: ["tests/connection/upgrade_slots_test.ts"],
    why: "all handshakes begin in one turn",
  },
  {
    file: handshakes,
    find: "if (good === true) this.#accept(transport, accept);",
    put: "if (good !== false) this.#accept(transport, accept);",
    tests: ofServer,
    why: "authorize is taken for yes unless it is false",
  },
  {
    file: handshakes,
    find: "      this.#refuse(transport, { cause: error });\n    }\n  }",
    put: "      this.#accept(transport, accept);\n    }\n  }",
    tests: ofServer,
    why: "authorize that throws lets in",
  },
  {
    file: handshakes,
    find: '    this.#count("too_many_handshakes");\n',
    put: "",
    tests: ofServer,
    why: "handshakes that find no room are not counted",
  },
];
