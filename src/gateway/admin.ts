/**
 * The admin endpoint (F-60): `/metrics`, `/healthz`, `/readyz` and `/connections` over HTTP.
 *
 * Started by the gateway before anything else and stopped last. It only reads; what changes something goes over the
 * control subjects. It stands on Millrace's own sockets, so that what a peer sends is met by the same limits and gets
 * the same answer on every runtime, whose own servers differ in what they let pass and tell.
 */
import { detectAdapter } from "../adapters/detect.ts";
import type { Connection } from "../connection/connection.ts";
import type { Clock } from "../core/clock.ts";
import { raw } from "../core/framing/raw.ts";
import { type MetricSample, prometheusContentType, prometheusText } from "../server/metrics.ts";
import { serve } from "../server/serve.ts";
import type { Logger } from "../server/server_options.ts";
import { AdminHosts } from "./admin_hosts.ts";
import type { AdminConfig } from "./config/config.ts";
import { formatAddress } from "./config/values.ts";
import type { Endpoint } from "./endpoint.ts";
import { HeadReader, type HttpHead, HttpRefusal } from "./http_head.ts";

/** What the admin endpoint shows. */
export interface AdminView {
  readonly endpoints: Iterable<Endpoint>;
  /** Why the gateway is not ready; empty when it is. */
  notReady(): readonly string[];
  samples(): Iterable<MetricSample>;
}

/** The running admin endpoint. */
export interface Admin {
  /** Such as `http://127.0.0.1:9464`; the port that was chosen. */
  readonly url: string;
  /** Drops what is being answered. */
  close(): Promise<unknown>;
}

/** How long a request may take to arrive, in milliseconds. */
const headTimeout = 10_000;
/** How long a connection may be silent between two requests, or take nothing of an answer. */
const silence = 60_000;
/** Connections at one time; scrapers and probes need a few. */
const mostConnections = 256;
/** The largest answer: the list of very many connections. */
const largestAnswer = 256 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type: string;
  readonly allow?: boolean;
}

type Page = (view: AdminView) => Answer | Promise<Answer>;

const pages: ReadonlyMap<string, Page> = new Map(Object.entries<Page>({
  "/metrics": async (view) => ({
    status: 200,
    body: await prometheusText(view.samples()),
    type: prometheusContentType,
  }),
  "/healthz": () => json(200, { status: "ok" }),
  "/readyz": (view) => {
    const reasons = view.notReady();
    return reasons.length === 0
      ? json(200, { status: "ready" })
      : json(503, { status: "not ready", reasons });
  },
  "/connections": (view) => json(200, { endpoints: [...view.endpoints].map(picture) }),
}));

const phrases: ReadonlyMap<number, string> = new Map([
  [200, "OK"],
  [400, "Bad Request"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [408, "Request Timeout"],
  [421, "Misdirected Request"],
  [431, "Request Header Fields Too Large"],
  [500, "Internal Server Error"],
  [503, "Service Unavailable"],
  [505, "HTTP Version Not Supported"],
]);

function picture(endpoint: Endpoint): object {
  const { connections, ...rest } = endpoint.inspect();
  return { ...rest, name: endpoint.name, mode: endpoint.mode, traffic: endpoint.traffic(), connections };
}

/** Listens; rejects with `SocketError` when the address cannot be bound. */
export async function startAdmin(
  config: AdminConfig,
  view: AdminView,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): Promise<Admin> {
  const { host, port } = config.address;
  const hosts = new AdminHosts(host, config.hosts);
  const server = await serve({
    host,
    port,
    framing: raw(),
    adapter: await detectAdapter(),
    clock,
    maxConnections: mostConnections,
    idleTimeout: silence,
    egressLimit: largestAnswer,
    // Whoever scans ports is no news; a listener that fails is.
    logger: (record) => record.level === "error" && log(record),
    handler: (connection) => converse(connection, clock, (head) => answer(head, view, hosts, log)),
  });
  return { url: `http://${formatAddress(server.address)}`, close: () => server.close() };
}

/** Answers the requests of one connection, one after the other, until it says that there are no more. */
async function converse(
  connection: Connection<Uint8Array>,
  clock: Clock,
  answer: (head: HttpHead) => Promise<Answer>,
): Promise<void> {
  const reader = new HeadReader();
  const late = (): void => {
    void connection.send(encode(json(408, { error: "the request took too long" }), true, false));
    void connection.close("the request took too long");
  };
  let timer: unknown = clock.setTimer(late, headTimeout);
  const untime = (): void => {
    clock.clearTimer(timer);
    timer = undefined;
  };
  try {
    for await (const chunk of connection) {
      reader.push(chunk);
      for (let head = reader.next(); head !== undefined; head = reader.next()) {
        untime();
        const reply = await answer(head);
        await connection.send(encode(reply, !head.keepAlive, head.method === "HEAD"));
        if (!head.keepAlive) return;
      }
      if (reader.begun) timer ??= clock.setTimer(late, headTimeout);
    }
  } catch (error) {
    if (!(error instanceof HttpRefusal)) throw error;
    await connection.send(encode(json(error.status, { error: error.message }), true, false));
  } finally {
    untime();
  }
}

async function answer(head: HttpHead, view: AdminView, hosts: AdminHosts, log: Logger): Promise<Answer> {
  const { method, path, host } = head;
  if (host !== undefined && !hosts.accepts(host)) {
    const error = "this host is not served here; list it under admin.hosts if it should be";
    return json(421, { error });
  }
  const page = pages.get(path);
  if (method !== "GET" && method !== "HEAD") {
    return { ...json(405, { error: `${method} is not supported, use GET` }), allow: true };
  }
  if (page === undefined) {
    return json(404, { error: `no page ${path.slice(0, 200)}`, pages: [...pages.keys()] });
  }
  try {
    return await page(view);
  } catch (error) {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    log({ level: "error", message: "admin page failed", fields: { path, error: text } });
    return json(500, { error: "the page could not be made; the log tells why" });
  }
}

function json(status: number, value: object): Answer {
  return { status, body: `${JSON.stringify(value)}\n`, type: "application/json; charset=utf-8" };
}

function encode(
  { status, body, type, allow = false }: Answer,
  last: boolean,
  withoutBody: boolean,
): Uint8Array {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(body);
  const head = [
    `HTTP/1.1 ${status} ${phrases.get(status) ?? ""}`,
    `date: ${new Date().toUTCString()}`,
    `content-type: ${type}`,
    `content-length: ${bytes.length}`,
    "cache-control: no-store",
    "x-content-type-options: nosniff",
    ...(allow ? ["allow: GET, HEAD"] : []),
    ...(last ? ["connection: close"] : []),
  ].map((line) => `${line}\r\n`).join("");
  return encoder.encode(`${head}\r\n${withoutBody ? "" : body}`);
}
