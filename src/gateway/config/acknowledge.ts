/**
 * How an endpoint acknowledges frames to its peers: a preset such as `mllp2`, or a table with it or with bytes.
 *
 * Read by `endpoint_config.ts`; the presets are in `acknowledge/link_protocols.ts`.
 */
import { encodeWhole } from "../../core/flow/congestion.ts";
import type { Framing } from "../../core/framing/framing.ts";
import type { Acknowledge } from "../acknowledge/acknowledge.ts";
import type { LinkProtocol } from "../acknowledge/link_protocol.ts";
import { linkPresets, ownAnswers } from "../acknowledge/link_protocols.ts";
import { Unframed } from "../acknowledge/unframed.ts";
import type { Section } from "./section.ts";
import { boolean, bytes, finiteDuration, integer, oneOf } from "./values.ts";

const key = "acknowledge";
const names = [...linkPresets.keys()];
const wanted = `${names.join(", ")}, or a table with one of them as type, or with ack`;
const most = 3;

/** Undefined for an endpoint that acknowledges nothing, and for a fault. */
export function readAcknowledge(
  endpoint: Section,
  framing: Framing<Uint8Array> | undefined,
  /** Frames are stored where they go. */
  stores: boolean,
): Acknowledge | undefined {
  const usual = {
    when: stores ? "stored" : "received",
    onFailure: "close",
    maxNaks: most,
    egress: undefined,
  } as const;
  if (typeof endpoint.raw(key) === "string") {
    const type = endpoint.take(key, oneOf(names));
    const protocol = type === undefined ? undefined : preset(endpoint, key, type, framing);
    return protocol && { protocol, ...usual };
  }
  return endpoint.table(key, wanted, (table) => {
    const type = table.take("type", oneOf(names));
    const own = readOwn(table, framing);
    if (own !== undefined && table.has("type")) {
      table.refuse("ack", table.raw("ack"), "to be left out with type, or used instead of it");
    } else if (own === undefined && !table.has("type") && !table.has("ack")) {
      table.refuse("type", undefined, `${names.join(", ")}, or ack in its place`);
    }
    const protocol = own ?? (type === undefined ? undefined : preset(table, "type", type, framing));
    const given = {
      when: table.take("when", oneOf<"received" | "stored">(["received", "stored"])) ?? usual.when,
      onFailure: table.take("onFailure", oneOf<"close" | "continue">(["close", "continue"])) ??
        usual.onFailure,
      maxNaks: table.take("maxNaks", integer(1)) ?? most,
      egress: readEgress(table, protocol, framing),
    };
    if (given.when === "stored" && !stores) {
      table.refuse("when", "stored", '"received": nothing stores the frames of this endpoint');
    }
    for (
      const other of protocol?.isKeepalive === undefined ? [] : ["when", "onFailure", "maxNaks", "egress"]
    ) {
      if (table.has(other)) table.refuse(other, table.raw(other), `to be left out with ${protocol!.name}`);
    }
    return protocol && { protocol, ...given };
  });
}

/** What peers are sent is acknowledged by them; undefined where it is not. */
function readEgress(
  table: Section,
  protocol: LinkProtocol | undefined,
  framing: Framing<Uint8Array> | undefined,
): Acknowledge["egress"] {
  const value = table.raw("egress");
  if (value === undefined || value === false) return undefined;
  const standard = { timeout: 10_000, repeats: 2 };
  const egress = value === true ? standard : table.table(
    "egress",
    "true, or a table with timeout and repeats",
    (own) => ({
      timeout: own.take("timeout", finiteDuration) ?? standard.timeout,
      repeats: own.take("repeats", integer(0, 100)) ?? standard.repeats,
    }),
  );
  if (protocol === undefined || protocol.isKeepalive !== undefined) return undefined;
  const { name, reply, bareReplies = [] } = protocol;
  if (reply === undefined) {
    table.refuse("egress", value, `to be left out with ${name}, whose peers do not acknowledge`);
  } else if (framing !== undefined && !bareReplies.every((bytes) => delivers(framing, bytes))) {
    const expected = "a framing that delivers each answer of a peer as a frame, such as stxEtx with controls";
    table.refuse("egress", value, expected);
  }
  return egress;
}

/** These bytes are a frame of this framing, and the frame is these bytes. */
function delivers(framing: Framing<Uint8Array>, bytes: Uint8Array): boolean {
  const found: Uint8Array[] = [];
  try {
    framing.decoder(() => {}).push(new Uint8Array(bytes), (frame) => void found.push(frame));
  } catch {
    return false;
  }
  return found.length === 1 && found[0]!.join() === bytes.join();
}

function preset(
  section: Section,
  at: string,
  name: string,
  framing: Framing<Uint8Array> | undefined,
): LinkProtocol {
  const { framings, protocol } = linkPresets.get(name)!;
  if (framing !== undefined && framings?.includes(framing.name) === false) {
    const expected = `a preset for the framing ${framing.name}: ${name} is for ${framings.join(" and ")}`;
    section.refuse(at, name, expected);
  }
  return protocol;
}

function readOwn(table: Section, framing: Framing<Uint8Array> | undefined): LinkProtocol | undefined {
  const framed = table.take("framed", boolean) ?? false;
  const [yes, no] = (["ack", "nak"] as const).map((name) => {
    const found = table.take(name, bytes);
    if (found === undefined) return undefined;
    if (!framed) return Unframed.from(found);
    try {
      if (framing !== undefined) encodeWhole(framing, found);
      return found;
    } catch (error) {
      const hint = error instanceof Error ? error.message : String(error);
      table.refuse(name, table.raw(name), "what the framing can write, or no framed", hint);
      return undefined;
    }
  });
  for (const other of ["nak", "framed"]) {
    if (table.has(other) && !table.has("ack")) {
      table.refuse(other, table.raw(other), "to be left out, or used with ack");
    }
  }
  return yes && ownAnswers(yes, no);
}
