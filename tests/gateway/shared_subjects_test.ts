/** Endpoints side by side: subjects and places that are not the same text, and still cannot be had by two. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { overlap } from "../../src/gateway/buses/subject.ts";
import { checkConfig } from "../../src/gateway/config/config.ts";
import { formatFault } from "../../src/gateway/config/fault.ts";
import { startGateway } from "../../src/gateway/running_gateway.ts";
import { configOf, FakeOutput, lineClient, portOf, read } from "./support.ts";
import { it } from "../support/it.ts";

function faults(value: unknown): string[] {
  const result = checkConfig(value);
  return result.ok ? [] : result.faults.map((fault) => formatFault(fault));
}

const a = { name: "a", listen: "127.0.0.1:4001" };
const b = { name: "b", listen: "127.0.0.1:4002" };

describe("subjects of endpoints side by side", () => {
  const refused: Array<[what: string, endpoints: readonly object[], message: RegExp]> = [
    [
      "frames one word below the endpoint's own egress subject",
      [{ ...a, subjects: { ingress: "plant.in", egress: "plant", control: "plant.ctrl" } }],
      /^endpoints\[0\]\.subjects\.ingress: found "plant\.in", expected a subject that does not overlap with "plant", which endpoints\[0\]\.subjects\.egress has/m,
    ],
    [
      "commands one word below the endpoint's own egress subject",
      [{ ...a, subjects: { ingress: "in", egress: "plant", control: "plant.ctrl" } }],
      /^endpoints\[0\]\.subjects\.control: found "plant\.ctrl", expected a subject that does not overlap with "plant", which endpoints\[0\]/m,
    ],
    [
      "an egress subject below that of another endpoint",
      [{ ...a, subjects: { egress: "plant.out" } }, { ...b, subjects: { egress: "plant.out.b" } }],
      /^endpoints\[1\]\.subjects\.egress: found "plant\.out\.b", expected a subject that does not overlap with "plant\.out", which endpoints\[0\]\.subjects\.egress/m,
    ],
    [
      "an egress subject above the subjects that another endpoint has by its name",
      [{ ...a, subjects: { egress: "millrace.b" } }, b],
      /^endpoints\[1\]\.subjects\.ingress: found "millrace\.b\.in", expected a subject that does not overlap with "millrace\.b", which endpoints\[0\]\.subjects\.egress/m,
    ],
    [
      "the same egress subject twice",
      [{ ...a, subjects: { egress: "x" } }, { ...b, subjects: { egress: "x" } }],
      /^endpoints\[1\]\.subjects\.egress: found "x", expected a different subject from that of endpoints\[0\]\.subjects\.egress$/m,
    ],
    [
      "a subject of the replies to requests",
      [{ ...a, subjects: { ingress: "_INBOX.millrace.1" } }],
      /does not begin with _INBOX/,
    ],
    [
      "a subject with no room for a connection's id behind it",
      [{ ...a, subjects: { egress: "x".repeat(1020) } }],
      /a subject of 512 characters or fewer/,
    ],
    [
      "a subject with a control character",
      [{ ...a, subjects: { ingress: "a\u0007b" } }],
      /expected a subject: words/,
    ],
  ];
  for (const [what, endpoints, message] of refused) {
    it(`S-49: refuses ${what}`, () => assert.match(faults({ endpoints }).join("\n"), message));
  }

  const accepted: Array<[what: string, endpoints: readonly object[]]> = [
    ["a subject two words below an egress subject", [
      { ...a, subjects: { ingress: "plant.line.in", egress: "plant" } },
    ]],
    ["a subject that only begins with the same letters", [
      { ...a, subjects: { ingress: "plants", egress: "plant" } },
    ]],
    ["frames of two endpoints under one subject", [
      { ...a, subjects: { ingress: "all" } },
      { ...b, subjects: { ingress: "all" } },
    ]],
  ];
  for (const [what, endpoints] of accepted) {
    it(`S-49: accepts ${what}`, () => assert.deepEqual(faults({ endpoints }), []));
  }

  it("S-49: two patterns overlap when one subject fits both", () => {
    const cases: Array<[one: string, other: string, both: boolean]> = [
      ["a", "a", true],
      ["a", "a.b", false],
      ["a.*", "a.b", true],
      ["*.b", "a.*", true],
      ["a.*.c", "a.b", false],
      ["a.>", "a.b.c", true],
      ["a.>", "a", false],
      [">", "x", true],
      ["a.>", "*.b.c", true],
      ["a.>", "b.>", false],
    ];
    for (const [one, other, both] of cases) {
      assert.equal(overlap(one, other), both, `${one} and ${other}`);
      assert.equal(overlap(other, one), both, `${other} and ${one}`);
    }
  });

  it("S-49: an endpoint echoes and prints its own frames, not those of another under the same subject", async (t) => {
    const output = new FakeOutput();
    const subjects = { ingress: "all" };
    const config = configOf({
      endpoints: [
        { name: "a", listen: 0, echo: true, print: true, subjects },
        { name: "b", listen: 0, echo: true, subjects },
        { name: "c", listen: 0, subjects },
      ],
    });
    const gateway = await startGateway(config, { output, logger: () => {} });
    t.after(() => gateway.destroy());
    const own = await lineClient(portOf(gateway, "a"));
    const quiet = await lineClient(portOf(gateway, "c"));
    await quiet.send("no echo");
    await own.send("one");
    await own.send("two");
    assert.deepEqual(await read(own, 2), ["one", "two"]);
    await gateway.bus.flush();
    assert.equal(quiet.stats().framesReceived, 0);
    assert.deepEqual((await output.until(2)).map((line) => JSON.parse(line).payload), ["one", "two"]);
    await own.close();
    await quiet.close();
  });
});

describe("places to listen side by side", () => {
  const twice: Array<[one: unknown, other: unknown]> = [
    [4001, "127.0.0.1:4001"],
    ["localhost:4001", "LOCALHOST:4001"],
    ["[::1]:4001", "[0:0:0:0:0:0:0:1]:4001"],
    ["0.0.0.0:4001", "127.0.0.1:4001"],
    ["127.0.0.1:4001", "[::]:4001"],
    ["[::]:4001", "0.0.0.0:4001"],
    ["unix:/tmp/x.sock", "unix:/tmp/x.sock"],
  ];
  for (const [one, other] of twice) {
    it(`S-49: ${JSON.stringify(one)} and ${JSON.stringify(other)} are one place`, () => {
      const [message = ""] = faults({
        endpoints: [{ name: "a", listen: one }, { name: "b", listen: other }],
      });
      assert.match(
        message,
        /^endpoints\[1\]\.listen: found .*, expected a different address from that of endpoints\[0\]/,
      );
      const [admin = ""] = faults({ endpoints: [{ name: "a", listen: one }], admin: { listen: other } });
      assert.match(admin, /^admin\.listen: /);
    });
  }

  it("S-49: two addresses, two ports, IPv6 alone beside IPv4, and shared ports are apart", () => {
    const pairs: Array<[one: object, other: object]> = [
      [{ listen: "127.0.0.1:4001" }, { listen: "127.0.0.2:4001" }],
      [{ listen: 4001 }, { listen: 4002 }],
      [{ listen: "[::]:4001", ipv6Only: true }, { listen: "0.0.0.0:4001" }],
      [{ listen: "0.0.0.0:4001", reusePort: true }, { listen: "127.0.0.1:4001", reusePort: true }],
      [{ listen: "127.0.0.1:0" }, { listen: "127.0.0.1:0" }],
    ];
    for (const [one, other] of pairs) {
      assert.deepEqual(faults({ endpoints: [{ name: "a", ...one }, { name: "b", ...other }] }), []);
    }
  });
});
