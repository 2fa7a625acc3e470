/**
 * What is counted of servers and of their certificates: names, sentences and types, in one place for the text of
 * Prometheus and for the metrics of Effect.
 *
 * Read on demand: nothing of this runs while frames flow.
 */
import type { CertificateInspection, ClientAuthoritiesInspection } from "../core/tls/certificate_options.ts";
import { rejectReasons } from "./admission_options.ts";
import type { MetricSample } from "../core/text/exposition.ts";
import type { ServerStats } from "./server_stats.ts";

/** A number among a server's statistics; the name is without the prefix `millrace_`. */
export type ServerRow = readonly [
  name: string,
  type: MetricSample["type"],
  help: string,
  value: (stats: ServerStats) => number,
];

const firstByte = "Times from accept to first byte of the connections that have sent one.";

/** Every number that is not by reason. */
export const serverRows: readonly ServerRow[] = [
  ["connections_active", "gauge", "Connections open now.", (s) => s.connectionsActive],
  ["connections_accepted_total", "counter", "Connections accepted.", (s) => s.connectionsAccepted],
  ["tls_handshakes_active", "gauge", "TLS handshakes in progress.", (s) => s.handshakesActive],
  [
    "connections_pending",
    "gauge",
    "Peers that have not sent their PROXY protocol header or their first bytes yet.",
    (s) => s.pendingActive,
  ],
  [
    "health_checks_total",
    "counter",
    "HTTP health checks answered on the port itself.",
    (s) => s.healthChecks,
  ],
  [
    "connections_lost_total",
    "counter",
    "Connections reset by the peer before they were accepted.",
    (s) => s.connectionsLost,
  ],
  [
    "tls_handshakes_completed_total",
    "counter",
    "TLS handshakes that succeeded.",
    (s) => s.handshakesCompleted,
  ],
  [
    "probes_total",
    "counter",
    "Peers that connected, sent nothing and left, as health checks do.",
    (s) => s.probes,
  ],
  ["bytes_read_total", "counter", "Bytes received.", (s) => s.bytesReceived],
  ["bytes_written_total", "counter", "Bytes handed to the kernel.", (s) => s.bytesSent],
  ["frames_received_total", "counter", "Complete frames received.", (s) => s.framesReceived],
  ["frames_sent_total", "counter", "Frames handed to the kernel.", (s) => s.framesSent],
  [
    "frames_lost_total",
    "counter",
    "Frames that had not reached the kernel when their connection ended.",
    (s) => s.framesLost,
  ],
  ["frames_dropped_total", "counter", "Frames dropped by an egress policy.", (s) => s.framesDropped],
  [
    "frame_errors_total",
    "counter",
    "Frames that were malformed, truncated or over the limit.",
    (s) => s.frameErrors,
  ],
  ["handler_errors_total", "counter", "Handlers that threw or rejected.", (s) => s.handlerErrors],
  ["idle_closes_total", "counter", "Connections closed because they were idle.", (s) => s.idleCloses],
  ["outbox_bytes", "gauge", "Bytes waiting to be sent to slow peers.", (s) => s.outboxBytes],
  ["held_bytes", "gauge", "Bytes that the buffers of all connections hold.", (s) => s.heldBytes],
  [
    "memory_budget_exceeded",
    "gauge",
    "1 while the memory budget is exceeded and connections are rejected, else 0.",
    (s) => s.memoryExceeded ? 1 : 0,
  ],
  [
    "memory_budget_exceeded_total",
    "counter",
    "Times that the memory budget was exceeded.",
    (s) => s.memoryEpisodes,
  ],
  ["drain_seconds", "gauge", "Duration of the last drain, 0 before the first.", (s) => s.drainMs / 1000],
  ["first_byte_seconds_sum", "summary", firstByte, (s) => s.firstByteMs / 1000],
  ["first_byte_seconds_count", "summary", firstByte, (s) => s.firstByteCount],
  [
    "event_loop_stalls_total",
    "counter",
    "Stalls of the event loop longer than a timer tick allows.",
    (s) => s.stalls,
  ],
];

