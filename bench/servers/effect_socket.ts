/** An echo on the `SocketServer` of Millrace. */
import { echo, serveByMillrace } from "./effect_handlers.ts";

await serveByMillrace(echo);
