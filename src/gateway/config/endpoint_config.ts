/**
 * One endpoint of a configuration: where it is, its framing, its limits and its subjects.
 *
 * Read by `config.ts`, used by the gateway. What only a runtime's sockets can tell is checked at the start.
 */
import type { Framing } from "../../core/framing/framing.ts";
import type { Address } from "../../core/transport.ts";
import { busTypes } from "../bus_types/bus_types.ts";
import { type PayloadEncoding, payloadEncodings } from "../payload.ts";
import type { Backoff } from "../../core/time/backoff.ts";
import type { Acknowledge } from "../acknowledge/acknowledge.ts";
import { passUnframed } from "../acknowledge/unframed.ts";
import { readAcknowledge } from "./acknowledge.ts";
import { type AdmissionConfig, admissionKeys, readAdmission, refuseAddressKeys } from "./admission.ts";
import { factor, jitter, readBackoff } from "./backoff.ts";
import { readClientTls, type TlsClientConfig } from "./client_tls.ts";
import type { ConfigPath, FaultList } from "./fault.ts";
import { codecAnswers, readCodec } from "./codec.ts";
import type { CodecSettings } from "../codecs/codec_settings.ts";
import { type ConnectionLimits, readLimits } from "./connection_limits.ts";
import { readFraming } from "./framing.ts";
import { type MetricLabelsConfig, readIdentity, readMetricLabels } from "./identity.ts";
import type { IdentityConfig } from "../identity/identity_config.ts";
import { type Read, readAll, Refusal, Section } from "./section.ts";
import { type EndpointSurroundings, readSubjects, type Subjects } from "./subjects.ts";
import { type PrefaceConfig, prefaceKeys, readPreface } from "./preface.ts";
import { readServerTls, type TlsServerConfig } from "./server_tls.ts";
import { readSpool, type SpoolConfig } from "./spool.ts";
import {
  type InheritedConfig,
  isSocketPlace,
  readSocketPlace,
  type SocketFileConfig,
} from "./socket_place.ts";
import { address, boolean, duration, finiteDuration, integer, limit, oneOf, wait } from "./values.ts";
import { type Written, writtenKeys } from "./written.ts";

/** Settings of a listener that the configuration has set. */
interface ListenerLimits extends AdmissionConfig, PrefaceConfig {
  readonly maxHandshakes?: number;
  readonly backlog?: number;
  readonly reusePort?: boolean;
  readonly ipv6Only?: boolean;
  readonly bindRetry?: boolean | Backoff;
}

/** How a client endpoint reconnects; what is left out has the library's default. */
interface Reconnect {
  /** The first wait in milliseconds. */
  readonly wait: number;
  /** The longest wait. */
  readonly maxWait: number;
  /** How much longer each wait is than the one before. */
  readonly factor?: number;
  /** The part of each wait that is left to chance. */
  readonly jitter?: number;
  /** How long a connection must have been open for the waits to begin anew, in milliseconds. */
  readonly stableAfter?: number;
}

/** What servers and clients have in common. */
export interface EndpointSettings {
  readonly name: string;
  readonly written: Written;
  readonly address: Address;
  readonly framing: Framing<Uint8Array>;
  readonly subjects: Subjects;
  /** The gateway's name among those of the bus; undefined on a bus that only one gateway is on. */
  readonly node: string | undefined;
  /** How frames are shown where the bus carries text. */
  readonly encoding: PayloadEncoding;
  /** Each frame is answered with itself. */
  readonly echo: boolean;
  /** Each frame becomes a line of JSON on standard output. */
  readonly print: boolean;
  /** How long a message from the bus waits for one peer that does not read; then that peer is closed. */
  readonly egressTimeout: number;
  /** How long a connection whose input has ended stays open for replies that are still owed. */
  readonly replyWait: number;
  /** What turns its frames into messages and back; undefined for nothing. */
  readonly codec: CodecSettings | undefined;
  /** How its frames are acknowledged to its peers; undefined for not at all. */
  readonly acknowledge: Acknowledge | undefined;
  readonly limits: ConnectionLimits;
  /** How it is found out whose a connection is; undefined for not at all. */
  readonly identity: IdentityConfig | undefined;
  /** What metrics tell its peers apart by; undefined for nothing. */
  readonly metricLabels: MetricLabelsConfig | undefined;
  /** Where its frames wait on disk until the bus has them. */
  readonly spool?: SpoolConfig;
  /** How its connections are secured; undefined for not at all. */
  readonly tls: TlsServerConfig | TlsClientConfig | undefined;
}

