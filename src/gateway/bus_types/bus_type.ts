/**
 * What the gateway knows of one type of bus: its keys in a configuration, its habits, and how it is made.
 *
 * Implemented by the other files of this folder, one for each type or family; `bus_types.ts` has them by name.
 */
import type { Logger } from "../../core/logger.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { ByteInput } from "../../host/standard_input.ts";
import type { TextOutput } from "../../host/standard_output.ts";
import type { Bus } from "../buses/bus.ts";
import type { HandlerErrors } from "../buses/subscriptions.ts";
import type { Section } from "../config/section.ts";

/** What a bus gets of its gateway. */
export interface BusContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly onHandlerError: HandlerErrors;
  /** Standard streams in the place of the process's own. */
  readonly output: TextOutput | undefined;
  readonly input: ByteInput | undefined;
}

/** One type; `Settings` are its keys of the table `bus`, checked. */
export interface BusType<Settings> {
  /** It is reached over a network, so that other gateways may be on it. */
  readonly network: boolean;
  /** Where frames go unless told otherwise, below the endpoint's own subject. */
  readonly ingress: "in" | "in.{conn.id}";
  /** Where a subject is added that is to be stored; undefined for a bus that stores nothing. */
  readonly covering?: string;
  /** The name of the stream that stores a subject, on a bus with a stream for each group of subjects. */
  streamOf?(settings: Settings, subject: string): string | undefined;
  /** Reads its keys; `folder` is where relative paths start. */
  read(table: Section, folder: string): Settings;
  /** Without a table. */
  readonly standard: Settings;
  /** Rejects with `BusError` where a server, or what it needs of it, cannot be had. */
  make(settings: Settings, context: BusContext): Promise<Bus>;
}
