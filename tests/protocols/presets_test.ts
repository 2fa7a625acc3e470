// Every preset, from the registry: text, configuration, help and function take the same options and refuse the same.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { formsHelp } from "../../src/gateway/cli/framing_spec.ts";
import { checkConfig } from "../../src/gateway/config/config.ts";
import { formatFaults } from "../../src/gateway/config/fault.ts";
import { parseFraming } from "../../src/protocols/framing_text.ts";
import { type Preset, type PresetValue, wordFor } from "../../src/protocols/preset.ts";
import { presets } from "../../src/protocols/presets.ts";

function faultOf(framing: unknown): string {
  const result = checkConfig({ endpoints: [{ name: "a", listen: 0, framing }] });
  return result.ok ? "" : formatFaults(result.faults);
}

const examples: Readonly<Record<Exclude<PresetValue["kind"], "choice" | "integer">, [string, unknown]>> = {
  flag: ["", true],
  size: ["=64KiB", "64KiB"],
  bytes: ["=\\x02", { hex: "02" }],
};

/** A value that every option of this kind takes, as text behind the word and in a configuration. */
function example(value: PresetValue): [text: string, config: unknown] {
  if (value.kind === "choice") return [`=${value.of[0]}`, value.of[0]];
  if (value.kind === "integer") return [`=${value.most}`, value.most];
  return examples[value.kind];
}

for (const [name, preset] of presets) {
  describe(`the preset ${name}`, () => {
    it("has its name in text, in a configuration and in the help (F-8)", () => {
      assert.equal(parseFraming(name).name, name);
      assert.equal(faultOf(name), "");
      assert.equal(faultOf({ type: name }), "");
      assert.ok(formsHelp.includes(`  ${name}`), "the help names it");
      assert.ok(formsHelp.includes(preset.summary), "the help says what it is");
      assert.throws(() => parseFraming(`${name}:x`), /nothing after a colon/);
    });

    it("takes each of its options in text and in a configuration, and refuses others (F-8)", () => {
      for (const [option, value] of Object.entries(preset.options)) {
        const [text, config] = example(value);
        const word = option === "onFrameError" ? "skip" : wordFor(option) + text;
        const [inText, inConfig] = [outcome(`${name},${word}`), faultOf({ type: name, [option]: config })];
        assert.equal(
          inText === "",
          inConfig === "",
          `${word}: ${inText || "accepted"}, ${inConfig || "accepted"}`,
        );
        assert.match(faultOf({ type: name, [option]: ["x"] }), new RegExp(`framing\\.${option}: found `));
        assert.ok(formsHelp.includes(option === "onFrameError" ? "skip" : wordFor(option)));
      }
      assert.throws(() => parseFraming(`${name},wrong`), /expected/);
      assert.match(faultOf({ type: name, wrong: 1 }), /framing\.wrong: /);
    });

    it("is checked by its function in the same way: options that do not exist are refused (F-8)", () => {
      assert.throws(() => (preset as Preset).make({ wrong: 1 } as never), OptionsError);
    });
  });
}

function outcome(text: string): string {
  try {
    parseFraming(text);
    return "";
  } catch (error) {
    assert.ok(error instanceof OptionsError, String(error));
    return error.message;
  }
}
