// A worker whose options are wrong.
import { lines } from "../../../mod.ts";
import { serveInWorker } from "../../../workers.ts";

serveInWorker({ framing: lines(), onFrame: () => {}, egressLimit: -1 });
