/** The key `codec` of an endpoint: the module that turns its frames into messages. Read by `endpoint_config.ts`. */
import { resolvePath } from "../../host/process.ts";
import type { Acknowledge } from "../acknowledge/acknowledge.ts";
import { codecProtocol } from "../codecs/frame_facts.ts";
import type { CodecSettings } from "../codecs/codec_settings.ts";
import type { ConfigPath, FaultList } from "./fault.ts";
import { type Read, Refusal, type Section } from "./section.ts";
import { finiteSize, integer, oneOf, text } from "./values.ts";

const usual = {
  export: undefined,
  options: undefined,
  onFault: "continue",
  maxFaults: 100,
  maxMessageBytes: 1024 * 1024,
} as const;
const expected = 'the path of a module such as "./codecs/hl7.mjs", or a table with module';

const options: Read<Readonly<Record<string, unknown>>> = (value) => {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new Refusal("a table of options for the codec");
};

/** Undefined for an endpoint without one; `folder` is where relative paths start. */
export function readCodec(section: Section, folder: string): CodecSettings | undefined {
  const path: Read<string> = (value) => resolvePath(folder, text(value));
  if (typeof section.raw("codec") === "string") {
    const module = section.take("codec", path);
    return module === undefined ? undefined : { module, ...usual };
  }
  return section.table("codec", expected, (part) => ({
    module: part.require("module", path, "the path of a module") ?? "",
    export: part.take("export", text),
    options: part.take("options", options),
    onFault: part.take("onFault", oneOf<"continue" | "close">(["continue", "close"])) ?? usual.onFault,
    maxFaults: part.take("maxFaults", integer(1)) ?? usual.maxFaults,
    maxMessageBytes: part.take("maxMessageBytes", finiteSize) ?? usual.maxMessageBytes,
  }));
}

/** Frames are answered as the codec says, where it does; as many refusals as faults may come in a row. */
export function codecAnswers({ maxFaults: maxNaks }: CodecSettings, stores: boolean): Acknowledge {
  const when = stores ? "stored" : "received";
  return { protocol: codecProtocol, when, onFailure: "close", maxNaks, egress: undefined };
}

/** Loads it, and says what is wrong with it. */
export async function checkCodec(
  list: FaultList,
  path: ConfigPath,
  settings: CodecSettings,
): Promise<void> {
  const { CodecLoadError, loadCodec } = await import("../codecs/load_codec.ts");
  try {
    await loadCodec(settings);
  } catch (error) {
    if (!(error instanceof CodecLoadError)) throw error;
    const { key, expected, hint } = error;
    const found = settings[key];
    list.add([...path, key], found, expected, hint);
  }
}
