/**
 * Sockets of workerd, the host of Cloudflare Workers, by its `node:net`: they connect and do not listen. Its servers
 * say that they listen, and nobody reaches them.
 *
 * Loaded by `detect.ts`.
 */
import { OptionsError } from "../core/errors.ts";
import type { Adapter } from "../core/transport.ts";
import { nodeAdapter } from "./node/adapter.ts";

/** The sockets of workerd. */
export const workerdAdapter: Adapter = {
  ...nodeAdapter,
  name: "workerd",
  listens: false,
  listen: () =>
    Promise.reject(
      new OptionsError("unsupported", [{
        path: "adapter",
        found: "workerd",
        expected: "a host with sockets that listen: Bun, Deno or Node.js",
      }]),
    ),
};
