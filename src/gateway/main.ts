#!/usr/bin/env node
/**
 * The program `millrace`: the one place where signals are heard and the process is ended.
 *
 * Started by hand, by `bin` of package.json and by scripts/start.mjs. What to do is in `cli/program.ts`.
 */
import { systemClock } from "../core/time/clock.ts";
import { exit, ignoresHangup, programArguments, setExitCode } from "../host/process.ts";
import { shieldEnvironment } from "../host/environment.ts";
import { SignalEcho, signalEchoMs } from "../host/signal_echo.ts";
import { afterQuietly, onSignal } from "../host/signals.ts";
import { standardError, standardOutput } from "../host/standard_output.ts";
import { standardInput, standardInputIsTerminal } from "../host/standard_input.ts";
import { signalExitCode } from "./cli/failure.ts";
import { runProgram } from "./cli/program.ts";
import { aborted, StopSteps } from "./cli/shell.ts";

/** What may still be open once a command is done, such as a terminal, may hold the process this much longer. */
const lastCallMs = 1000;

// For the libraries that parse and print.
shieldEnvironment();
const stop = new StopSteps();
const echo = new SignalEcho(systemClock);
const deafen = onSignal(["SIGINT", "SIGTERM", ...(ignoresHangup() ? [] : ["SIGHUP"] as const)], (name) => {
  // What SIGHUP asks for in the place of stopping may be asked for again at once.
  if (name === "SIGHUP" && stop.onHangup !== undefined) return stop.onHangup();
  if (echo.repeats()) return;
  if (!stop.next(name)) exit(signalExitCode(name));
});
const code = await runProgram(programArguments(), {
  output: standardOutput(),
  errors: standardError(),
  input: standardInput,
  inputIsTerminal: standardInputIsTerminal,
  stop,
});
// A reader may take its time, until a signal says that there is no more of it.
let lastCall: ReturnType<typeof setTimeout> | undefined;
const called = aborted(stop.soft).then(() =>
  new Promise((resolve) => lastCall = setTimeout(resolve, lastCallMs))
);
await Promise.race([standardOutput().flush(), called, aborted(stop.hard)]);
clearTimeout(lastCall);
// The echo of the last signal must not end it with another code.
afterQuietly(deafen, signalEchoMs);
setExitCode(code);
// Ending by itself lets the runtime write out what is still in its pipes.
afterQuietly(() => exit(code), lastCallMs);
