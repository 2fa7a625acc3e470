// A module that never calls serveInWorker, and does not end.
import { parentPort } from "node:worker_threads";

parentPort?.on("message", () => {});
