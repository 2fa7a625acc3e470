/** The baseline of TLS on Bun: its own sockets, secured by themselves. */
import { echoOnBun } from "./bun_echo.ts";
import { readPair } from "./pair.ts";

echoOnBun({ tls: readPair() });
