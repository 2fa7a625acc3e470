// The answer to an HL7 message: of whom, to whom, about which message, in its own delimiters.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hl7Answer } from "../../src/protocols/hl7_answer.ts";

const time = new Date(Date.UTC(2026, 10, 27, 21, 5, 9));
const latin = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const shown = (bytes: Uint8Array): string[] => String.fromCharCode(...bytes).split("\r");

describe("hl7Answer", () => {
  it("names sender and receiver in turn, the trigger, the version and the control id (F-8)", () => {
    const message = latin(
      "MSH|^~\\&|LAB^1|A|EHR|B|20260101||ORU^R01^ORU_R01|17|P|2.5.1||||||UNICODE UTF-8\rPID|1\r",
    );
    assert.deepEqual(shown(hl7Answer(message, "AA", { time })), [
      "MSH|^~\\&|EHR|B|LAB^1|A|20261127210509+0000||ACK^R01^ACK|17|P|2.5.1||||||UNICODE UTF-8",
      "MSA|AA|17",
      "",
    ]);
    assert.deepEqual(shown(hl7Answer(latin("MSH|^~\\&|A||B|||x|ADT|1|T|2.3"), "AR", { time })), [
      "MSH|^~\\&|B||A||20261127210509+0000||ACK|1|T|2.3",
      "MSA|AR|1",
      "",
    ]);
  });

  it("keeps the delimiters and the bytes of the message, and escapes a text (F-8)", () => {
    const message = latin("MSH#:*!+#K\xf6ln##M##1##ADT:A01#7#P#2.4\r");
    assert.deepEqual(shown(hl7Answer(message, "AE", { time, text: "a#b:c!d+e*f\rg|é" })), [
      "MSH#:*!+#M##K\xf6ln##20261127210509+0000##ACK:A01#7#P#2.4",
      "MSA#AE#7#a!F!b!S!c!E!d!T!e!R!f g|\xc3\xa9",
      "",
    ]);
  });

  it("says the time at which it was made (F-8)", () => {
    const before = Date.now() - 1000;
    const [, , , , , , at] = shown(hl7Answer(latin("MSH|^~\\&|||||||A|1"), "CA"))[0]!.split("|");
    const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\+0000$/.exec(at!)!.map(Number);
    const [year, month, ...rest] = parts as [number, number, number, number, number, number];
    const said = Date.UTC(year, month - 1, ...rest);
    assert.ok(said >= before && said <= Date.now(), at);
  });

  it("answers nothing that has no header or no control id (F-8)", () => {
    for (const message of ["", "PID|1", "MSH", "MSH|^~\\&|A|B|C|D|1||ADT", "x".repeat(10_000)]) {
      assert.throws(() => hl7Answer(latin(message), "AA"), { _tag: "FrameError", reason: "malformed" });
    }
  });
});
