/** The keys `identity` and `metricLabels` of an endpoint: whose a connection is, and what metrics tell apart by it. */
import type { CodecSettings } from "../codecs/codec_settings.ts";
import type { IdentityConfig } from "../identity/identity_config.ts";
import { identityForms, type IdentityRule } from "../identity/identity_rule.ts";
import { senderPlaces } from "../traffic/peer_metadata.ts";
import { type Read, Refusal, type Section } from "./section.ts";
import { boolean, bytes, duration, integer, oneOf, text } from "./values.ts";

/** Which metadata become labels of metrics, and how many values each. */
export interface MetricLabelsConfig {
  readonly names: readonly string[];
  /** Sets of values told apart; further ones count as `other`. */
  readonly maxValues: number;
}

const rules = ["offset", "after", "field", "json", "codec", "from"] as const;
const expected =
  "a table with one of offset (and length), after (and until), field (and separator), json, codec, or from";

/** Reads `identity`; undefined when there is none. */
export function readIdentity(
  section: Section,
  codec: CodecSettings | undefined,
): IdentityConfig | undefined {
  return section.table("identity", expected, (table) => {
    const given = rules.filter((name) => table.has(name));
    const [kind] = given;
    if (given.length !== 1) {
      const found = given.length === 0 ? undefined : given.join(" and ");
      section.refuse("identity", found, `exactly one of ${rules.join(", ")}`);
    }
    const rule = kind && readRule(table, kind);
    if (kind === "codec" && codec === undefined) {
      table.refuse("codec", true, "to be left out, or used with a codec of the endpoint");
    }
    const required = table.take("required", boolean) ?? true;
    const frame = table.take("frame", oneOf<"first" | "any">(["first", "any"])) ?? "first";
    if (kind === "from" && table.has("frame")) {
      table.refuse("frame", frame, "to be left out with from, which is known before the first frame");
    }
    const timeout = table.take("timeout", duration) ?? 30_000;
    if (table.has("timeout") && (!required || kind === "from")) {
      table.refuse("timeout", table.raw("timeout"), "to be left out, or used with required and a frame");
    }
    return {
      rule: rule!,
      frame,
      required,
      timeout,
      maxLength: table.take("maxLength", integer(1, 256)) ?? 64,
      onDuplicate:
        table.take("onDuplicate", oneOf<"newest" | "oldest" | "both">(["newest", "oldest", "both"])) ??
          "newest",
      unknown: table.take("unknown", oneOf<"deadLetter" | "ignore">(["deadLetter", "ignore"])) ??
        "deadLetter",
    };
  });
}

function readRule(table: Section, kind: typeof rules[number]): IdentityRule | undefined {
  switch (kind) {
    case "offset": {
      const offset = table.take("offset", integer(0));
      const length = table.require("length", integer(1, 256), "the number of bytes");
      const as = table.take("as", oneOf(identityForms)) ?? "text";
      return offset === undefined || length === undefined ? undefined : { offset, length, as };
    }
    case "after": {
      const after = table.take("after", bytes);
      return after && { after, until: table.take("until", bytes) };
    }
    case "field": {
      const field = table.take("field", integer(1, 10_000));
      const separator = table.take("separator", text) ?? "|";
      return field === undefined ? undefined : { field, separator, segment: table.take("segment", text) };
    }
    case "json": {
      const path = table.take("json", text);
      return path === undefined ? undefined : { json: path.split(".") };
    }
    case "codec": {
      const found = table.take("codec", boolean);
      if (found === false) table.refuse("codec", false, "true, or to be left out");
      return found ? { codec: true } : undefined;
    }
    case "from": {
      const from = table.take("from", oneOf(senderPlaces));
      return from === undefined ? undefined : { from };
    }
  }
}

const labels: Read<readonly string[]> = (value) => {
  const names: readonly string[] = ["identity", ...senderPlaces];
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((name) => names.includes(name)) && new Set(list).size === list.length) {
    return list as readonly string[];
  }
  throw new Refusal(`a list of ${names.join(", ")}`);
};

/** Reads `metricLabels`; undefined when there are none. */
export function readMetricLabels(section: Section): MetricLabelsConfig | undefined {
  const value = section.raw("metricLabels");
  if (value === undefined) return undefined;
  if (typeof value === "string" || Array.isArray(value)) {
    const names = section.take("metricLabels", labels);
    return names && { names, maxValues: 100 };
  }
  const wanted = 'a list such as ["tls.commonName"], or a table with names and maxValues';
  return section.table("metricLabels", wanted, (table) => ({
    names: table.require("names", labels, "a list of names") ?? [],
    maxValues: table.take("maxValues", integer(1, 10_000)) ?? 100,
  }));
}
