/**
 * The check of the option `firstBytes`.
 *
 * Called by `server/settings.ts`.
 */
import type { Handler } from "../../connection/connection_options.ts";
import {
  checkFraming,
  checkGoodbye,
  type ConnectionProfile,
  withProtocol,
} from "../../connection/profile.ts";
import { checkDuration } from "../../core/time/duration.ts";
import { checkFlag, type OptionsCheck } from "../../core/options.ts";
import type { FirstBytes, ProtocolStart } from "./first_bytes.ts";
import type { FirstBytesOptions, ProtocolOptions } from "./preface_options.ts";

type Protocols<Received, Sent, Context> = readonly ProtocolOptions<
  Received,
  Sent,
  Handler<Received, Sent, Context>,
  Context
>[];

/** Checked settings of first bytes. */
export interface FirstBytesSettings<Profile> extends FirstBytes<Profile> {
  readonly check: { readonly path: string; readonly healthy: (() => boolean) | undefined } | undefined;
  readonly after: number;
  readonly timeout: number;
}

const defaultTimeout = 10_000;
const longestStart = 64;

/** Checks `firstBytes`; faults go to `check`. `own` is what the connections of the server's own protocol have. */
export function resolveFirstBytes<Received, Sent, Context>(
  check: OptionsCheck,
  given: FirstBytesOptions<Received, Sent, Handler<Received, Sent, Context>, Context> | undefined,
  tls: boolean,
  own: ConnectionProfile<Received, Sent, Context>,
): FirstBytesSettings<ConnectionProfile<Received, Sent, Context>> | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== "object" || given === null) {
    check.refuse("firstBytes", given, 'an object such as { healthCheck: "/healthz" }');
    return undefined;
  }
  check.keys(given, ["plaintext", "healthCheck", "protocols", "after", "timeout"], "firstBytes.");
  const { plaintext, healthCheck, protocols, after, timeout } = given;
  checkFlag(check, "firstBytes.plaintext", plaintext);
  if (plaintext && !tls) {
    check.refuse(
      "firstBytes.plaintext",
      true,
      "to be left out without tls: all connections are in plaintext",
    );
  }
  const settings = {
    tls: !tls ? "none" : plaintext ? "choice" : "rest",
    check: checkHealth(check, healthCheck),
    health: healthCheck !== undefined,
    protocols: checkProtocols(check, protocols, own),
    after: checkDuration(check, "firstBytes.after", after, Infinity),
    timeout: checkDuration(check, "firstBytes.timeout", timeout, defaultTimeout),
  } as const;
  if (after !== undefined && settings.after >= settings.timeout) {
    check.refuse("firstBytes.after", after, "less than firstBytes.timeout");
  }
  if (!plaintext && healthCheck === undefined && settings.protocols.length === 0) {
    check.refuse("firstBytes", given, "something to tell apart: plaintext, healthCheck or protocols");
  }
  return settings;
}

function checkHealth(
  check: OptionsCheck,
  given: FirstBytesOptions<unknown, unknown, unknown, unknown>["healthCheck"],
): FirstBytesSettings<never>["check"] {
  if (given === undefined) return undefined;
  const at = "firstBytes.healthCheck";
  const options = typeof given === "string" ? { path: given } : given;
  if (typeof options !== "object" || options === null) {
    check.refuse(at, given, 'a path such as "/healthz", or { path, healthy }');
    return undefined;
  }
  check.keys(options, ["path", "healthy"], `${at}.`);
  const { path, healthy } = options;
  if (typeof path !== "string" || !/^\/[!-~]*$/.test(path) || /[?#]/.test(path)) {
    check.refuse(
      typeof given === "string" ? at : `${at}.path`,
      path,
      'a path such as "/healthz", without a query',
    );
  }
  if (healthy !== undefined && typeof healthy !== "function") {
    check.refuse(`${at}.healthy`, healthy, "a function");
  }
  return { path, healthy };
}

function checkProtocols<Received, Sent, Context>(
  check: OptionsCheck,
  given: Protocols<Received, Sent, Context> | undefined,
  own: ConnectionProfile<Received, Sent, Context>,
): ProtocolStart<ConnectionProfile<Received, Sent, Context>>[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    check.refuse("firstBytes.protocols", given, "a list of { name, startsWith, framing }");
    return [];
  }
  const names = new Set<unknown>();
  return (given as Protocols<Received, Sent, Context>).flatMap((protocol, at) => {
    const path = `firstBytes.protocols[${at}]`;
    if (typeof protocol !== "object" || protocol === null) {
      check.refuse(path, protocol, "{ name, startsWith, framing }");
      return [];
    }
    check.keys(protocol, ["name", "startsWith", "framing", "handler", "onFrame"], `${path}.`);
    const { name, startsWith, framing, handler, onFrame } = protocol;
    if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name) || names.has(name)) {
      check.refuse(`${path}.name`, name, "a name of its own, of letters, digits, and . _ -");
    }
    names.add(name);
    if (checkFraming(check, framing, `${path}.framing`)) checkGoodbye(check, framing, own.options.goodbye);
    for (const [what, one] of [["handler", handler], ["onFrame", onFrame]] as const) {
      if (one !== undefined && typeof one !== "function") check.refuse(`${path}.${what}`, one, "a function");
    }
    if (handler !== undefined && onFrame !== undefined) {
      check.refuse(`${path}.handler`, "handler and onFrame", "one of handler and onFrame, or neither");
    }
    if (handler !== undefined && own.allowHalfOpen) {
      const expected =
        "to be left out with allowHalfOpen: a handler decides itself when the connection is done";
      check.refuse(`${path}.handler`, handler, expected);
    }
    return [{
      starts: checkStarts(check, `${path}.startsWith`, startsWith),
      profile: withProtocol(own, protocol),
    }];
  });
}

function checkStarts(check: OptionsCheck, path: string, given: unknown): Uint8Array[] {
  const list = Array.isArray(given) ? given : [given];
  const starts = list.map((one: unknown) => typeof one === "string" ? new TextEncoder().encode(one) : one);
  const good = starts.length > 0 &&
    starts.every((one): one is Uint8Array =>
      one instanceof Uint8Array && one.length > 0 && one.length <= longestStart
    );
  if (good) return starts.map((one) => one.slice());
  check.refuse(path, given, `text or bytes, 1 to ${longestStart} of them, or a list of such`);
  return [];
}
