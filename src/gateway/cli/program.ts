/**
 * The command line of `millrace`: names, options, help, and the one place where a failure becomes a line
 * and an exit code.
 *
 * Called by `main.ts`. What a command does is in its own file, loaded when it runs: help stays quick.
 */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { parseDuration, parseFiniteDuration } from "./duration_spec.ts";
import { parseEndpoint, parsePort } from "./endpoint_spec.ts";
import { CommandFailure, exitCodes, oneLine } from "./failure.ts";
import { framingHelp, parseFraming } from "../framing_spec.ts";
import type { Shell } from "./shell.ts";
import { version } from "./version.ts";

const exitHelp = `
Exit codes:
  0  it did what was asked; a server that drained cleanly
  1  it failed: port in use, refused, faults in the config, not an echo server
  2  the command line makes no sense
  3  a time limit passed or a second signal came with work unfinished
  128+N  ended by signal N before it had a result`;

const durationHelp = "500ms, 5s, 2m, 1h";

/** Runs one command line; resolves with the exit code, never rejects. */
export async function runProgram(args: readonly string[], shell: Shell): Promise<number> {
  let code: number = exitCodes.ok;
  const done = (result: number): void => void (code = result);
  try {
    await buildProgram(shell, done).parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    await shell.errors.write(`millrace: ${oneLine(error)}\n`);
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
      outputError: (text, write) => write(`${usageLine(text)}\n`),
      getOutHelpWidth: () => shell.output.columns ?? 100,
      getErrHelpWidth: () => shell.errors.columns ?? 100,
    });
  addGateway(program, shell, done);
  addCheck(program, shell, done);
  addServe(program, shell, done);
  addConnect(program, shell, done);
  addBench(program, shell, done);
  return program;
}

/** Commander's message on one line, with its suggestion and where to look. */
function usageLine(text: string): string {
  const line = text.trim().replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ");
  return `millrace: ${line}${/[.?)]$/.test(line) ? "" : ";"} see millrace --help`;
}

function addGateway(program: Command, shell: Shell, done: (code: number) => void): void {
  program.command("gateway")
    .argument("<config>", "file in YAML, JSON or TOML")
    .description("run the gateway that a config file describes")
    .option(
      "--deadline <duration>",
      "time for connections to finish at a stop signal",
      valueOf(parseDuration),
    )
    .addHelpText(
      "after",
      `
The first SIGTERM or SIGINT drains: no new connections, open ones finish. The second one cuts them.

Examples:
  millrace gateway gateway.yaml
  millrace gateway gateway.toml --deadline 10s`,
    )
    .action(async (config: string, options: { deadline?: number }) => {
      const { runGateway } = await import("./gateway_command.ts");
      done(await runGateway({ config, deadlineMs: options.deadline }, shell));
    });
}

function addCheck(program: Command, shell: Shell, done: (code: number) => void): void {
  program.command("check")
    .argument("<config>", "file in YAML, JSON or TOML")
    .description("check a config file; every fault with its path, the value found and what was expected")
    .addHelpText(
      "after",
      "\nExits 0 when the gateway would start with it, 1 when not.\n\nExample:\n  millrace check gateway.yaml",
    )
    .action(async (config: string) => {
      const { runCheck } = await import("./check_command.ts");
      done(await runCheck({ config }, shell));
    });
}

function addServe(program: Command, shell: Shell, done: (code: number) => void): void {
  program.command("serve")
    .description("start a server that prints each frame as a line of JSON, and may echo it")
    .option(
      "-p, --port <port>",
      "TCP port; 0 picks a free one (default: 3034)",
      valueOf((text) => parsePort(text)),
    )
    .option("--host <address>", "address to bind; :: for all (default: 127.0.0.1)")
    .option("--unix <path>", "listen on a Unix socket instead")
    .option(
      "-f, --framing <spec>",
      "how bytes are cut into frames",
      valueOf(parseFraming),
      parseFraming("lines"),
    )
    .option("--echo", "send each frame back", false)
    .option("-q, --quiet", "do not print the frames", false)
    .option(
      "--idle-timeout <duration>",
      `close after this much silence: ${durationHelp}, never`,
      valueOf(parseDuration),
      parseDuration("5m"),
    )
    .option(
      "--max-connections <count>",
      "connections at one time; 0 = unlimited",
      valueOf(wholeNumber(0)),
      4096,
    )
    .option(
      "--deadline <duration>",
      "time for connections to finish at a stop signal",
      valueOf(parseDuration),
      parseDuration("30s"),
    )
    .addHelpText(
      "after",
      `
${framingHelp}

Examples:
  millrace serve --port 3034 --framing lines --echo
  millrace serve --unix /tmp/echo.sock --framing length:4 --echo --quiet
  millrace serve --framing 'delimited:\\x03' | jq .`,
    )
    .action(async (options: ServeFlags) => {
      if (options.unix !== undefined && (options.port !== undefined || options.host !== undefined)) {
        throw new CommandFailure(exitCodes.usage, "--unix goes without --port and --host: leave one out");
      }
      const { runServe } = await import("./serve_command.ts");
      const { port = 3034, host = "127.0.0.1", unix: path } = options;
      const address = path === undefined
        ? { transport: "tcp" as const, host, port }
        : { transport: "unix" as const, path };
      const { framing, echo, quiet, idleTimeout, maxConnections, deadline } = options;
      done(
        await runServe(
          { address, framing, echo, quiet, idleTimeoutMs: idleTimeout, maxConnections, deadlineMs: deadline },
          shell,
        ),
      );
    });
}