/** Each reason is there from the start, so that the first rejection is a change. */
const noneRejected = Object.fromEntries(rejectReasons.map((reason) => [reason, 0]));

/** Numbers by reason, of which more may come to light at any time; all are counters. */
export const reasonRows: readonly (readonly [
  name: string,
  help: string,
  of: (stats: ServerStats) => Readonly<Partial<Record<string, number>>>,
])[] = [
  [
    "connections_rejected_total",
    "Connections rejected, by reason.",
    (stats) => ({ ...noneRejected, ...stats.connectionsRejectedByReason }),
  ],
  ["connections_closed_total", "Connections closed, by reason.", (stats) => stats.closedByReason],
  [
    "tls_handshakes_failed_total",
    "TLS handshakes failed, by reason.",
    (stats) => stats.handshakesFailedByReason,
  ],
  [
    "listener_errors_total",
    "Failures of the listener, by reason; a shortage of descriptors or memory counts once for as long as it lasts.",
    (stats) => stats.listenerErrorsByReason,
  ],
];

/** Labels that samples have of themselves. */
export const ownLabels: readonly string[] = ["reason", "certificate"];

/** The samples of one server; `labels` tell it from others, such as `{ endpoint: "echo" }`. */
export function serverSamples(stats: ServerStats, labels: Readonly<Record<string, string>>): MetricSample[] {
  const samples = serverRows.map(([name, type, help, value]): MetricSample => ({
    name: `millrace_${name}`,
    help,
    type,
    value: value(stats),
    labels,
  }));
  for (const [name, help, of] of reasonRows) {
    for (const [reason, value = 0] of Object.entries(of(stats))) {
      samples.push({ name: `millrace_${name}`, help, type: "counter", value, labels: { ...labels, reason } });
    }
  }
  return samples;
}

/** The samples of a server's certificates, each with its name as the label `certificate`. */
export function certificateSamples(
  certificates: readonly CertificateInspection[],
  labels: Readonly<Record<string, string>>,
): MetricSample[] {
  return certificates.flatMap(({ name, validTo, rotations, refusals, refused }) => {
    const own = { ...labels, certificate: name };
    const sample = (what: string, type: MetricSample["type"], help: string, value: number): MetricSample => ({
      name: `millrace_certificate_${what}`,
      help,
      type,
      value,
      labels: own,
    });
    return [
      sample(
        "expiry_timestamp_seconds",
        "gauge",
        "Expiry of the certificate, in seconds since 1970.",
        validTo / 1000,
      ),
      sample("rotations_total", "counter", "Certificates replaced by a new one.", rotations),
      sample("refusals_total", "counter", "New certificates rejected.", refusals),
      sample(
        "refused",
        "gauge",
        "1 while the newest certificate is rejected and an older one stays in service, else 0.",
        refused ? 1 : 0,
      ),
    ];
  });
}

/** The samples of the file with those who sign for a server's clients; none without one. */
export function clientAuthoritiesSamples(
  inspection: ClientAuthoritiesInspection | undefined,
  labels: Readonly<Record<string, string>>,
): MetricSample[] {
  if (inspection === undefined) return [];
  const { rotations, refusals, refused } = inspection;
  const sample = (what: string, type: MetricSample["type"], help: string, value: number): MetricSample => (
    { name: `millrace_client_ca_${what}`, help, type, value, labels }
  );
  return [
    sample(
      "rotations_total",
      "counter",
      "Times that new content of the CA file was put in service.",
      rotations,
    ),
    sample("refusals_total", "counter", "New contents of the CA file rejected.", refusals),
    sample(
      "refused",
      "gauge",
      "1 while the CA file is rejected and its previous content stays in service, else 0.",
      refused ? 1 : 0,
    ),
  ];
}
