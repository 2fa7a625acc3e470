/** All presets by name. A new protocol is one file with a function and its `Preset`, and one line here. */
import { mqttPreset } from "./mqtt.ts";
import { ndjsonPreset } from "./ndjson.ts";
import { netstringPreset } from "./netstring.ts";
import { opcuaPreset } from "./opcua.ts";
import { postgresPreset } from "./postgres.ts";
import type { Preset } from "./preset.ts";
import { respPreset } from "./resp.ts";
import { syslogPreset } from "./syslog.ts";
import { tpktPreset } from "./tpkt.ts";

/** A map, since names come from outside and `constructor` is none of them. */
export const presets: ReadonlyMap<string, Preset> = new Map(
  [
    postgresPreset,
    respPreset,
    mqttPreset,
    syslogPreset,
    ndjsonPreset,
    opcuaPreset,
    tpktPreset,
    netstringPreset,
  ].map((preset) => [preset.name, preset]),
);
