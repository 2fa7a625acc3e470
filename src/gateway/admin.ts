/**
 * The admin endpoint: `/metrics`, `/healthz`, `/readyz`, `/reload` and `/connections` over HTTP.
 *
 * Started by the gateway before anything else and stopped last. It only reads; what changes something goes over the
 * control subjects. Loaded only where one is configured.
 */
import type { Clock } from "../core/time/clock.ts";
import type { HttpAnswer, HttpRefusal, HttpRequest } from "../host/http_peer.ts";
import { startHttpServer } from "../host/http_server.ts";
import { exposition, type MetricSample, prometheusContentType } from "../core/text/exposition.ts";
import type { Logger } from "../core/logger.ts";
import { AdminHosts } from "./admin_hosts.ts";
import { readAdminRequest } from "./admin_request.ts";
import type { AdminConfig } from "./config/config.ts";
import { formatAddress } from "../core/text/address.ts";

/** What the admin endpoint shows. */
export interface AdminView {
  /** Why the gateway is not ready; empty when it is. */
  notReady(): readonly string[] | Promise<readonly string[]>;
  samples(): Iterable<MetricSample> | Promise<Iterable<MetricSample>>;
  /** Its endpoints with their connections. */
  pictures(): readonly object[] | Promise<readonly object[]>;
  /** Its reloads; undefined where processes are replaced instead. */
  reloads?(): object;
}

/** The running admin endpoint. */
export interface Admin {
  /** Such as `http://127.0.0.1:9464`; the port that was chosen. */
  readonly url: string;
  /** Drops what is being answered. */
  close(): Promise<unknown>;
}

/** How long a request may take to arrive, in milliseconds. */
const requestTimeout = 10_000;
/** How long a connection may be silent between two requests, or take nothing of an answer, in milliseconds. */
const silence = 60_000;
/** The longest head of a request, in bytes. */
const maxHeadBytes = 16 * 1024;
/** Connections at one time; scrapers and probes need a few. */
const maxConnections = 256;

type Page = (view: AdminView) => HttpAnswer | Promise<HttpAnswer>;

const pages: ReadonlyMap<string, Page> = new Map(Object.entries<Page>({
  "/metrics": async (view) => text(200, exposition(await view.samples()), prometheusContentType),
  "/healthz": () => json(200, { status: "ok" }),
  "/readyz": async (view) => {
    const reasons = await view.notReady();
    return reasons.length === 0
      ? json(200, { status: "ready" })
      : json(503, { status: "not ready", reasons });
  },
  "/reload": (view) =>
    view.reloads === undefined
      ? json(404, { error: "processes are replaced here, not reloaded" })
      : json(200, view.reloads()),
  "/connections": async (view) => json(200, { endpoints: await view.pictures() }),
}));

const refusals: Readonly<Record<HttpRefusal, string>> = {
  400: "this is not a request in HTTP/1.1",
  408: "the request took too long",
  431: `the head has more than ${maxHeadBytes} bytes`,
  505: "this HTTP version is not supported, use HTTP/1.1",
};

/** Listens; rejects with `SocketError` when the address cannot be bound. */
export async function startAdmin(
  config: AdminConfig,
  view: AdminView,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): Promise<Admin> {
  const { host, port } = config.address;
  const hosts = new AdminHosts(host, config.hosts);
  const server = await startHttpServer({
    host,
    port,
    clock,
    maxConnections,
    maxHeadBytes,
    requestTimeout,
    silence,
    answer: (request) => answer(request, view, hosts, log),
    refuse: (status) => json(status, { error: refusals[status] }),
    failed: (error) =>
      log({ level: "error", message: "admin listener failed", fields: { error: error.message } }),
  });
  return { url: `http://${formatAddress(server.address)}`, close: () => server.close() };
}

async function answer(
  request: HttpRequest,
  view: AdminView,
  hosts: AdminHosts,
  log: Logger,
): Promise<HttpAnswer> {
  const { method } = request;
  const read = readAdminRequest(request);
  if (read.status !== undefined) return { ...json(read.status, { error: read.error }), close: true };
  const { path, host } = read;
  if (host !== undefined && !hosts.accepts(host)) {
    const error = "this host is not served here; add it to admin.hosts if it should be";
    return json(421, { error });
  }
  const page = pages.get(path);
  if (method !== "GET" && method !== "HEAD") {
    return json(405, { error: `${method} is not supported, use GET` }, { allow: "GET, HEAD" });
  }
  if (page === undefined) {
    return json(404, { error: `there is no page ${path.slice(0, 200)}`, pages: [...pages.keys()] });
  }
  try {
    return await page(view);
  } catch (error) {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    log({ level: "error", message: "admin page failed", fields: { path, error: text } });
    return json(500, { error: "the page could not be created; see the log" });
  }
}

function json(status: number, value: object, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return text(status, `${JSON.stringify(value)}\n`, "application/json; charset=utf-8", headers);
}

function text(
  status: number,
  body: string,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const ours = { "content-type": type, "cache-control": "no-store", "x-content-type-options": "nosniff" };
  return { status, headers: { ...ours, ...headers }, body };
}
