/** A write for each message on the `SocketServer` of Millrace. */
import { answers, serveByMillrace } from "./effect_handlers.ts";

await serveByMillrace(answers);
