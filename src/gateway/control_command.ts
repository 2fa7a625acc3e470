/**
 * What a control command is: what runs it, what it is refused with, and what of it goes into the log.
 *
 * Used by `control.ts` and by the files that have commands.
 */
import type { RunningEndpoint } from "./running_endpoint.ts";

/** Why a command was refused. */
export type ControlRefusal =
  | "malformed"
  | "unknown_command"
  | "unknown_connection"
  | "unsupported"
  /** The endpoint drains or has stopped, for good: nothing brings it back. */
  | "stopping"
  | "failed";

/** A command that is not carried out. */
export class RefusedCommand extends Error {
  readonly reason: ControlRefusal;
  constructor(reason: ControlRefusal, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What comes with a command. */
export type Payload = Readonly<Record<string, unknown>>;

/** What a command gives back. */
type Command = (payload: Payload, endpoint: RunningEndpoint, deadlineMs: number) => unknown;

/** One command. */
export interface Known {
  readonly run: Command;
  /** For one that changes something, and so leaves a record: the parts of its payload that are in it. */
  readonly recorded?: readonly string[];
}

/** A value from outside, in a message. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
