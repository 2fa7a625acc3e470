/** OTLP as Protocol Buffers: what the official schema reads is what was written (F-50). */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import fc from "fast-check";
import { attributesOf } from "../../../src/gateway/telemetry/attributes.ts";
import { exceptionFacts } from "../../../src/gateway/telemetry/logs.ts";
import { partialSuccess, requestBody } from "../../../src/gateway/telemetry/request.ts";
import { strictly } from "../../support/otlp_receiver.ts";

describe("OTLP as Protocol Buffers and as JSON", () => {
  it("says the same in both, for any facts (F-50)", () => {
    const fact = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.double(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    );
    const facts = fc.dictionary(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), fact, {
      maxKeys: 200,
      noNullPrototype: true,
    });
    fc.assert(fc.property(facts, fc.nat(2 ** 31 - 1), (given, severityNumber) => {
      const record = {
        timeUnixNano: "1732752000000123000",
        observedTimeUnixNano: "9223372036854775807",
        severityNumber,
        severityText: "INFO",
        body: { stringValue: "x" },
        attributes: attributesOf(given),
      };
      const read = (["http/json", "http/protobuf"] as const).map((encoding) => {
        const body = requestBody("logs", encoding, attributesOf({ "service.name": "x" }), [record, record]);
        const type = encoding === "http/json" ? "application/json" : "application/x-protobuf";
        return strictly("logs", type, Buffer.from(body as string));
      });
      assert.deepEqual(read[0], read[1]);
      const [first, second] = read[1].resourceLogs[0].scopeLogs[0].logRecords;
      const { attributes, ...others } = record;
      assert.deepEqual(first, attributes.length === 0 ? others : record);
      assert.deepEqual(second, first);
    }));
  });

  it("is exact where a request is larger than what is first set aside for it (F-50)", () => {
    const items = Array.from({ length: 600 }, (_, index) => ({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      parentSpanId: "00f067aa0ba902b7",
      name: "n".repeat(index === 300 ? 1_000_000 : index),
      kind: 5,
      startTimeUnixNano: "1",
      endTimeUnixNano: "2",
      attributes: attributesOf({ index, text: "ü".repeat(index) }),
      links: [{ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" }],
      status: { message: "m", code: 2 },
    }));
    const body = requestBody("traces", "http/protobuf", [], items) as Uint8Array;
    const read = strictly("traces", "application/x-protobuf", Buffer.from(body));
    assert.deepEqual(read.resourceSpans[0].scopeSpans[0].spans, items);
  });

  it("has attributes of limited number and length (F-50)", () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, index]));
    assert.equal(attributesOf(many).length, 128);
    const [text] = attributesOf({ text: `${"x".repeat(4095)}😀` });
    assert.deepEqual(text!.value, { stringValue: "x".repeat(4095) });
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    assert.deepEqual(
      attributesOf({ none: undefined, circular, list: [1, "a"], error: new Error("why") }).map((item) =>
        item.value
      ),
      [{ stringValue: "[object Object]" }, { stringValue: '[1,"a"]' }, { stringValue: "why" }],
    );
  });

  it("has an error as an exception (F-50)", () => {
    const error = new TypeError("broken");
    assert.deepEqual(exceptionFacts(error), {
      "exception.type": "TypeError",
      "exception.message": "broken",
      "exception.stacktrace": error.stack,
    });
  });

  it("reads what a collector did not take, and survives any answer (F-50)", () => {
    const json = Buffer.from('{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}');
    assert.deepEqual(partialSuccess("http/json", json), { rejected: 3, message: "too old" });
    const binary = Uint8Array.of(0x18, 1, 0x0a, 7, 0x08, 0x81, 0x01, 0x12, 2, 0x6e, 0x6f);
    assert.deepEqual(partialSuccess("http/protobuf", binary), { rejected: 129, message: "no" });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom("http/json", "http/protobuf"), (
      bytes,
      encoding,
    ) => {
      const { rejected, message } = partialSuccess(encoding as "http/json", bytes);
      assert.equal(typeof rejected, "number");
      assert.equal(typeof message, "string");
    }));
  });
});