interface ServeFlags {
  port?: number;
  host?: string;
  unix?: string;
  framing: ReturnType<typeof parseFraming>;
  echo: boolean;
  quiet: boolean;
  idleTimeout: number;
  maxConnections: number;
  deadline: number;
}

function addConnect(program: Command, shell: Shell, done: (code: number) => void): void {
  program.command("connect")
    .argument("<endpoint>", "HOST:PORT, or unix:PATH", valueOf(parseEndpoint))
    .description("talk to a server in frames: lines of standard input go out, frames come in")
    .option(
      "-f, --framing <spec>",
      "how bytes are cut into frames",
      valueOf(parseFraming),
      parseFraming("lines"),
    )
    .option(
      "-i, --input <form>",
      "what a line of input is: text, hex",
      valueOf(oneOf(["text", "hex"])),
      "text",
    )
    .option(
      "-o, --output <form>",
      "how a frame is printed: text, hex, json",
      valueOf(oneOf(["text", "hex", "json"])),
      "text",
    )
    .option("-n, --replies <count>", "end when this many frames are in", valueOf(wholeNumber(0)))
    .option(
      "-w, --wait <duration>",
      "how long to wait for replies after the end of input",
      valueOf(parseDuration),
      parseDuration("5s"),
    )
    .option(
      "--timeout <duration>",
      "the most that connecting may take",
      valueOf(parseFiniteDuration),
      parseDuration("10s"),
    )
    .addHelpText(
      "after",
      `
At the end of input FIN is sent and replies are awaited until the server closes. With --replies FIN is
sent only after that many frames. Whatever is missing after --wait makes exit code 3.

${framingHelp}

Examples:
  echo hello | millrace connect 127.0.0.1:3034
  echo '01 02 ff' | millrace connect 127.0.0.1:502 --framing length:2 --input hex --output hex --replies 1
  millrace connect unix:/tmp/echo.sock --framing length:4 --output json`,
    )
    .action(async (address: ReturnType<typeof parseEndpoint>, options: ConnectFlags) => {
      const { runConnect } = await import("./connect_command.ts");
      const { framing, input, output, replies, wait, timeout } = options;
      done(
        await runConnect(
          { address, framing, input, output, replies, waitMs: wait, timeoutMs: timeout },
          shell,
        ),
      );
    });
}

interface ConnectFlags {
  framing: ReturnType<typeof parseFraming>;
  input: "text" | "hex";
  output: "text" | "hex" | "json";
  replies?: number;
  wait: number;
  timeout: number;
}

function addBench(program: Command, shell: Shell, done: (code: number) => void): void {
  program.command("bench")
    .argument("<endpoint>", "HOST:PORT, or unix:PATH, of an echo server", valueOf(parseEndpoint))
    .description("put an echo server under load; throughput, latency percentiles, histogram")
    .option("-c, --connections <count>", "connections at one time", valueOf(wholeNumber(1)), 100)
    .option("-d, --depth <count>", "messages in flight on each", valueOf(wholeNumber(1, 4096)), 32)
    .option(
      "-s, --size <bytes>",
      "bytes of a message, without what the framing adds (default: 64, or that of fixed:N)",
      valueOf(wholeNumber(1, 16 << 20)),
    )
    .option(
      "-t, --duration <duration>",
      "how long to measure",
      valueOf(parseFiniteDuration),
      parseDuration("5s"),
    )
    .option(
      "--warmup <duration>",
      "how long to run before measuring",
      valueOf(parseDuration),
      parseDuration("500ms"),
    )
    .option(
      "-f, --framing <spec>",
      "how bytes are cut into frames",
      valueOf(parseFraming),
      parseFraming("lines"),
    )
    .option(
      "--timeout <duration>",
      "the most that a connect or a first reply may take",
      valueOf(parseFiniteDuration),
      parseDuration("5s"),
    )
    .option("--json", "print the result as JSON", false)
    .option("--no-progress", "no progress bar")
    .addHelpText(
      "after",
      `
A closed loop: a message goes out when a reply is in. Latencies are round trips at this depth.

${framingHelp}

Examples:
  millrace bench 127.0.0.1:3034 --connections 100 --depth 32 --size 64 --duration 5s
  millrace bench 127.0.0.1:3034 --framing length:4 --size 65536 --json`,
    )
    .action(async (address: ReturnType<typeof parseEndpoint>, options: BenchFlags) => {
      const { runBench } = await import("./bench_command.ts");
      const { connections, depth, size, duration, warmup, framing, timeout, json, progress } = options;
      const times = { durationMs: duration, warmupMs: warmup, timeoutMs: timeout };
      done(await runBench({ address, connections, depth, size, framing, json, progress, ...times }, shell));
    });
}

interface BenchFlags {
  connections: number;
  depth: number;
  size?: number;
  duration: number;
  warmup: number;
  framing: ReturnType<typeof parseFraming>;
  timeout: number;
  json: boolean;
  progress: boolean;
}

/** Makes a parser's `RangeError` a usage error that names the option. */
function valueOf<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof RangeError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

function wholeNumber(lowest: number, highest = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= lowest && value <= highest) return value;
    const upTo = highest === Number.MAX_SAFE_INTEGER ? " or more" : ` to ${highest}`;
    throw new RangeError(`found ${JSON.stringify(text)}, expected a whole number, ${lowest}${upTo}`);
  };
}

function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    throw new RangeError(`found ${JSON.stringify(text)}, expected ${values.join(" or ")}`);
  };
}
