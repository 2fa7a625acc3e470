/** All presets by name. A new protocol is one file with a function and its `Preset`, and one line here. */
import { netstringPreset } from "./netstring.ts";
import type { Preset } from "./preset.ts";

/** A map, since names come from outside and `constructor` is none of them. */
export const presets: ReadonlyMap<string, Preset> = new Map(
  [
    netstringPreset,
  ].map((preset) => [preset.name, preset]),
);
