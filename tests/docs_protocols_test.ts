// docs/protocols.md is true: its programs run, its settings cut and write real frames, its tables name every option.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { berField } from "../src/core/framing/ber_field.ts";
import type { Framing } from "../src/core/framing/framing.ts";
import { lengthField } from "../src/core/framing/length_field.ts";
import { lines } from "../src/core/framing/lines.ts";
import { varintField } from "../src/core/framing/varint_field.ts";
import { parseFraming } from "../src/protocols/framing_text.ts";
import { presets } from "../src/protocols/presets.ts";
import { assertFramer } from "../src/testing/assert_framer.ts";
import { berVectors, lengthVectors, varintVectors } from "./core/framing/length_vectors.ts";
import { hex } from "./support/frames.ts";
import { it } from "./support/it.ts";
import { pageText, programsIn, runPrograms } from "./support/page.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const text = pageText("docs/protocols.md");
const programs = programsIn(text);
const sections = text.split(/^## /m).slice(1);

/** Sentences of two receivers (gpsinformation.org; AIS, by pyais). */
const nmea = {
  wire: [
    "2447504747412c3132333531392c343830372e3033382c4e2c30313133312e3030302c452c312c30382c302e392c3534352e342c4d2c34362e392c4d",
    "2c2c2a34370d0a21414956444d2c312c312c2c412c3133484f493a305030303030564f484c436e48514b77764c303549702c302a32330d0a",
  ].join(""),
  frames: [67, 49],
};
const vectors = new Map<string, { readonly wire: string; readonly frames: readonly number[] }>([
  ...[...lengthVectors, ...varintVectors, ...berVectors].map((vector) => [vector.id, vector] as const),
  ["nmea", nmea],
]);

/** Whose frames each row of the table must cut. */
const rows: Readonly<Record<string, readonly string[]>> = {
  "BGP": ["bgp-keepalive"],
  "Diameter": ["diameter-cer"],
  "DLMS, wrapper": ["dlms-wrapper"],
  "DLMS, HDLC, without checks": ["hdlc-snrm", "hdlc-aarq", "hdlc-aare"],
  "DNS over TCP": ["dns-1"],
  "EtherNet/IP": ["enip-register"],
  "GT06, without checks": ["gt06-login"],
  "IEC 104, without checks": ["iec104-u", "iec104-i-seq"],
  "ISO 8583, 2 bytes": ["iso-2be", "iso-nac-tpdu"],
  "ISO 8583, BCD": ["iso-bcd2"],
  "ISO 8583, Visa VML and CS": ["iso-vml", "iso-cs-keepalive"],
  "LDAP": ["ldap-bind+unbind"],
  "Modbus/TCP, without checks": ["modbus-1", "modbus-3", "modbus-4"],
  "MQTT, without checks": ["mqtt-1"],
  "MySQL": ["mysql-1"],
  "NMEA 0183, without checks": ["nmea"],
  "OPC UA, without checks": ["opcua-hel", "opcua-opn"],
  "PostgreSQL, start-up": ["pg-sslrequest"],
  "PostgreSQL, after it": ["pg-auth"],
  "Protocol Buffers, delimited": ["protobuf-1"],
  "SMPP": ["smpp-bind"],
  "TPKT, without checks": ["tpkt-1"],
};

/** What of each frame is passed on, behind a length and before a line end that are not. */
function bodies(code: string, wire: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const strip = code.includes("strip: 2") ? 2 : code === "varintField()" ? 1 : 0;
  const trailer = code.startsWith("lines") ? 2 : 0;
  let at = 0;
  return sizes.map((size) => wire.subarray(at + strip, (at += size) - trailer));
}

describe("docs/protocols.md", () => {
  it("has code that compiles, and runs to its end", { timeout: 120_000 }, async (t) => {
    await runPrograms(t, programs);
  });

  it("has a section with a server for each protocol, whose table names its options and no others (F-8)", () => {
    for (const preset of presets.values()) {
      const hasOptions = Object.keys(preset.options).length > 0;
      const section = sections.find((each) =>
        new RegExp(`\\b${preset.name}\\(`).test(each) && (/^\| `/m.test(each) || !hasOptions)
      );
      assert.ok(section, preset.name);
      const named = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, option]) => option!).sort();
      assert.deepEqual(named, Object.keys(preset.options).sort(), preset.name);
    }
  });

  const [, table = ""] = /^## Settings\n(.*?)^```/ms.exec(text)!;
  const settings = [...table.matchAll(/^\| ([^|`]+?) +\| `([^`]+)` +\| `([^`]+)`/gm)]
    .map(([, protocol, code, spec]) => [protocol!, code!, spec!] as const);

  it("has settings for the protocols whose frames are here, and no others (F-8)", () => {
    assert.deepEqual(settings.map(([protocol]) => protocol), Object.keys(rows));
  });

  for (const [protocol, code, spec] of settings) {
    it(`has settings that cut and write frames of ${protocol}, at every split (F-8)`, () => {
      const makers = { lengthField, varintField, berField, lines };
      const inProgram: Framing<Uint8Array> = new Function(...Object.keys(makers), `return ${code}`)(
        ...Object.values(makers),
      );
      for (const id of rows[protocol] ?? []) {
        const { wire, frames: sizes } = vectors.get(id)!;
        const whole = hex(wire);
        const frames = bodies(code, whole, sizes);
        for (const framing of [inProgram, parseFraming(spec)]) {
          assertFramer(framing, [{ name: id, bytes: whole, frames, exact: true }], { randomSplits: 10 });
        }
      }
    });
  }

  it("says truly what is too short for SMPP and Diameter (F-8)", () => {
    for (const [protocol, short] of [["SMPP", "0000000f"], ["Diameter", "01000013"]]) {
      const [, , spec] = settings.find(([name]) => name === protocol)!;
      assertFramer(parseFraming(spec), [
        { bytes: hex(short!.padEnd(40, "0")), frames: [], error: { reason: "malformed", offset: 0 } },
      ]);
    }
  });

  it("links only to files that are there", () => {
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(root, dirname("docs/protocols.md"), target!)), target);
    }
  });
});
