/** What servers count, as Prometheus scrapes it: the entry point for programs that serve it themselves. */
import { OptionsError, type OptionsIssue } from "../core/errors.ts";
import { exposition, type MetricSample } from "../core/text/exposition.ts";
import { certificateSamples, clientAuthoritiesSamples, ownLabels, serverSamples } from "./metrics.ts";
import type { Server } from "./server.ts";

/** What is read of a server, whatever its frames are. */
type Counted = Pick<Server<unknown, never, unknown>, "stats" | "tls">;

/**
 * The metrics of a server and its certificates in the text format of Prometheus (version 0.0.4), to be served with
 * {@linkcode prometheusContentType}. For several servers, by name, each sample has the name as its label `server`. Nothing
 * is counted for it while frames flow: sums are made when it is called, by walking over the open connections.
 *
 * The names are those of the gateway's `/metrics`, such as `millrace_connections_active` and
 * `millrace_bytes_read_total`; `labels` are added to every sample.
 *
 * @example With node:http
 * ```ts
 * import { createServer } from "node:http";
 * import { lines, prometheusContentType, prometheusText, serve } from "@millrace/millrace";
 *
 * const server = await serve({ port: 0, framing: lines(), onFrame: (line, connection) => connection.send(line) });
 * const metrics = createServer((_request, response) => {
 *   response.setHeader("Content-Type", prometheusContentType).end(prometheusText(server));
 * });
 * metrics.listen(0, "127.0.0.1");
 * console.log(prometheusText(server).split("\n")[2]); // millrace_connections_active 0
 * metrics.close();
 * await server.close();
 * ```
 *
 * @example The same with Bun or Deno
 * ```ts ignore
 * const answer = () => new Response(prometheusText(server), { headers: { "Content-Type": prometheusContentType } });
 * Bun.serve({ port: 9464, fetch: answer });
 * Deno.serve({ port: 9464 }, answer);
 * ```
 *
 * @throws {OptionsError} `invalid`, for a label that Prometheus does not accept, or that Millrace uses itself
 */
export function prometheusText(
  servers:
    | Pick<Server<unknown, never, unknown>, "stats" | "tls">
    | Readonly<Record<string, Pick<Server<unknown, never, unknown>, "stats" | "tls">>>,
  labels: Readonly<Record<string, string>> = {},
): string {
  checkLabels(labels, isOne(servers) ? ownLabels : ["server", ...ownLabels]);
  if (isOne(servers)) return exposition(samplesOf(servers, labels));
  return exposition(
    Object.entries(servers).flatMap(([name, one]) => samplesOf(one, { server: name, ...labels })),
  );
}

function isOne(servers: Counted | Readonly<Record<string, Counted>>): servers is Counted {
  return typeof servers.stats === "function";
}

function samplesOf(server: Counted, labels: Readonly<Record<string, string>>): MetricSample[] {
  const { tls } = server;
  return [
    ...serverSamples(server.stats(), labels),
    ...certificateSamples(tls?.certificates ?? [], labels),
    ...clientAuthoritiesSamples(tls?.clientAuthorities, labels),
  ];
}

/** Refuses labels that Prometheus does not accept, and those that are taken. */
export function checkLabels(labels: Readonly<Record<string, string>>, taken: readonly string[]): void {
  const issues: OptionsIssue[] = [];
  for (const [name, value] of Object.entries(labels)) {
    const path = `labels.${name}`;
    if (!/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
      issues.push({
        path,
        found: name,
        expected: "a name of letters, digits and _, not beginning with a digit or __",
      });
    } else if (taken.includes(name)) {
      issues.push({ path, found: name, expected: `another name: ${taken.join(", ")} are used by Millrace` });
    } else if (typeof value !== "string") issues.push({ path, found: value, expected: "text" });
  }
  if (issues.length > 0) throw new OptionsError("invalid", issues);
}
