/**
 * What goes inward of a connection's options: one frozen record of plain numbers and functions, shared by
 * all connections of a server.
 */
import { ByteWriter } from "../core/bytes/bytes.ts";
import { checkDuration } from "../core/time/duration.ts";
import { checkFlag, defaults, type OptionsCheck } from "../core/options.ts";
import type { Framing } from "../core/framing/framing.ts";
import { checkKeepalive } from "../core/streams/keepalive_writer.ts";
import type { EgressPolicy } from "../core/flow/outcome.ts";
import { type RateBounds, resolveRateLimits } from "../core/streams/rate_limiter.ts";
import type { TlsMaterial } from "../core/tls/tls.ts";
import type { Adapter, Address } from "../core/transport.ts";
import { checkLifeSpan, type LifeSpan } from "./age.ts";
import { checkMinByteRate, type RateFloor } from "./byte_rate.ts";
import { type Budget, checkMemoryBudget } from "./memory_budget.ts";
import type { ConnectionOptions, Handler } from "./connection_options.ts";
import type { UpgradeSlots } from "./tls/upgrade_slots.ts";

/** Checked settings. Durations in milliseconds, `Infinity` for never. */
export interface ConnectionProfile<Received, Sent, Context> {
  readonly framing: Framing<Received, Sent>;
  readonly idle: number;
  readonly readIdle: number;
  readonly writeIdle: number;
  readonly firstFrame: number;
  readonly frame: number;
  readonly minByteRate: RateFloor | undefined;
  readonly close: number;
  readonly linger: number;
  readonly keepalive:
    | { readonly interval: number; readonly payload: Uint8Array | (() => Uint8Array) }
    | undefined;
  readonly lifetime: LifeSpan | undefined;
  readonly goodbyeWait: number;
  /** For how long it reads on at the end of its life, in ms. */
  readonly readsOn?: () => number;
  readonly budget: Budget | undefined;
  readonly ingressLimit: number;
  readonly egressLimit: number;
  readonly egressPolicy: EgressPolicy;
  readonly rateLimit: RateBounds | undefined;
  readonly looksAtHeads: boolean;
  readonly allowHalfOpen: boolean;
  /** Another framing may take the place of this one: nothing is cut before it is asked for. */
  readonly reframable: boolean;
  readonly handler: Handler<Received, Sent, Context> | undefined;
  /** Name of a protocol that is not the server's own one. */
  readonly protocol: string | undefined;
  /** The peer has connected to us: one that leaves without a word was a probe. */
  readonly accepted: boolean;
  /** What `upgrade` needs to know; undefined where it was not asked for. */
  readonly upgrade: UpgradePlace | undefined;
  readonly options: ConnectionOptions<Received, Sent, Context>;
}

/** On which side an upgrade will be, and over whose sockets. */
export interface UpgradePlace {
  readonly side: "server" | "client";
  readonly adapter: Adapter;
  readonly address: Address;
  /** Of a server: rejects with `TlsError` `material` for a pair that is not fit for service. */
  readonly checkPair?: (pair: TlsMaterial, now: number) => Promise<void>;
  /** Of a server: its handshakes, of which upgrades are some. */
  readonly slots?: UpgradeSlots;
}

const connectionHooks = [
  "onFrame",
  "onConnect",
  "onFirstByte",
  "onDisconnect",
  "onFrameError",
  "onOtherProtocol",
  "onError",
  "context",
] as const;

/** Names of the options that every connection has. */
export const connectionKeys: readonly string[] = [
  "framing",
  "idleTimeout",
  "readIdleTimeout",
  "writeIdleTimeout",
  "firstFrameTimeout",
  "frameTimeout",
  "minByteRate",
  "closeTimeout",
  "lingerTimeout",
  "keepalive",
  "maxLifetime",
  "goodbye",
  "goodbyeWait",
  "memoryBudget",
  "ingressLimit",
  "egressLimit",
  "egressPolicy",
  "rateLimit",
  "allowHalfOpen",
  "noDelay",
  "tcpKeepAlive",
  "upgradable",
  "reframable",
  ...connectionHooks,
];

const policies: readonly EgressPolicy[] = ["wait", "drop-newest", "drop-oldest", "close"];