/** An endpoint that listens. */
export interface ServerEndpointConfig extends EndpointSettings {
  readonly mode: "server";
  /** Who may use the file of its Unix socket; undefined where nothing is said of it. */
  readonly file?: SocketFileConfig;
  /** The socket that it listens on in the place of an address, which says nothing then. */
  readonly inherited?: InheritedConfig;
  readonly listener: ListenerLimits;
  readonly tls: TlsServerConfig | undefined;
}

/** A client endpoint, which reconnects. */
export interface ClientEndpointConfig extends EndpointSettings {
  readonly mode: "client";
  readonly connectTimeout: number;
  readonly reconnect: Reconnect;
  /** Version of the PROXY protocol header that it sends. */
  readonly proxyHeader?: 1 | 2;
  readonly tls: TlsClientConfig | undefined;
}

export type EndpointConfig = ServerEndpointConfig | ClientEndpointConfig;

const listenerReaders: Readonly<Record<string, Read<unknown>>> = {
  maxHandshakes: limit,
  backlog: integer(1, 2 ** 31 - 1),
  reusePort: boolean,
  ipv6Only: boolean,
};
const clientKeys = ["connect", "connectTimeout", "reconnect", "proxyHeader"];
const serverKeys = ["listen", "bindRetry", ...Object.keys(listenerReaders), ...admissionKeys, ...prefaceKeys];

/** A name for one of several gateways: a token of subjects. */
export const nodeName: Read<string> = (value) => {
  if (typeof value === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(value)) return value;
  throw new Refusal("a name of at most 64 letters, digits, - and _");
};
const endpointName: Read<string> = (value) => {
  if (typeof value === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(value)) return value;
  throw new Refusal("a name of at most 64 letters, digits, - and _");
};

const proxyVersion: Read<1 | 2> = (value) => {
  if (value === 1 || value === 2) return value;
  throw new Refusal("1 or 2, the version of the PROXY protocol");
};

/** Reads one endpoint; undefined when something was wrong, which is in the list then. */
export function readEndpoint(
  list: FaultList,
  path: ConfigPath,
  value: unknown,
  around: EndpointSurroundings,
  folder: string,
): EndpointConfig | undefined {
  const section = Section.open(list, path, value, "a table with name, listen or connect, and framing");
  if (section === undefined) return undefined;
  const { bus } = around;
  const before = list.faults.length;
  const name = section.require("name", endpointName, "a name for subjects, metrics and logs");
  const mode = readMode(section);
  const own = mode === "client" ? readClient(section, folder) : readListener(section, list, folder);
  const where = mode === "client" ? "connect" : "listen";
  const expected = mode === "client"
    ? 'where to connect, such as "10.0.1.5:4000"'
    : 'where to listen, such as "127.0.0.1:3034"';
  const long = mode === "server" && isSocketPlace(section.raw("listen"));
  const socket = long ? readSocketPlace(section, "listen") : undefined;
  const place = long ? socket?.address : section.require(
    where,
    address(mode === "client" ? "connect" : "listen"),
    expected,
  );
  const framing = readFraming(section, list);
  const subjects = readSubjects(section, name ?? "", around);
  const limits = readLimits(section);
  const spool = readSpool(section, folder);
  const echo = section.take("echo", boolean) ?? false;
  const print = section.take("print", boolean) ?? false;
  if (bus === "stdio" && print) {
    section.refuse("print", true, "to be left out with the stdio bus, which prints every frame already");
  }
  if (bus === "stdio" && echo) {
    section.refuse(
      "echo",
      true,
      "to be left out with the stdio bus: the worker that reads its output answers",
    );
  }
  const codec = readCodec(section, folder);
  const stores = busTypes[bus].covering !== undefined || section.has("spool");
  const acknowledge = readAcknowledge(section, framing, stores) ??
    (codec && !section.has("acknowledge") ? codecAnswers(codec, stores) : undefined);
  if (acknowledge !== undefined && (own as ServerEndpointConfig).listener?.firstBytes?.protocols) {
    const expected = "to be left out with firstBytes.protocols: they are acknowledged differently";
    const key = section.has("acknowledge") ? "acknowledge" : "codec";
    section.refuse(key, section.raw(key), expected);
  }
  const common = {
    encoding: section.take("encoding", oneOf(payloadEncodings)) ?? "utf8",
    egressTimeout: section.take("egressTimeout", duration) ?? 10_000,
    codec,
    identity: readIdentity(section, codec),
    metricLabels: readMetricLabels(section),
    replyWait: section.take("replyWait", wait) ??
      (bus === "memory" ? 0 : 2_000),
  };
  if (place?.transport === "unix") {
    if (mode === "client") requireServerName(section, (own as ClientEndpointConfig).tls);
    else refuseAddressKeys(section);
  }
  section.close((key) => otherMode(mode, key));
  if (list.faults.length > before || framing === undefined || place === undefined) return undefined;
  return {
    name: name!,
    written: writtenKeys(value),
    address: place,
    framing: acknowledge === undefined ? framing : passUnframed(framing),
    acknowledge,
    subjects,
    node: busTypes[bus].network ? around.node : undefined,
    echo,
    print,
    ...common,
    limits,
    ...(spool !== undefined && { spool }),
    ...(socket?.file !== undefined && { file: socket.file }),
    ...(socket?.inherited !== undefined && { inherited: socket.inherited }),
    ...own,
  } as EndpointConfig;
}

