/**
 * How a command ends when it does not end well: one line for a person, one code for a script.
 *
 * Thrown by the commands, caught once in `program.ts`.
 */

/** Exit codes of `millrace`; the help text lists them. */
export const exitCodes = {
  /** It did what was asked. */
  ok: 0,
  /** It could not: a port in use, a connection refused, faults in a config, a peer that is no echo server. */
  failed: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** A time limit passed, or a second signal came, with work unfinished: connections were cut, replies are missing. */
  unfinished: 3,
} as const;

/** An end with a message that says what to do, and an exit code. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: number;
  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The exit code of a program that a signal ended before it had a result, as shells count it. */
export function signalExitCode(name: string): number {
  return name === "SIGINT" ? 130 : name === "SIGHUP" ? 129 : 143;
}

/** One line for a person: the message of an error, its line breaks taken out. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll(/\s*\n\s*/g, " ").trim();
}
