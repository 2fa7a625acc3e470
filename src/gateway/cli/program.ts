/**
 * The command line of `millrace`: names, options, help, and the one place where a failure becomes a line
 * and an exit code.
 *
 * Called by `main.ts`. What a command does is in its own file, loaded when it runs: help stays quick.
 */
import { Command, CommanderError } from "commander";
import { addCert } from "./certificate_commands.ts";
import { addBench, addConnect } from "./client_commands.ts";
import { CommandFailure, exitCodes, oneLine } from "./failure.ts";
import { addRecord, addReplay } from "./recording_commands.ts";
import { addCheck, addGateway, addServe } from "./server_commands.ts";
import { say, type Shell } from "./shell.ts";
import { version } from "./version.ts";

const exitHelp = `
Exit codes:
  0  success; for a server, a clean drain
  1  failure: port in use, connection refused, faults in the config, not an echo server
  2  invalid command line
  3  a time limit or a second signal left work unfinished
  128+N  ended by signal N before there was a result`;

/** Runs one command line; resolves with the exit code, never rejects. */
export async function runProgram(args: readonly string[], shell: Shell): Promise<number> {
  let code: number = exitCodes.ok;
  const done = (result: number): void => void (code = result);
  try {
    await buildProgram(shell, done).parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    say(shell, `millrace: ${oneLine(error)}\n`);
    return error instanceof CommandFailure ? error.exitCode : exitCodes.failed;
  }
}

function buildProgram(shell: Shell, done: (code: number) => void): Command {
  const program = new Command("millrace")
    .description("Framed TCP and Unix sockets: a gateway to a message bus, a server, a client, a benchmark.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText(
      "after",
      `${exitHelp}

Examples:
  millrace serve --port 3034 --framing lines --echo
  millrace connect 127.0.0.1:3034
  millrace check gateway.yaml && millrace gateway gateway.yaml`,
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void shell.output.write(text),
      writeErr: (text) => void shell.errors.write(text),
      getOutHelpWidth: () => shell.output.columns ?? 100,
      getErrHelpWidth: () => shell.errors.columns ?? 100,
    });
  addGateway(program, shell, done);
  addCheck(program, shell, done);
  addServe(program, shell, done);
  addConnect(program, shell, done);
  addBench(program, shell, done);
  addRecord(program, shell, done);
  addReplay(program, shell, done);
  addCert(program, shell, done);
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ outputError: (text, write) => write(usageLine(text, command)) });
  }
  return program;
}

/** Commander's message as one line of ours: which option or argument, what was found, and where to look. */
function usageLine(text: string, command: Command): string {
  const line = text.trim().replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ")
    .replace(/^option '[^']*?(--[\w-]+)[^']*' argument '.*?' is invalid\. (?=found )/s, "$1: ")
    .replace(/^command-argument value '.*?' is invalid for argument '(.+?)'\. (?=found )/s, "$1: ")
    .replace(/\s*\(Did you mean (.+?)\?\)$/, "; did you mean $1?");
  const name = command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
  return `millrace: ${line}${/[.?]$/.test(line) ? "" : ";"} see ${name} --help\n`;
}
