/**
 * The settings of one server at this moment, and how they change while it runs: all of a change or nothing.
 *
 * Made by `socket_server.ts`, which reads them for every connection that it accepts.
 */
import { type ConnectionProfile, resolveProfile, withSlots } from "../connection/profile.ts";
import type { Registry } from "../connection/registry.ts";
import { defaults, OptionsCheck } from "../core/options.ts";
import { checkDuration } from "../core/time/duration.ts";
import type { Adapter } from "../core/transport.ts";
import type { Admission } from "./admission.ts";
import { most, resolveAdmission } from "./admission_settings.ts";
import type { Handshakes } from "./handshakes.ts";
import type { AdmissionInspection } from "./inspection.ts";
import { liveKeys, type LiveOptions } from "./live_options.ts";
import type { UncheckedServeOptions } from "./server_options.ts";
import type { ServerSettings } from "./settings.ts";

/** What changes with them. */
interface LiveParts<Received, Sent, Context> {
  readonly adapter: Adapter;
  readonly registry: Registry<Received, Sent, Context>;
  readonly admission: Admission;
  readonly handshakes: Handshakes | undefined;
  /** Peers that are no connections yet, whose addresses count. */
  pending(): Addressed | undefined;
}

interface Addressed {
  addresses(): Iterable<string>;
}

type Waits = Pick<
  ConnectionProfile<unknown, never, unknown>,
  "idle" | "readIdle" | "writeIdle" | "firstFrame" | "frame" | "close" | "linger"
>;

/** Settings that can change. */
export class Live<Received, Sent, Context> {
  readonly #parts: LiveParts<Received, Sent, Context>;
  #options: UncheckedServeOptions<Received, Sent, Context>;
  #settings: ServerSettings<Received, Sent, Context>;
  /** What connections are given; open ones keep theirs. */
  profile: ConnectionProfile<Received, Sent, Context>;
  /** The same of other protocols, by what the settings have. */
  readonly #others: Map<object, ConnectionProfile<Received, Sent, Context>> = new Map();

  constructor(
    options: UncheckedServeOptions<Received, Sent, Context>,
    settings: ServerSettings<Received, Sent, Context>,
    parts: LiveParts<Received, Sent, Context>,
  ) {
    this.#options = options;
    this.#settings = settings;
    this.#parts = parts;
    this.profile = { ...withSlots(settings.profile, parts.handshakes) };
  }

  /** What connections of another protocol are given, of which the settings have this. */
  of(profile: ConnectionProfile<Received, Sent, Context>): ConnectionProfile<Received, Sent, Context> {
    let found = this.#others.get(profile);
    if (found === undefined) {
      found = { ...withSlots(profile, this.#parts.handshakes), ...changing(this.profile) };
      this.#others.set(profile, found);
    }
    return found;
  }

  /** Those in force. */
  get settings(): ServerSettings<Received, Sent, Context> {
    return this.#settings;
  }

  /** Who may connect, for those who look. */
  inspect(): AdmissionInspection {
    const { addresses, bans } = this.#parts.admission;
    return { limits: this.#limits, addresses, bans: bans.inspect() };
  }

  get #limits(): AdmissionInspection["limits"] {
    const { admission, maxHandshakes, shutdownDeadline } = this.#settings;
    const { idle, readIdle, writeIdle, firstFrame, frame, close, linger } = this.profile;
    const { allow, deny, acceptRate, acceptRatePerAddress } = this.#options;
    const { maxConnections, maxPerAddress, prefix } = admission;
    return {
      maxConnections,
      maxConnectionsPerAddress: maxPerAddress,
      acceptRate,
      acceptRatePerAddress,
      addressPrefix: prefix,
      allow,
      deny,
      maxHandshakes,
      idleTimeout: idle,
      readIdleTimeout: readIdle,
      writeIdleTimeout: writeIdle,
      firstFrameTimeout: firstFrame,
      frameTimeout: frame,
      closeTimeout: close,
      lingerTimeout: linger,
      shutdownDeadline,
    };
  }

  /** Throws `OptionsError`, and then nothing has changed. With `unset`, what is undefined gets its default back. */
  update(changes: LiveOptions, unset = false): void {
    const check = new OptionsCheck();
    check.keys(changes, Object.keys(changes ?? {}));
    const given = Object.entries(changes).filter(([, value]) => unset || value !== undefined);
    for (const [key, value] of given) {
      if (liveKeys.some((name) => name === key)) continue;
      check.refuse(key, value, `an option that can change while the server runs: ${liveKeys.join(", ")}`);
    }
    check.done();
    const options = { ...this.#options, ...Object.fromEntries(given) };
    const settings = this.#resolve(check, options);
    check.done();
    this.#apply(options, settings);
  }

  #resolve(
    check: OptionsCheck,
    options: UncheckedServeOptions<Received, Sent, Context>,
  ): ServerSettings<Received, Sent, Context> {
    const { adapter } = this.#parts;
    const { listen: { address }, profile: { handler } } = this.#settings;
    return {
      ...this.#settings,
      admission: resolveAdmission(check, options, address, options.proxyProtocol !== undefined),
      maxHandshakes: most(check, "maxHandshakes", options.maxHandshakes, defaults.maxHandshakes),
      shutdownDeadline: checkDuration(
        check,
        "shutdownDeadline",
        options.shutdownDeadline,
        defaults.shutdownDeadline,
      ),
      profile: resolveProfile(check, options, handler, { side: "server", adapter, address }),
    };
  }

  #apply(
    options: UncheckedServeOptions<Received, Sent, Context>,
    settings: ServerSettings<Received, Sent, Context>,
  ): void {
    const { registry, admission, handshakes, pending } = this.#parts;
    const before = waitsOf(this.profile);
    this.#options = options;
    this.#settings = settings;
    this.profile = { ...this.profile, ...changing(settings.profile) };
    this.#others.clear();
    admission.change(settings.admission, present(registry, handshakes, pending()));
    handshakes?.limit(settings.maxHandshakes);
    const waits = waitsOf(this.profile);
    if (Object.entries(waits).every(([name, ms]) => before[name as keyof Waits] === ms)) return;
    // Sessions share the profile of their time; the object is ours, not the frozen one of the check.
    for (const profile of new Set([...registry.sessions].map((session) => session.profile))) {
      Object.assign(profile, waits);
    }
    for (const { vigil } of registry.sessions) vigil.retime();
  }
}

function waitsOf({ idle, readIdle, writeIdle, firstFrame, frame, close, linger }: Waits): Waits {
  return { idle, readIdle, writeIdle, firstFrame, frame, close, linger };
}

type Changing =
  | keyof Waits
  | "ingressLimit"
  | "egressLimit"
  | "egressPolicy"
  | "rateLimit"
  | "minByteRate"
  | "lifetime";

/** What of a profile can change. */
function changing<Profile extends Pick<ConnectionProfile<unknown, never, unknown>, Changing>>(
  profile: Profile,
): Pick<Profile, Changing> {
  const { ingressLimit, egressLimit, egressPolicy, rateLimit, minByteRate, lifetime } = profile;
  return { ...waitsOf(profile), ingressLimit, egressLimit, egressPolicy, rateLimit, minByteRate, lifetime };
}

/** Addresses of all that are counted by address. */
function* present<Received, Sent, Context>(
  { sessions }: Registry<Received, Sent, Context>,
  ...others: readonly (Addressed | undefined)[]
): IterableIterator<string> {
  for (const { transport } of sessions) yield transport.peer.ip;
  for (const other of others) yield* other?.addresses() ?? [];
}
