/** Options and help of the commands that dial: `connect`, `bench`. Declared in `program.ts`'s program. */
import type { Command } from "commander";
import type { Address } from "../../core/transport.ts";
import { CommandFailure, exitCodes } from "./failure.ts";
import { formsHelp, type FramingSpec, framingSpec } from "./framing_spec.ts";
import { address, duration, oneOf, option, size, valueOf, wholeNumber } from "./option_values.ts";
import type { Shell } from "./shell.ts";
import { addClientTls, type ClientTlsFlags, clientTlsOf } from "./tls_flags.ts";

/** `millrace connect` */
export function addConnect(program: Command, shell: Shell, done: (code: number) => void): void {
  const command = program.command("connect")
    .argument("<endpoint>", "HOST:PORT, or unix:PATH", valueOf(address("connect")))
    .description("exchange frames with a server: send lines of standard input, print the frames received")
    .addOption(option("-f, --framing <spec>", "how bytes are cut into frames", framingSpec, "lines"))
    .addOption(
      option(
        "-i, --input <form>",
        "how to read input: lines of text or hex; or bytes, to send it unchanged (default: text; bytes with raw)",
        oneOf(["text", "hex", "bytes"]),
      ),
    )
    .addOption(
      option(
        "-o, --output <form>",
        "how to print a frame: as a line of text, hex or json; or bytes, unchanged (default: text; bytes with raw)",
        oneOf(["text", "hex", "json", "bytes"]),
      ),
    )
    .addOption(option("-n, --replies <count>", "exit after this many frames", wholeNumber(0)))
    .addOption(
      option(
        "-w, --wait <duration>",
        "after the end of input, how long to wait for the next reply",
        duration({ zero: true }),
        "5s",
      ),
    )
    .addOption(
      option(
        "--timeout <duration>",
        "time limit for connecting",
        duration({ infinite: false }),
        "10s",
      ),
    )
    .option("--reconnect", "connect again, after waits that grow, when there is no connection or it ends")
    .addOption(
      option(
        "--proxy-header <version>",
        "send a PROXY protocol header first: 1 or 2",
        (text) => Number(oneOf(["1", "2"])(text)),
      ),
    );
  addClientTls(command)
    .addHelpText(
      "after",
      `
At the end of input, FIN is sent, and replies are printed until the server closes. With --replies, FIN is
sent only after that many frames. If replies are missing after --wait, the exit code is 3.

With --reconnect, lines that are read meanwhile are sent on the next connection, and what happens is said on
standard error. FIN is not sent at the end of input: the command ends when nothing has arrived for --wait.

With --framing raw, bytes pass unchanged from standard input to the server and from the server to standard
output, unless --input or --output says otherwise. On a terminal, received bytes are shown as text.

${formsHelp}

Examples:
  echo hello | millrace connect 127.0.0.1:3034
  echo '01 02 ff' | millrace connect 127.0.0.1:502 --framing length:2 --input hex --output hex --replies 1
  millrace connect unix:/tmp/echo.sock --framing length:4 --output json
  millrace connect 127.0.0.1:9100 --framing raw <label.prn >answer.bin
  millrace connect 10.0.1.5:4000 --reconnect --wait Infinity >readings.txt
  millrace connect localhost:3034 --tls --ca certs/ca.crt`,
    )
    .action(async (address: Address, options: ConnectFlags) => {
      const { runConnect } = await import("./connect_command.ts");
      const { framing, replies, wait, timeout, proxyHeader, reconnect = false } = options;
      const raw = framing.framing.name === "raw";
      const input = options.input ?? (raw ? "bytes" : "text");
      const output = options.output ?? (raw && !shell.output.isTerminal ? "bytes" : "text");
      if (input === "bytes" && !raw) {
        throw new CommandFailure(
          exitCodes.usage,
          `--input: found "bytes", expected text or hex with --framing ${framing.text}, or --framing raw`,
        );
      }
      const tls = clientTlsOf(options, address.transport === "tcp");
      done(
        await runConnect(
          {
            ...{ address, framing, tls, proxyHeader, input, output, replies, reconnect },
            ...{ waitMs: wait, timeoutMs: timeout },
          },
          shell,
        ),
      );
    });
}

interface ConnectFlags extends ClientTlsFlags {
  framing: FramingSpec;
  input?: "text" | "hex" | "bytes";
  output?: "text" | "hex" | "json" | "bytes";
  replies?: number;
  proxyHeader?: 1 | 2;
  reconnect?: boolean;
  wait: number;
  timeout: number;
}

/** `millrace bench` */
export function addBench(program: Command, shell: Shell, done: (code: number) => void): void {
  const command = program.command("bench")
    .argument("<endpoint>", "HOST:PORT, or unix:PATH, of an echo server", valueOf(address("connect")))
    .description("measure an echo server under load: throughput, latency percentiles, histogram")
    .addOption(option("-c, --connections <count>", "concurrent connections", wholeNumber(1), "100"))
    .addOption(option("-d, --depth <count>", "messages in flight per connection", wholeNumber(1, 4096), "32"))
    .addOption(
      option(
        "-s, --size <bytes>",
        "bytes of a message, without framing (default: 64, or that of fixed:N)",
        size({ most: 16 << 20 }),
      ),
    )
    .addOption(
      option("-t, --duration <duration>", "how long to measure", duration({ infinite: false }), "5s"),
    )
    .addOption(
      option(
        "--warmup <duration>",
        "how long to run before measuring",
        duration({ zero: true, infinite: false }),
        "500ms",
      ),
    )
    .addOption(option("-f, --framing <spec>", "how bytes are cut into frames", framingSpec, "lines"))
    .addOption(
      option(
        "--timeout <duration>",
        "time limit for connecting and for the first reply",
        duration({ infinite: false }),
        "5s",
      ),
    )
    .option("--json", "print the result as JSON")
    .option("--no-progress", "do not show a progress bar");
  addClientTls(command)
    .addHelpText(
      "after",
      `
The loop is closed: the next message is sent when a reply has arrived. Latencies are round trips at this depth.

${formsHelp}

Examples:
  millrace bench 127.0.0.1:3034 --connections 100 --depth 32 --size 64 --duration 5s
  millrace bench 127.0.0.1:3034 --framing length:4 --size 65536 --json`,
    )
    .action(async (address: Address, options: BenchFlags) => {
      const { runBench } = await import("./bench_command.ts");
      const { connections, depth, size, duration, warmup, framing, timeout, json = false, progress } =
        options;
      const tls = clientTlsOf(options, address.transport === "tcp");
      const times = { durationMs: duration, warmupMs: warmup, timeoutMs: timeout };
      done(
        await runBench({ address, tls, connections, depth, size, framing, json, progress, ...times }, shell),
      );
    });
}

interface BenchFlags extends ClientTlsFlags {
  connections: number;
  depth: number;
  size?: number;
  duration: number;
  warmup: number;
  framing: FramingSpec;
  timeout: number;
  json?: boolean;
  progress: boolean;
}
