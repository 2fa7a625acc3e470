/**
 * The admin endpoint (F-60): `/metrics`, `/healthz`, `/readyz` and `/connections` over HTTP.
 *
 * Started by the gateway before anything else and stopped last. It only reads; what changes something goes
 * over the control subjects.
 */
import { serve, type Server } from "srvx";
import { socketErrorFrom } from "../core/errors.ts";
import type { Address } from "../core/transport.ts";
import { type MetricSample, prometheusContentType, prometheusText } from "../server/metrics.ts";
import type { Endpoint } from "./endpoint.ts";

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
  close(): Promise<void>;
}

type Answer = (view: AdminView) => Response | Promise<Response>;

const pages: Readonly<Record<string, Answer>> = {
  "/metrics": async (view) => text(await prometheusText(view.samples()), 200, prometheusContentType),
  "/healthz": () => json({ status: "ok" }, 200),
  "/readyz": (view) => {
    const reasons = view.notReady();
    return reasons.length === 0
      ? json({ status: "ready" }, 200)
      : json({ status: "not ready", reasons }, 503);
  },
  "/connections": (view) => json({ endpoints: [...view.endpoints].map(picture) }, 200),
};

function picture(endpoint: Endpoint): object {
  const { connections, ...rest } = endpoint.inspect();
  return { name: endpoint.name, mode: endpoint.mode, ...rest, traffic: endpoint.traffic(), connections };
}

/** Listens; rejects with `SocketError` when the address cannot be bound. */
export async function startAdmin(
  address: Extract<Address, { readonly transport: "tcp" }>,
  view: AdminView,
): Promise<Admin> {
  const { host, port } = address;
  const action = `listen on ${host.includes(":") ? `[${host}]` : host}:${port}`;
  let server: Server;
  try {
    server = serve({
      hostname: host,
      port,
      manual: true,
      silent: true,
      // Signals are heard in one place, and that is not here.
      gracefulShutdown: false,
      fetch: (request) => answer(request, view),
    });
    await server.serve();
    await server.ready();
  } catch (cause) {
    throw socketErrorFrom(cause, action);
  }
  const url = (server.url ?? `http://${host}:${port}`).replace(/\/$/, "");
  return { url, close: () => server.close(true) };
}

async function answer(request: Request, view: AdminView): Promise<Response> {
  const { pathname } = new URL(request.url);
  const page = Object.hasOwn(pages, pathname) ? pages[pathname] : undefined;
  if (page === undefined) {
    return json({ error: `no page ${pathname}`, pages: Object.keys(pages) }, 404);
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return json({ error: `${request.method} is not supported, use GET` }, 405, { allow: "GET, HEAD" });
  }
  try {
    return await page(view);
  } catch (error) {
    return json({ error: error instanceof Error ? error.message : String(error) }, 500);
  }
}

function json(value: object, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return text(`${JSON.stringify(value)}\n`, status, "application/json; charset=utf-8", headers);
}

function text(
  body: string,
  status: number,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, {
    status,
    headers: { ...headers, "content-type": type, "cache-control": "no-store" },
  });
}
