/** What clients of requests count, in the text format of Prometheus. */
import { exposition } from "../../core/text/exposition.ts";
import type { RequestClient, RequestStats } from "./request_client.ts";

const rows: readonly (readonly [name: string, stat: keyof RequestStats, help: string])[] = [
  ["outstanding", "outstanding", "Requests that were sent and have no reply."],
  ["abandoned", "abandoned", "Those of them that timed out or were aborted."],
  ["waiting", "waiting", "Requests that wait for a place in the window or for a connection."],
  ["sent_total", "requests", "Requests that were handed to a connection."],
  ["replies_total", "replies", "Replies that their callers got."],
  ["timeouts_total", "timedOut", "Requests that timed out."],
  ["aborted_total", "aborted", "Requests that were aborted."],
  ["disconnected_total", "disconnected", "Requests that failed because the connection ended."],
  ["rejected_total", "rejected", "Requests that were not accepted."],
  ["late_replies_total", "late", "Replies to requests that had been abandoned."],
  ["unsolicited_total", "unsolicited", "Frames that answered no request."],
  ["unsolicited_dropped_total", "unsolicitedDropped", "Those of them that were dropped."],
  ["pings_total", "pings", "Heartbeats that were sent."],
  ["pongs_total", "pongs", "Answers to heartbeats."],
];

/**
 * The metrics of clients of `requests` in the text format of Prometheus (version 0.0.4). Each sample has the name that is given
 * here as its label `client`.
 *
 * @example
 * ```ts
 * import { lines } from "@millrace/millrace";
 * import { reconnect, requestMetrics, requests } from "@millrace/millrace/client";
 *
 * const cache = requests(reconnect({ address: "127.0.0.1:6379", framing: lines(), logger: () => {} }));
 * console.log(requestMetrics({ cache }).split("\n")[2]); // millrace_requests_outstanding{client="cache"} 0
 * await cache.close();
 * ```
 */
export function requestMetrics(
  clients: Readonly<Record<string, Pick<RequestClient<unknown, never>, "stats">>>,
): string {
  return exposition(
    Object.entries(clients).flatMap(([client, one]) => {
      const stats = one.stats();
      return rows.map(([name, stat, help]) => ({
        name: `millrace_requests_${name}`,
        type: name.endsWith("_total") ? "counter" as const : "gauge" as const,
        help,
        value: stats[stat],
        labels: { client },
      }));
    }),
  );
}
