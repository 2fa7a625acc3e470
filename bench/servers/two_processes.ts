/** Two processes on one socket. */
import { serveIn } from "./in_processes.ts";

await serveIn(2);
