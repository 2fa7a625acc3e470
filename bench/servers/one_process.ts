/** One process on a socket that another one holds. */
import { serveIn } from "./in_processes.ts";

await serveIn(1);
