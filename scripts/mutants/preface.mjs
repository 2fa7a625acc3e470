/** What stands in front of a connection: PROXY headers, first bytes, health checks. */
const v1 = "src/core/proxy/proxy_v1.ts";
const v2 = "src/core/proxy/proxy_v2.ts";
const tlvs = "src/core/proxy/proxy_tlvs.ts";
const preface = "src/server/preface/preface.ts";
const prefaces = "src/server/preface/prefaces.ts";
const settings = "src/server/preface/preface_settings.ts";
const firstBytes = "src/server/preface/first_bytes.ts";
const health = "src/server/preface/health_check.ts";
const begun = "src/core/flow/begun_transport.ts";
const ofHeaders = ["tests/core/proxy_test.ts"];
const ofProxy = ["tests/server/proxy_protocol_test.ts"];
const ofFirst = ["tests/server/first_bytes_test.ts"];

/** For `npm run mutate`. */
export const mutants = [
  {
    file: v1,
    find: "end === -1 && bytes.length < longest",
    put: "end === -1",
    tests: ofHeaders,
    why: "a line never ends",
  },
  {
    file: v1,
    find: "bytes[end - 1] !== 13",
    put: "false",
    tests: ofHeaders,
    why: "LF alone ends a PROXY line",
  },
  {
    file: v1,
    find: 'text.includes(":") !== (family === "6")',
    put: "false",
    tests: ofHeaders,
    why: "TCP4 has an address of IPv6",
  },
  {
    file: v2,
    find: "if (length > maxBytes)",
    put: "if (false)",
    tests: ofHeaders,
    why: "a header of any length is waited for",
  },
  {
    file: v2,
    find: "fixedLength + addresses > length",
    put: "false",
    tests: ofHeaders,
    why: "addresses are read behind the header",
  },
  {
    file: v2,
    find: "have > 13 && !local &&",
    put: "have > 13 &&",
    tests: ofHeaders,
    why: "the rest of LOCAL is judged",
  },
  {
    file: tlvs,
    find: "crc32c(zeroed) === found",
    put: "true",
    tests: ofHeaders,
    why: "a wrong checksum is accepted",
  },
  {
    file: tlvs,
    find: "if (end > bytes.length) return undefined;",
    put: "",
    tests: ofHeaders,
    why: "a value reaches beyond the header",
  },
  {
    file: tlvs,
    find: "(client & 6) !== 0 && ",
    put: "",
    tests: ofHeaders,
    why: "a client without a certificate is verified",
  },
  {
    file: preface,
    find: "proxy !== undefined && !trusted && !proxy.acceptsOthers",
    put: "false",
    tests: ofProxy,
    why: "anybody is accepted",
  },
  {
    file: preface,
    find: "if (required) return",
    put: "if (false) return",
    tests: ofProxy,
    why: "a connection without a header is accepted",
  },
  {
    file: preface,
    find: "if (refusal !== undefined) return this.#refuse(refusal);",
    put: "",
    tests: ofProxy,
    why: "TLS is begun for a peer that is rejected anyway",
  },
  {
    file: preface,
    find: "this.#headerLength = length;",
    put: "",
    tests: ofProxy,
    why: "the header is taken for a frame as well",
  },
  {
    file: prefaces,
    find: "this.#slots.size >= this.#most",
    put: "this.#slots.size > this.#most",
    tests: ofProxy,
    why: "one peer too many waits",
  },
  {
    file: prefaces,
    find: "this.#slots.delete(preface);",
    put: "",
    tests: ofProxy,
    why: "a slot is never free again",
  },
  {
    file: settings,
    find: "if (wait < 3000)",
    put: "if (false)",
    tests: ofProxy,
    why: "a lost packet costs a connection",
  },
  {
    file: settings,
    find: "protocols: [] };",
    put: "protocols: first.protocols };",
    tests: ofFirst,
    why: "a protocol is served in plaintext where TLS is required",
  },
  {
    file: preface,
    find: "Math.min(first.after, first.timeout)",
    put: "first.timeout",
    tests: ofFirst,
    why: "who speaks first waits for the other",
  },
  {
    file: preface,
    find: "if (first!.after <= first!.timeout)",
    put: "if (true)",
    tests: ofFirst,
    why: "who says nothing is a connection in the end",
  },
  {
    file: firstBytes,
    find: "if (match === undefined) open = true;",
    put: "",
    tests: ofFirst,
    why: "the first bytes are judged too early",
  },
  {
    file: health,
    find: "bytes.length < longestHead ? undefined",
    put: "true ? undefined",
    tests: ofFirst,
    why: "a request is read without end",
  },
  {
    file: health,
    find: 'method === "HEAD" ? "" : body',
    put: "body",
    tests: ofFirst,
    why: "HEAD is answered with a body",
  },
  {
    file: begun,
    find: "this.#below.taken - this.#before",
    put: "this.#below.taken",
    tests: ["tests/core/begun_transport_test.ts"],
    why: "a header counts as bytes of the connection",
  },
  {
    file: preface,
    find: "if (answered) this.transport.release();",
    put: "if (false) this.transport.release();",
    tests: ofFirst,
    why: "the answer to a health check is cut off by a drain",
  },
  {
    file: "src/adapters/tls/first_bytes.ts",
    find: 'found?.looksLike.startsWith("a PROXY protocol header")',
    put: "false",
    tests: ["tests/server/tls_test.ts"],
    why: "who sends a PROXY header is told to turn TLS on",
  },
  {
    file: "src/gateway/traffic/peer_metadata.ts",
    find: '"tls.verified": tls && String(tls.verified),',
    put: "",
    tests: ["tests/gateway/preface_test.ts"],
    why: "a name is told, and not that nobody has verified it",
  },
];
