/** Payloads and metadata as lines of JSON and back: nothing is rounded, dropped or replaced (S-48). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { compactJson, membersOf } from "../../src/gateway/json_text.ts";
import { messageLine, readMessageLine } from "../../src/gateway/message_line.ts";
import { it } from "../support/it.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function round(text: string): { readonly line: string; readonly back: string } {
  const line = messageLine({ subject: "a.b", payload: encoder.encode(text), metadata: {}, encoding: "json" });
  return { line, back: decoder.decode(readMessageLine(line).payload) };
}

describe("payloads of JSON", () => {
  const cases: Array<[what: string, text: string]> = [
    ["an integer of 64 bits", '{"id":9007199254740993,"n":-9223372036854775808}'],
    ["a number beyond all", "[1e400,-1e400,1e-400]"],
    [
      "a fraction with more digits than a number has",
      "0.10000000000000000555111512312578270211815834045410156250",
    ],
    ["zeros that say something", "[1.10,-0,1E5,0.0]"],
    ["a key that comes twice", '{"a":1,"a":2,"a":{"a":3,"a":4}}'],
    ["keys that every object has, and keys like numbers", '{"__proto__":1,"constructor":2,"2":"b","1":"a"}'],
    ["strings with quotes, brackets and spaces", '{"a ":"} ] , : \\" \\\\","\\\\\\"":[" { "]}'],
    ["escapes of halves of a pair", '["\\ud800","\\u0041","\\/"]'],
    ["a bare word", "null"],
    ["a bare string", '"text"'],
    ["deep nesting", `${"[".repeat(500)}${"]".repeat(500)}`],
  ];
  for (const [what, text] of cases) {
    it(`S-48: ${what} comes back as it was`, () => {
      const { line, back } = round(text);
      assert.equal(back, text);
      assert.ok(line.endsWith(',"encoding":"json"}\n') && line.includes(`"payload":${text},`), line);
    });
  }

  it("S-48: white space between the parts is left out, and none inside a string", () => {
    assert.equal(round(' { "a b" : [ 1 ,\r\n\t"  " ] } ').back, '{"a b":[1,"  "]}');
    assert.equal(compactJson('{"a":'), undefined);
    assert.deepEqual(membersOf(" { } "), []);
  });

  it("S-48: whatever the JSON is, its parts come back and its value is the same", () => {
    let seed = 7;
    const random = (below: number): number => (seed = seed * 48_271 % 2_147_483_647) % below;
    const pick = (texts: readonly string[]): string => texts[random(texts.length)]!;
    const space = (): string => pick(["", "", " ", "\n", "\t \r"]);
    const string = (): string => pick(['"a"', '""', '"\\""', '"\\\\"', '" {[,:]} "', '"\\\\\\""', '"ü\\n"']);
    const make = (depth: number): string => {
      const kind = random(depth > 4 ? 2 : 4);
      if (kind === 0) return pick(["1", "-0", "1e400", "9007199254740993", "true", "null"]);
      if (kind === 1) return string();
      const parts = Array.from({ length: random(4) }, () => make(depth + 1));
      if (kind === 2) return `[${parts.map((part) => space() + part + space()).join(",")}]`;
      return `{${
        parts.map((part) => `${space()}${string()}${space()}:${space()}${part}${space()}`).join(",")
      }}`;
    };
    for (let round = 0; round < 500; round++) {
      const text = `{ "payload" : ${make(0)} , "after": ${make(0)}}`;
      const members = membersOf(text);
      assert.deepEqual(members.map(([key]) => key), ["payload", "after"], text);
      const whole = JSON.parse(text) as Record<string, unknown>;
      for (const [key, value] of members) assert.deepEqual(JSON.parse(value), whole[key], text);
      assert.equal(compactJson(text), `{${members.map(([key, value]) => `"${key}":${value}`).join(",")}}`);
    }
  });
});

describe("lines of a worker", () => {
  it("S-48: numbers in metadata are the text that was written", () => {
    const { metadata } = readMessageLine(
      '{"subject":"a","payload":"","big":12345678901234567890,"e":1e400,"f":1.0}',
    );
    assert.deepEqual(metadata, { big: "12345678901234567890", e: "1e400", f: "1.0" });
  });

  const refused: Array<[what: string, line: string, message: RegExp]> = [
    ["a payload that comes twice", '{"subject":"a","payload":1,"payload":2}', /found "payload" twice/],
    [
      "a subject that comes twice",
      '{"subject":"a","sub\\u006aect":"b","payload":1}',
      /found "subject" twice/,
    ],
    ["half of a surrogate pair", '{"subject":"a","payload":"\\ud800"}', /a lone surrogate/],
  ];
  for (const [what, line, message] of refused) {
    it(`S-48: ${what} is refused`, () => assert.throws(() => readMessageLine(line), message));
  }

  it("S-48: a port that is no number stays a text", () => {
    const metadata = { "peer.port": "007", "peer.ip": "x" };
    const line = messageLine({ subject: "a", payload: encoder.encode("x"), metadata });
    assert.deepEqual(readMessageLine(line).metadata, metadata);
  });
});
