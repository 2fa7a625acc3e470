/** Starts the attempts of a client for programs without Effect. */
import * as Effect from "effect/Effect";
import { dialling } from "./dialling.ts";
import type { Reconnecting } from "./reconnecting.ts";

/** Until the client is closed or has given up. */
export function startDialling<Received, Sent, Context>(client: Reconnecting<Received, Sent, Context>): void {
  Effect.runFork(dialling(client));
}
