/**
 * The framing of an endpoint: a text such as `length:4` (`protocols/framing_text.ts`), or a table of that framing's own
 * options.
 *
 * The options are those of the functions in `core/framing`, which also decide what makes sense together: what
 * they refuse is reported under the endpoint's path.
 */
import { OptionsError } from "../../core/errors.ts";
import { berField } from "../../core/framing/ber_field.ts";
import { checksummed } from "../../core/framing/checksummed.ts";
import { delimited } from "../../core/framing/delimited.ts";
import { discardAfterSilence } from "../../core/framing/discard_after_silence.ts";
import { fixedLength } from "../../core/framing/fixed_length.ts";
import type { FrameErrorPolicy, Framing } from "../../core/framing/framing.ts";
import { parseFraming } from "../../protocols/framing_text.ts";
import { lengthField } from "../../core/framing/length_field.ts";
import { lines } from "../../core/framing/lines.ts";
import { raw } from "../../core/framing/raw.ts";
import { silence } from "../../core/framing/silence.ts";
import { varintField } from "../../core/framing/varint_field.ts";
import type { PresetValue } from "../../protocols/preset.ts";
import { presets } from "../../protocols/presets.ts";
import { readChecksum } from "./checksum.ts";
import type { FaultList } from "./fault.ts";
import { nearest, type Read, Section } from "./section.ts";
import { boolean, bytes, finiteDuration, finiteSize, integer, oneOf, size } from "./values.ts";

interface Kind {
  readonly options: Readonly<Record<string, Read<unknown>>>;
  /** Options that cannot be left out, and what is expected there. */
  readonly required?: Readonly<Record<string, string>>;
  make(options: never): Framing<Uint8Array>;
}

const policy = oneOf(["close", "skip"]);
const anyInteger = integer(Number.MIN_SAFE_INTEGER);

const variableLength = {
  lengthOffset: integer(0),
  maxLengthBytes: integer(1),
  shortestForm: boolean,
  keepHeader: boolean,
  maxFrameBytes: size,
  maxSentFrameBytes: size,
  emptyFrames: oneOf(["deliver", "drop"]),
  onFrameError: policy,
};

function readPreset(value: PresetValue): Read<unknown> {
  switch (value.kind) {
    case "flag":
      return boolean;
    case "size":
      return size;
    case "bytes":
      return bytes;
    case "integer":
      return integer(value.least, value.most);
    case "choice":
      return oneOf(value.of);
  }
}

/** By name: a map, since names come from outside and `constructor` is none of them. */
const kinds: ReadonlyMap<string, Kind> = new Map(Object.entries<Kind>({
  lines: {
    options: {
      maxFrameBytes: size,
      stripCarriageReturn: boolean,
      loneCarriageReturn: boolean,
      append: boolean,
      newline: oneOf(["\n", "\r\n", "\r"]),
      checkSent: boolean,
      acceptUnterminated: boolean,
      onFrameError: policy,
    },
    make: lines as Kind["make"],
  },
  delimited: {
    options: {
      delimiter: (value) => Array.isArray(value) ? value.map(bytes) : bytes(value),
      position: oneOf(["suffix", "prefix"]),
      keepDelimiter: boolean,
      append: boolean,
      checkSent: boolean,
      acceptUnterminated: boolean,
      maxFrameBytes: size,
      onFrameError: policy,
    },
    make: delimited,
  },
  fixedLength: {
    options: { frameBytes: finiteSize },
    required: { frameBytes: "the size of every frame, in bytes" },
    make: fixedLength,
  },
  lengthField: {
    options: {
      lengthOffset: integer(0),
      lengthBytes: anyInteger,
      lengthFormat: oneOf(["binary", "decimal", "hex", "bcd"]),
      endian: oneOf(["big", "little"]),
      lengthMask: anyInteger,
      headerBytes: integer(0),
      lengthIncludesHeader: boolean,
      adjustment: anyInteger,
      strip: integer(0),
      maxFrameBytes: size,
      maxSentFrameBytes: size,
      emptyFrames: oneOf(["deliver", "drop"]),
      onFrameError: policy,
      writeHeader: boolean,
      header: bytes,
    },
    make: lengthField,
  },
  varintField: { options: variableLength, make: varintField },
  berField: { options: variableLength, make: berField },
  silence: {
    options: { gap: finiteDuration, maxFrameBytes: size, onFrameError: policy },
    required: { gap: "how long nothing comes after the end of a frame, such as 15ms" },
    make: silence,
  },
  raw: { options: {}, make: () => raw() },
  ...Object.fromEntries(
    [...presets].map(([name, { options, make }]) => [name, {
      options: Object.fromEntries(
        Object.entries(options).map(([option, value]) => [option, readPreset(value)]),
      ),
      make,
    }]),
  ),
}));
/** Those whose frames cannot be torn by silence. */
const unbroken: readonly string[] = ["raw", "silence"];
const names = [...kinds.keys()];
const wanted =
  "a framing such as lines or length:4, or a table such as { type: lengthField, lengthBytes: 2 }";

