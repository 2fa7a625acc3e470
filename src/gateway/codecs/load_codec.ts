/**
 * A codec from its module.
 *
 * Called by the check of a configuration and by the start of an endpoint, which share one codec.
 */
import { loadModule } from "../../host/module.ts";
import type { Codec, CodecFactory } from "./codec.ts";
import type { CodecSettings } from "./codec_settings.ts";

/** A codec cannot be had, because of what stands at one key of its settings. */
export class CodecLoadError extends Error {
  readonly key: "module" | "export" | "options";
  readonly expected: string;
  readonly hint: string | undefined;
  constructor(key: "module" | "export" | "options", expected: string, hint?: string, cause?: unknown) {
    super(`the codec's ${key}: expected ${expected}${hint === undefined ? "" : `; ${hint}`}`, { cause });
    this.key = key;
    this.expected = expected;
    this.hint = hint;
  }
}

const loaded: WeakMap<CodecSettings, Promise<Codec>> = new WeakMap();
const members = "an object with decode or encode";

/** Rejects with {@linkcode CodecLoadError}. The same codec for the same settings. */
export function loadCodec(settings: CodecSettings): Promise<Codec> {
  let codec = loaded.get(settings);
  if (codec === undefined) loaded.set(settings, codec = load(settings));
  return codec;
}

async function load(settings: CodecSettings): Promise<Codec> {
  const { module: path, export: name = "default", options } = settings;
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await loadModule(path);
  } catch (cause) {
    throw new CodecLoadError("module", "a module that can be loaded", whyNot(cause, path), cause);
  }
  const found = module[name] ?? (settings.export === undefined && isCodec(module) ? module : undefined);
  if (typeof found !== "function") {
    if (options !== undefined && isCodec(found)) {
      throw new CodecLoadError(
        "options",
        "to be left out: what the module exports is no function of options",
      );
    }
    if (isCodec(found)) return found;
    const names = Object.keys(module).join(", ");
    const hint = found !== undefined
      ? undefined
      : names === ""
      ? "it exports nothing"
      : `it exports ${names}`;
    throw new CodecLoadError(
      "export",
      `an export ${name} that is ${members}, or a function that returns one`,
      hint,
    );
  }
  let made: unknown;
  try {
    made = await (found as CodecFactory)(options ?? {});
  } catch (cause) {
    throw new CodecLoadError("options", "options that the codec accepts", textOf(cause), cause);
  }
  if (isCodec(made)) return made;
  throw new CodecLoadError("export", `a function that returns ${members}`);
}

function isCodec(value: unknown): value is Codec {
  if (typeof value !== "object" || value === null) return false;
  const { decode, encode, encodes } = value as Readonly<Record<string, unknown>>;
  const right = [decode, encode].every((one) => one === undefined || typeof one === "function");
  const known = encodes === undefined || encodes === "json" || encodes === "bytes";
  return right && known && (decode !== undefined || encode !== undefined);
}

function whyNot(error: unknown, path: string): string {
  const { code } = error as { readonly code?: unknown };
  if (code === "ERR_UNKNOWN_FILE_EXTENSION" && /\.[cm]?tsx?$/.test(path)) {
    return "this version of Node reads no TypeScript: use JavaScript (.mjs), or a loader such as node --import tsx";
  }
  return textOf(error);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
