/** An echo on Effect's own `SocketServer`. */
import { echo, serveByEffect } from "./effect_handlers.ts";

await serveByEffect(echo);
