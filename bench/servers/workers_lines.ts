/** The same echo of lines as `on_frame.ts`, in one worker: what the way there and back costs. */
import { isMainThread } from "node:worker_threads";
import { lines } from "../../src/core/framing/lines.ts";
import { serve } from "../../src/server/serve.ts";
import { serveInWorker } from "../../src/workers/serve_in_worker.ts";
import { workers } from "../../src/workers/workers.ts";
import { portOf, ready } from "./ready.ts";

if (isMainThread) {
  const pool = await workers({ module: new URL(import.meta.url), count: 1 });
  ready(portOf((await serve({ port: 0, ...pool.connections })).address));
} else serveInWorker({ framing: lines(), onFrame: (frame, connection) => connection.send(frame) });