/** Checks the options of a connection; faults go to `check`. */
export function resolveProfile<Received, Sent, Context>(
  check: OptionsCheck,
  options: ConnectionOptions<Received, Sent, Context>,
  handler: Handler<Received, Sent, Context> | undefined,
  place?: UpgradePlace,
): ConnectionProfile<Received, Sent, Context> {
  const { framing, keepalive, rateLimit } = options;
  if (checkFraming(check, framing)) checkGoodbye(check, framing, options.goodbye);
  checkFlag(check, "allowHalfOpen", options.allowHalfOpen);
  checkFlag(check, "upgradable", options.upgradable);
  checkFlag(check, "reframable", options.reframable);
  if (options.upgradable && place?.adapter.can.tls === false) {
    check.unsupported("upgradable", true, `to be left out: sockets of ${place.adapter.name} have no TLS`);
  }
  check.functions(options, connectionHooks);
  if (options.allowHalfOpen && handler !== undefined) {
    const expected = "to be left out with handler, which decides itself when the connection is done";
    check.refuse("allowHalfOpen", true, expected);
  }
  return Object.freeze({
    framing,
    idle: checkDuration(check, "idleTimeout", options.idleTimeout, defaults.idleTimeout),
    readIdle: checkDuration(check, "readIdleTimeout", options.readIdleTimeout, Infinity),
    writeIdle: checkDuration(check, "writeIdleTimeout", options.writeIdleTimeout, Infinity),
    firstFrame: checkDuration(check, "firstFrameTimeout", options.firstFrameTimeout, Infinity),
    frame: checkDuration(check, "frameTimeout", options.frameTimeout, defaults.frameTimeout),
    minByteRate: checkMinByteRate(check, "minByteRate", options.minByteRate),
    close: checkDuration(check, "closeTimeout", options.closeTimeout, defaults.closeTimeout),
    linger: checkDuration(check, "lingerTimeout", options.lingerTimeout, defaults.lingerTimeout),
    keepalive: keepalive && checkKeepalive(check, "keepalive.", keepalive),
    lifetime: checkLifeSpan(check, "maxLifetime", options.maxLifetime),
    goodbyeWait: checkDuration(check, "goodbyeWait", options.goodbyeWait, defaults.goodbyeWait, {
      zero: true,
      infinite: false,
    }),
    budget: checkMemoryBudget(check, "memoryBudget", options.memoryBudget),
    ingressLimit: check.size("ingressLimit", options.ingressLimit, defaults.ingressLimit),
    egressLimit: check.size("egressLimit", options.egressLimit, defaults.egressLimit),
    egressPolicy: check.oneOf("egressPolicy", options.egressPolicy, defaults.egressPolicy, policies),
    rateLimit: resolveRateLimits(check, "rateLimit", rateLimit),
    looksAtHeads: options.onOtherProtocol !== undefined,
    allowHalfOpen: options.allowHalfOpen ?? false,
    reframable: options.reframable ?? false,
    handler,
    protocol: undefined,
    accepted: place?.side === "server",
    upgrade: options.upgradable ? place : undefined,
    options,
  });
}

/** The same, its upgrades being among these handshakes. */
export function withSlots<Received, Sent, Context>(
  profile: ConnectionProfile<Received, Sent, Context>,
  slots: UpgradeSlots | undefined,
): ConnectionProfile<Received, Sent, Context> {
  const { upgrade } = profile;
  return upgrade && slots ? Object.freeze({ ...profile, upgrade: { ...upgrade, slots } }) : profile;
}

/** The same, for the connections of another protocol of a server: who handles them, and how their frames are separated. */
export function withProtocol<Received, Sent, Context>(
  profile: ConnectionProfile<Received, Sent, Context>,
  { name, framing, handler, onFrame }: {
    readonly name: string;
    readonly framing: Framing<Received, Sent>;
    readonly handler?: Handler<Received, Sent, Context> | undefined;
    readonly onFrame?: ConnectionOptions<Received, Sent, Context>["onFrame"];
  },
): ConnectionProfile<Received, Sent, Context> {
  const own = handler !== undefined || onFrame !== undefined;
  return Object.freeze({
    ...profile,
    framing,
    protocol: name,
    handler: own ? handler : profile.handler,
    options: own ? { ...profile.options, framing, onFrame } : { ...profile.options, framing },
  });
}

/** It is written on trial: a frame that cannot be would be missed at the end of every connection. */
export function checkGoodbye<Sent>(
  check: OptionsCheck,
  framing: Framing<unknown, Sent>,
  goodbye: unknown,
): void {
  if (goodbye === undefined || typeof goodbye === "function") return;
  try {
    framing.encode(goodbye as Sent, new ByteWriter());
  } catch (error) {
    const expected = "a frame that the framing can write, or a function that returns one";
    check.refuse("goodbye", goodbye, `${expected} (${String(error)})`);
  }
}

/**
 * One decoder is made on trial: a framing that cannot make one would fail every connection. False for what is no framing
 * at all.
 */
export function checkFraming<Received, Sent>(
  check: OptionsCheck,
  framing: Framing<Received, Sent> | undefined,
  path = "framing",
): framing is Framing<Received, Sent> {
  if (typeof framing?.decoder !== "function" || typeof framing.encode !== "function") {
    const expected = "a framing, such as lines(), lengthField({ lengthBytes: 4 }) or your own";
    check.refuse(path, framing, expected);
    return false;
  }
  const expected = "a function that makes a decoder";
  try {
    const made = framing.decoder(() => {});
    if (typeof made?.push !== "function") check.refuse(`${path}.decoder`, framing.decoder, expected);
  } catch (error) {
    check.refuse(`${path}.decoder`, `one that throws ${String(error)}`, expected);
  }
  return true;
}
