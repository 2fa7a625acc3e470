/**
 * Connections, bytes and frames of one endpoint by who its peers are.
 *
 * Counts nothing while frames move: at each scrape it asks the open connections, and keeps the sums of the closed ones. The
 * number of sets of values is bounded, so that no peer can make the page grow; further ones count as `other`.
 */
import type { MetricSample } from "../core/text/exposition.ts";
import type { MetricLabelsConfig } from "./config/identity.ts";
import type { FrameConnection } from "./endpoint.ts";

const counted = ["bytesReceived", "bytesSent", "framesReceived", "framesSent"] as const;
type Counts = Record<typeof counted[number], number>;

const rows: Readonly<Record<typeof counted[number], readonly [name: string, help: string]>> = {
  bytesReceived: ["millrace_peer_bytes_received_total", "Bytes received from these peers."],
  bytesSent: ["millrace_peer_bytes_sent_total", "Bytes sent to these peers."],
  framesReceived: ["millrace_peer_frames_received_total", "Frames received from these peers."],
  framesSent: ["millrace_peer_frames_sent_total", "Frames sent to these peers."],
};

interface Group {
  readonly labels: Readonly<Record<string, string>>;
  readonly closed: Counts;
}

/** Those of one endpoint. */
export class PeerMetrics {
  readonly #config: MetricLabelsConfig;
  readonly #endpoint: string;
  readonly #groups: Map<string, Group> = new Map();
  readonly #open: Map<FrameConnection, Group> = new Map();

  constructor(config: MetricLabelsConfig, endpoint: string) {
    this.#config = config;
    this.#endpoint = endpoint;
  }

  /** Counts a connection under these values, once it is known who it is. */
  watch(connection: FrameConnection, metadata: Readonly<Record<string, string>>): void {
    const group = this.#groupOf(metadata);
    this.#open.set(connection, group);
    void connection.closed.then((record) => {
      this.#open.delete(connection);
      add(group.closed, record);
    });
  }

  /** The counts at this moment. */
  samples(): MetricSample[] {
    const sums = new Map<Group, { connections: number; counts: Counts }>();
    for (const group of this.#groups.values()) {
      sums.set(group, { connections: 0, counts: { ...group.closed } });
    }
    for (const [connection, group] of this.#open) {
      const sum = sums.get(group)!;
      sum.connections++;
      add(sum.counts, connection.stats());
    }
    const samples: MetricSample[] = [];
    for (const [{ labels }, { connections, counts }] of sums) {
      const help = "Open connections of these peers.";
      samples.push({ name: "millrace_peer_connections", help, type: "gauge", value: connections, labels });
      for (const key of counted) {
        const [name, help] = rows[key];
        samples.push({ name, help, type: "counter", value: counts[key], labels });
      }
    }
    return samples;
  }

  #groupOf(metadata: Readonly<Record<string, string>>): Group {
    const { names, maxValues } = this.#config;
    const values = names.map((name) => metadata[name] ?? "");
    const known = this.#groups.get(JSON.stringify(values));
    if (known !== undefined) return known;
    const full = this.#groups.size >= maxValues;
    const key = full ? "other" : JSON.stringify(values);
    const other = this.#groups.get(key);
    if (other !== undefined) return other;
    const entries = names.map((name, at) => [name.replaceAll(".", "_"), full ? "other" : values[at]!]);
    const group = { labels: { endpoint: this.#endpoint, ...Object.fromEntries(entries) }, closed: zero() };
    this.#groups.set(key, group);
    return group;
  }
}

function zero(): Counts {
  return { bytesReceived: 0, bytesSent: 0, framesReceived: 0, framesSent: 0 };
}

function add(sum: Counts, counts: Counts): void {
  for (const key of counted) sum[key] += counts[key];
}
