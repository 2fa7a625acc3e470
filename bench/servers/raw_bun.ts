/** The baseline on Bun: its own sockets. */
import { echoOnBun } from "./bun_echo.ts";

echoOnBun();