function readMode(section: Section): "server" | "client" {
  const mode = section.take("mode", oneOf<"server" | "client">(["server", "client"]));
  return mode ?? (section.has("connect") && !section.has("listen") ? "client" : "server");
}

function readListener(
  section: Section,
  list: FaultList,
  folder: string,
): Pick<ServerEndpointConfig, "mode" | "listener" | "tls"> {
  const bindRetry = readBackoff(section, "bindRetry");
  const listener: ListenerLimits = {
    ...readAll(section, listenerReaders),
    ...readAdmission(section),
    ...readPreface(section, list),
    ...(bindRetry !== undefined && { bindRetry }),
  };
  const tls = readServerTls(section, folder);
  if (!section.has("tls") && listener.maxHandshakes !== undefined) {
    section.refuse("maxHandshakes", listener.maxHandshakes, "to be left out, or used with tls");
  }
  return { mode: "server", listener, tls };
}

function readClient(
  section: Section,
  folder: string,
): Pick<ClientEndpointConfig, "mode" | "connectTimeout" | "reconnect" | "proxyHeader" | "tls"> {
  const reconnect = section.table(
    "reconnect",
    "a table with wait, maxWait, factor, jitter or stableAfter",
    (table) => {
      const wait = table.take("wait", finiteDuration) ?? 1_000;
      const maxWait = table.take("maxWait", finiteDuration) ?? Math.max(30_000, wait);
      if (maxWait < wait) table.refuse("maxWait", table.raw("maxWait"), "at least as long as wait");
      const given = {
        factor: table.take("factor", factor),
        jitter: table.take("jitter", jitter),
        stableAfter: table.take("stableAfter", finiteDuration),
      };
      const said = Object.entries(given).filter(([, value]) => value !== undefined);
      return { wait, maxWait, ...Object.fromEntries(said) };
    },
  );
  const connectTimeout = section.take("connectTimeout", finiteDuration) ?? 10_000;
  const tls = readClientTls(section, folder);
  const proxyHeader = section.take("proxyHeader", proxyVersion);
  return {
    mode: "client",
    connectTimeout,
    reconnect: reconnect ?? { wait: 1_000, maxWait: 30_000 },
    ...(proxyHeader !== undefined && { proxyHeader }),
    tls,
  };
}

/** A path is no name that a certificate could be for. */
function requireServerName(section: Section, tls: TlsClientConfig | undefined): void {
  if (tls === undefined || tls.protocol.serverName !== undefined || tls.protocol.insecureSkipVerify) return;
  const expected = "a table with serverName: a Unix socket has no name of its own";
  section.refuse("tls", section.raw("tls"), expected);
}

function otherMode(mode: "server" | "client", key: string): string | undefined {
  const [others, other] = mode === "client" ? [serverKeys, "server"] : [clientKeys, "client"];
  return others.includes(key) ? `it belongs to an endpoint with mode: ${other}` : undefined;
}
