/** The check of what `requests` takes. */
import { checkDuration } from "../../core/time/duration.ts";
import { checkInteger, OptionsCheck } from "../../core/options.ts";
import type { Connection } from "../../connection/connection.ts";
import type { HeartbeatOptions, KeyOptions, RequestKey, RequestsOptions } from "./request_options.ts";

export type { RequestKey } from "./request_options.ts";

/** Checked settings; spans in milliseconds. */
export interface RequestSettings<Received, Sent> {
  readonly timeout: number;
  readonly window: number;
  readonly maxWaiting: number;
  readonly closesAfterTimeout: boolean;
  readonly heartbeat: HeartbeatSettings<Received, Sent> | undefined;
  readonly onUnsolicited:
    | ((frame: Received, connection: Connection<Received, Sent, unknown>) => void | Promise<void>)
    | undefined;
  readonly maxUnsolicited: number;
  readonly isUnsolicited: ((frame: Received) => boolean) | undefined;
  readonly key: KeySettings<Received, Sent> | undefined;
}

/** Those of heartbeats. */
export interface HeartbeatSettings<Received, Sent> {
  readonly ping: () => Sent;
  readonly interval: number;
  readonly missed: number;
  readonly isPong: ((frame: Received) => boolean) | undefined;
}

/** Those of keys; one of the two ways to have one. */
export interface KeySettings<Received, Sent> {
  readonly ofReply: (frame: Received) => RequestKey | undefined;
  readonly ofRequest: ((frame: Sent) => RequestKey) | undefined;
  readonly assign: ((frame: Sent, key: number) => Sent) | undefined;
  readonly first: number;
  readonly last: number;
}

const keys = [
  "timeout",
  "window",
  "maxWaiting",
  "afterTimeout",
  "heartbeat",
  "onUnsolicited",
  "maxUnsolicited",
  "isUnsolicited",
  "key",
];
const windowDefault = 256;

/** Throws `OptionsError`. */
export function resolveRequests<Received, Sent>(
  options: RequestsOptions<Received, Sent>,
): RequestSettings<Received, Sent> {
  const check = new OptionsCheck();
  check.keys(options, keys);
  check.functions(options, ["onUnsolicited", "isUnsolicited"]);
  const { isUnsolicited, onUnsolicited, afterTimeout } = options;
  const key = options.key && checkKey(check, options.key);
  if (key !== undefined && isUnsolicited !== undefined) {
    const expected = "to be left out with key, whose ofReply returns undefined for such a frame";
    check.refuse("isUnsolicited", isUnsolicited, expected);
  }
  const places = key?.assign === undefined ? Infinity : key.last - key.first + 1;
  const window = checkInteger(check, "window", options.window, Math.min(windowDefault, places), 1);
  if (window > places) check.refuse("window", window, `at most the number of keys, ${places}`);
  const settings = {
    timeout: checkDuration(check, "timeout", options.timeout, 30_000),
    window,
    maxWaiting: checkInteger(check, "maxWaiting", options.maxWaiting, 1024, 0),
    closesAfterTimeout: check.oneOf("afterTimeout", afterTimeout, "keep", ["keep", "close"]) === "close",
    heartbeat: options.heartbeat && checkHeartbeat(check, options.heartbeat),
    onUnsolicited,
    maxUnsolicited: checkInteger(check, "maxUnsolicited", options.maxUnsolicited, 1024, 0),
    isUnsolicited,
    key,
  };
  check.done();
  return settings;
}

function checkKey<Received, Sent>(
  check: OptionsCheck,
  key: KeyOptions<Received, Sent>,
): KeySettings<Received, Sent> {
  check.keys(key, ["ofReply", "ofRequest", "assign", "first", "last"], "key.");
  const { ofReply, ofRequest, assign } = key;
  if (typeof ofReply !== "function") check.refuse("key.ofReply", ofReply, "a function");
  const found = { ofRequest, assign };
  if (typeof (assign ?? ofRequest) !== "function" || (assign !== undefined && ofRequest !== undefined)) {
    check.refuse("key", found, "one of the functions ofRequest and assign");
  }
  if (assign === undefined && (key.first ?? key.last) !== undefined) {
    check.refuse("key.first", key.first, "to be left out, as last, without assign");
  }
  const first = checkInteger(check, "key.first", key.first, 1, 0, 2 ** 53 - 2);
  const last = checkInteger(check, "key.last", key.last, 2 ** 31 - 1, first, 2 ** 53 - 2);
  return { ofReply, ofRequest, assign, first, last };
}

function checkHeartbeat<Received, Sent>(
  check: OptionsCheck,
  given: HeartbeatOptions<Received, Sent>,
): HeartbeatSettings<Received, Sent> {
  check.keys(given, ["ping", "interval", "missed", "isPong"], "heartbeat.");
  const { ping, isPong } = given;
  if (ping === undefined) check.refuse("heartbeat.ping", ping, "a frame, or a function that returns one");
  if (isPong !== undefined && typeof isPong !== "function") {
    check.refuse("heartbeat.isPong", isPong, "a function");
  }
  return {
    ping: typeof ping === "function" ? ping as () => Sent : () => ping as Sent,
    interval: checkDuration(check, "heartbeat.interval", given.interval, 15_000),
    missed: checkInteger(check, "heartbeat.missed", given.missed, 3, 1),
    isPong,
  };
}

/** The time limit of one request. Throws `OptionsError`. */
export function requestTimeout(timeout: RequestsOptions<unknown>["timeout"], fallback: number): number {
  const check = new OptionsCheck();
  const limit = checkDuration(check, "timeout", timeout, fallback);
  check.done();
  return limit;
}
