/** Names and values from outside: those that every object has, and those that are no plain values. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { socketErrorFrom } from "../../src/core/errors.ts";
import { abilityFaults } from "../../src/gateway/config/abilities.ts";
import { checkConfig, loadConfig, parseConfig } from "../../src/gateway/config/config.ts";
import { formatFault } from "../../src/gateway/config/fault.ts";
import { OptionsError } from "../../src/core/errors.ts";
import { parseFraming } from "../../src/protocols/framing_text.ts";
import { readMessageLine } from "../../src/gateway/message_line.ts";
import { configOf } from "./support.ts";
import { it } from "../support/it.ts";

const inherited = ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"];

function faultsOf(endpoint: object): string[] {
  const result = checkConfig({ endpoints: [{ name: "echo", listen: "127.0.0.1:3034", ...endpoint }] });
  return result.ok ? [] : result.faults.map((fault) => formatFault(fault));
}

describe("names that every object has", () => {
  for (const name of inherited) {
    it(`S-50: ${name} is no framing, no framing's option, no key, no truth and no size`, () => {
      for (const framing of [name, { type: name }]) {
        assert.match(
          faultsOf({ framing })[0] ?? "",
          /^endpoints\[0\]\.framing.*expected (?:a framing such as|one of) lines, delimited/,
        );
      }
      const options = JSON.parse(`{ "type": "lines", ${JSON.stringify(name)}: 1 }`) as object;
      assert.match(
        faultsOf({ framing: options })[0] ?? "",
        /^endpoints\[0\]\.framing\..*expected a key that exists here: type, /,
      );
      const result = checkConfig(
        Object.defineProperty({ endpoints: [] }, name, { value: 1, enumerable: true }),
      );
      assert.ok(!result.ok && result.faults.some(({ path }) => path.includes(name)), name);
      assert.deepEqual(faultsOf({ noDelay: name }), [
        `endpoints[0].noDelay: found "${name}", expected true or false`,
      ]);
      assert.match(faultsOf({ ingressLimit: name })[0] ?? "", /expected a number of bytes/);
      assert.throws(() => parseFraming(name), OptionsError);
      assert.throws(() => parseFraming(`lines,${name}`), OptionsError);
      assert.equal(socketErrorFrom(Object.assign(new Error("x"), { code: name }), "act").reason, "unknown");
    });
  }

  it("S-50: an object in the place of a value is refused, whatever its toString is", () => {
    const odd = { toString: 1, valueOf: 1 };
    for (
      const key of ["noDelay", "ingressLimit", "idleTimeout", "listen", "maxConnections", "tls", "framing"]
    ) {
      assert.notEqual(faultsOf({ [key]: odd }).length, 0, key);
      assert.notEqual(faultsOf({ [key]: Object.create(null) }).length, 0, key);
    }
  });

  it("S-50: metadata of such names arrives like any other", () => {
    const { metadata } = readMessageLine('{"subject":"a","payload":"x","__proto__":"p","constructor":"c"}');
    assert.deepEqual(Object.entries(metadata), [["__proto__", "p"], ["constructor", "c"]]);
  });
});

describe("a text with a mark, or in another encoding", () => {
  const mark = "\uFEFF";
  const texts = {
    json: '{"endpoints":[{"name":"echo","listen":"127.0.0.1:3034"}]}',
    yaml: 'endpoints:\n  - { name: echo, listen: "127.0.0.1:3034" }\n',
    toml: '[[endpoints]]\nname = "echo"\nlisten = "127.0.0.1:3034"\n',
  } as const;
  for (const format of ["json", "yaml", "toml"] as const) {
    it(`S-48: ${format} with a byte order mark is read as without it`, async (t) => {
      assert.ok(parseConfig(mark + texts[format], { format }).ok);
      const folder = await mkdtemp(join(tmpdir(), "millrace-mark-"));
      t.after(() => rm(folder, { recursive: true }));
      const file = join(folder, `gateway.${format}`);
      await writeFile(file, mark + texts[format]);
      assert.ok((await loadConfig(file)).ok);
      // What Windows calls Unicode.
      await writeFile(file, Buffer.from(mark + texts[format], "utf16le"));
      const wrong = await loadConfig(file);
      assert.ok(!wrong.ok && /not UTF-8/.test(formatFault(wrong.faults[0]!)), JSON.stringify(wrong));
    });
  }
});

describe("numbers that a layer below would wrap", () => {
  for (const place of ["listen", "connect"]) {
    it(`S-48: a probe later than the kernel can count is refused for an endpoint with ${place}, before it starts`, async () => {
      const adapter = await detectAdapter();
      const faultsWith = async (tcpKeepAlive: string) => {
        const endpoint = { name: "echo", [place]: "127.0.0.1:3034", tcpKeepAlive };
        return (await abilityFaults(configOf({ endpoints: [endpoint] }), adapter)).map((fault) =>
          formatFault(fault)
        );
      };
      const [fault = ""] = await faultsWith("10h");
      assert.match(fault, /^endpoints\[0\]\.tcpKeepAlive: found 36000000, expected /);
      assert.equal((await faultsWith("9h")).length, adapter.can.keepAliveDelay ? 0 : 1);
    });
  }

  const refused: Array<[key: string, value: unknown, message: RegExp]> = [
    ["backlog", 2 ** 32 + 1, /a whole number, 1 to 2147483647/],
    ["maxConnections", 2 ** 53, /a whole number/],
    ["ingressLimit", "9007199254740993", /a number of bytes/],
    ["idleTimeout", `${"9".repeat(400)} days`, /expected a duration/],
    ["listen", "127.0.0.1:65537", /a port from 0 to 65535/],
    ["listen", 4_294_967_296, /a port from 0 to 65535/],
    ["framing", { type: "lines", maxFrameBytes: 2 ** 60 }, /a number of bytes/],
  ];
  for (const [key, value, message] of refused) {
    it(`S-48: ${key}: ${JSON.stringify(value).slice(0, 30)} is refused`, () => {
      assert.match(faultsOf({ [key]: value }).join("\n"), message);
    });
  }
});
