/** All presets by name. A new protocol is one file with a function and its `Preset`, and one line here. */
import { astmPreset } from "./astm.ts";
import { cobsPreset } from "./cobs.ts";
import { dnp3Preset } from "./dnp3.ts";
import { fixPreset } from "./fix.ts";
import { gt06Preset } from "./gt06.ts";
import { hdlcPreset } from "./hdlc.ts";
import { iec104Preset } from "./iec104.ts";
import { iso8583Preset } from "./iso8583.ts";
import { mllpPreset } from "./mllp.ts";
import { modbusPreset } from "./modbus.ts";
import { mqttPreset } from "./mqtt.ts";
import { ndjsonPreset } from "./ndjson.ts";
import { netstringPreset } from "./netstring.ts";
import { nmeaPreset } from "./nmea.ts";
import { opcuaPreset } from "./opcua.ts";
import { postgresPreset } from "./postgres.ts";
import type { Preset } from "./preset.ts";
import { respPreset } from "./resp.ts";
import { slipPreset } from "./slip.ts";
import { stxEtxPreset } from "./stx_etx.ts";
import { syslogPreset } from "./syslog.ts";
import { teltonikaPreset } from "./teltonika.ts";
import { tpktPreset } from "./tpkt.ts";

/** A map, since names come from outside and `constructor` is none of them. */
export const presets: ReadonlyMap<string, Preset> = new Map(
  [
    postgresPreset,
    respPreset,
    mqttPreset,
    syslogPreset,
    slipPreset,
    cobsPreset,
    ndjsonPreset,
    opcuaPreset,
    tpktPreset,
    netstringPreset,
    modbusPreset,
    mllpPreset,
    fixPreset,
    nmeaPreset,
    stxEtxPreset,
    astmPreset,
    gt06Preset,
    teltonikaPreset,
    iec104Preset,
    dnp3Preset,
    hdlcPreset,
    iso8583Preset,
  ].map((preset) => [preset.name, preset]),
);