/** Reads `framing` of an endpoint; undefined when something was wrong. */
export function readFraming(endpoint: Section, list: FaultList): Framing<Uint8Array> | undefined {
  const value = endpoint.raw("framing");
  const path = [...endpoint.path, "framing"];
  if (value === undefined) return lines();
  if (typeof value === "string") {
    try {
      return parseFraming(value);
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      for (const { found, expected } of error.issues) list.add(path, found, expected);
      return undefined;
    }
  }
  const section = Section.open(list, path, value, wanted);
  if (section === undefined) return undefined;
  const type = section.raw("type");
  const kind = typeof type === "string" ? kinds.get(type) : undefined;
  if (typeof type !== "string" || kind === undefined) {
    const near = typeof type === "string" ? nearest(type, names) : undefined;
    const hint = near && `did you mean ${JSON.stringify(near)}?`;
    list.add([...path, "type"], type, `one of ${names.join(", ")}`, hint);
    return undefined;
  }
  const before = list.faults.length;
  const options: Record<string, unknown> = {};
  for (const [key, read] of Object.entries(kind.options)) {
    const expected = kind.required?.[key];
    const option = expected === undefined ? section.take(key, read) : section.require(key, read, expected);
    if (option !== undefined) options[key] = option;
  }
  const gap = unbroken.includes(type) ? undefined : section.take("discardAfterSilence", finiteDuration);
  const checksum = readChecksum(section);
  section.close((key) => belongsElsewhere(type, key));
  if (list.faults.length > before) return undefined;
  const plain = made(() => kind.make(options as never), list, path);
  // What is skipped by the framing is skipped for its checksum, unless it says otherwise.
  const policy = options["onFrameError"] as FrameErrorPolicy | undefined;
  const framing = plain === undefined || checksum === undefined ? plain : made(
    () => checksummed(plain, { onFrameError: policy, ...checksum }),
    list,
    [...path, "checksum"],
  );
  return framing === undefined || gap === undefined
    ? framing
    : made(() => discardAfterSilence(framing, { gap }), list, path);
}

function made(
  make: () => Framing<Uint8Array>,
  list: FaultList,
  path: readonly (string | number)[],
): Framing<Uint8Array> | undefined {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    for (const issue of error.issues) {
      list.add([...path, ...issue.path.split(".")], issue.found, issue.expected);
    }
    return undefined;
  }
}

function belongsElsewhere(type: string, key: string): string | undefined {
  if (type === "lines" && key === "encoding") {
    return "frames on the bus are bytes; the endpoint's encoding decides how they are shown";
  }
  const owners = [...kinds].filter(([, kind]) => Object.hasOwn(kind.options, key)).map(([name]) => name);
  return owners.length === 0 ? undefined : `it belongs to ${owners.join(" and ")}, not to ${type}`;
}
