/** The same echo of 64 KiB frames as `length_field.ts`, in one worker. */
import { isMainThread } from "node:worker_threads";
import { lengthField } from "../../src/core/framing/length_field.ts";
import { serve } from "../../src/server/serve.ts";
import { serveInWorker } from "../../src/workers/serve_in_worker.ts";
import { workers } from "../../src/workers/workers.ts";
import { portOf, ready } from "./ready.ts";

if (isMainThread) {
  const pool = await workers({ module: new URL(import.meta.url), count: 1 });
  ready(portOf((await serve({ port: 0, ...pool.connections })).address));
} else {
  const framing = lengthField({ lengthBytes: 4 });
  serveInWorker({ framing, onFrame: (frame, connection) => connection.send(frame) });
}
