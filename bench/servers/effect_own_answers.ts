/** A write for each message on Effect's own `SocketServer`. */
import { answers, serveByEffect } from "./effect_handlers.ts";

await serveByEffect(answers);
