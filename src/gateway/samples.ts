/** The gateway's counters for `/metrics`: those of its servers, of the traffic, the control and the bus. */
import { certificateSamples, clientAuthoritiesSamples, serverSamples } from "../server/metrics.ts";
import type { MetricSample } from "../core/text/exposition.ts";
import type { Bus, BusStats } from "./buses/bus.ts";
import type { Control } from "./control.ts";
import type { RunningEndpoint } from "./running_endpoint.ts";
import { spoolSamples } from "./spool/spool_samples.ts";

type BusRow = readonly [name: keyof BusStats, metric: string, help: string];

const busRows: readonly BusRow[] = [
  ["published", "millrace_bus_published_total", "Messages published."],
  ["unheard", "millrace_bus_unheard_total", "Messages without a subscriber."],
  ["delivered", "millrace_bus_delivered_total", "Messages handed to subscriptions."],
  ["dropped", "millrace_bus_dropped_total", "Messages dropped by a queue's policy, or when it closed."],
  ["handlerErrors", "millrace_bus_handler_errors_total", "Message handlers that threw or rejected."],
  ["refused", "millrace_bus_refused_total", "Input that was not a message."],
  ["pending", "millrace_bus_pending", "Messages waiting for handlers."],
  ["stored", "millrace_bus_stored_total", "Messages that the stream has acknowledged."],
  [
    "duplicates",
    "millrace_bus_duplicates_total",
    "Messages that were stored already when they were sent again.",
  ],
  ["stops", "millrace_bus_stops_total", "Times that publishing stopped until the stream answered again."],
  ["unconfirmed", "millrace_bus_unconfirmed", "Messages published and not acknowledged by the stream."],
];

const gauges: ReadonlySet<keyof BusStats> = new Set(["pending", "unconfirmed"]);

/** Everything that is counted. */
export function gatewaySamples(
  bus: Bus,
  endpoints: Iterable<RunningEndpoint>,
  controls: ReadonlyMap<string, Control>,
): MetricSample[] {
  const samples: MetricSample[] = [];
  for (const endpoint of endpoints) {
    const labels = { endpoint: endpoint.name };
    const count = (name: string, help: string, value: number): void => {
      samples.push({ name, help, type: "counter", value, labels });
    };
    samples.push(...serverSamples(endpoint.stats(), labels));
    samples.push(...certificateSamples(endpoint.certificates(), labels));
    samples.push(...clientAuthoritiesSamples(endpoint.clientAuthorities?.(), labels));
    const up = {
      name: "millrace_endpoint_ready",
      help: "1 while the endpoint accepts connections or is connected, else 0.",
      labels,
    };
    samples.push({ ...up, type: "gauge", value: endpoint.ready ? 1 : 0 });
    const attempts = endpoint.attempts?.();
    if (attempts !== undefined) {
      count("millrace_connect_attempts_total", "Attempts to connect.", attempts.attempts);
      const failed = "Attempts to connect that failed, and connections that ended.";
      count("millrace_connect_failures_total", failed, attempts.failures);
    }
    const { framesPublished, messagesSent, messagesUndelivered, spool, ...answers } = endpoint.traffic();
    if (spool !== undefined) samples.push(...spoolSamples(spool, labels));
    count("millrace_frames_published_total", "Frames published to the bus.", framesPublished);
    count("millrace_messages_sent_total", "Messages passed to connections.", messagesSent);
    const lost =
      "Messages for connections that do not exist or ended first, or that an egress policy dropped.";
    count("millrace_messages_undelivered_total", lost, messagesUndelivered);
    count("millrace_acks_sent_total", "Link acknowledgements sent to peers.", answers.acksSent);
    count("millrace_naks_sent_total", "Negative link acknowledgements sent to peers.", answers.naksSent);
    count("millrace_acks_received_total", "Link acknowledgements of peers.", answers.acksReceived);
    count("millrace_naks_received_total", "Negative link acknowledgements of peers.", answers.naksReceived);
    if (endpoint.settings.codec !== undefined) {
      const { framesSkipped, decodeErrors, encodeErrors } = endpoint.traffic();
      const skipped = "Frames of which the codec wanted nothing published.";
      count("millrace_codec_frames_skipped_total", skipped, framesSkipped);
      count("millrace_codec_decode_errors_total", "Frames that the codec could not decode.", decodeErrors);
      count("millrace_codec_encode_errors_total", "Messages that the codec could not encode.", encodeErrors);
    }
    const devices = endpoint.identities?.stats();
    if (devices !== undefined) {
      const help = "Connections whose identity is known.";
      samples.push({
        name: "millrace_identified_connections",
        help,
        type: "gauge",
        value: devices.identified,
        labels,
      });
      const { identitiesReplaced: replaced, identitiesMissing: missing } = devices;
      const twice = "Connections closed because another one had, or got, their identity.";
      count("millrace_identities_replaced_total", twice, replaced);
      count(
        "millrace_identities_missing_total",
        "Connections closed because they did not say who they are.",
        missing,
      );
    }
    if (endpoint.peers !== undefined) samples.push(...endpoint.peers.samples());
    const control = controls.get(endpoint.name)?.stats();
    if (control === undefined) continue;
    count("millrace_control_commands_total", "Control commands executed.", control.commandsDone);
    count("millrace_control_refused_total", "Control messages rejected.", control.commandsRefused);
  }
  const stats = bus.stats();
  const labels = { bus: bus.name };
  for (const [key, name, help] of busRows) {
    const value = stats[key];
    if (value === undefined) continue;
    samples.push({ name, help, type: gauges.has(key) ? "gauge" : "counter", value, labels });
  }
  return samples;
}
