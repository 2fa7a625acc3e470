/** Options and help of `record` and `replay`. Declared in `program.ts`'s program. */
import type { Command } from "commander";
import type { Address } from "../../core/transport.ts";
import { address, duration, limit, option, size, valueOf, wholeNumber } from "./option_values.ts";
import type { Shell } from "./shell.ts";
import { addClientTls, type ClientTlsFlags, clientTlsOf } from "./tls_flags.ts";

/** `millrace record` */
export function addRecord(program: Command, shell: Shell, done: (code: number) => void): void {
  program.command("record")
    .argument("<file>", "where to write the recording")
    .argument(
      "<endpoint>",
      "the server to pass connections on to: HOST:PORT, or unix:PATH",
      valueOf(address("connect")),
    )
    .description("record connections: pass them on to a server, and write what both sides send to a file")
    .addOption(
      option(
        "-l, --listen <address>",
        "where clients connect to: HOST:PORT, or unix:PATH; port 0 picks a free one",
        address("listen"),
        "127.0.0.1:3034",
      ),
    )
    .addOption(
      option(
        "--max-size <size>",
        "maximum size of the file; then connections are passed on unrecorded",
        size(),
        "64MiB",
      ),
    )
    .option("--force", "replace the file if there is one")
    .addOption(
      option(
        "--idle-timeout <duration>",
        "close after this much silence: 5s, 2m, 1h, Infinity",
        duration(),
        "2h",
      ),
    )
    .addOption(
      option("--max-connections <count>", "maximum concurrent connections, or Infinity", limit, "4096"),
    )
    .addOption(
      option(
        "--deadline <duration>",
        "time for connections to finish after a stop signal",
        duration({ zero: true }),
        "5s",
      ),
    )
    .addHelpText(
      "after",
      `
The file has the payload of the connections, readable by its owner alone: one line of JSON for each chunk, with the time
in milliseconds, the side that sent it, and its bytes as text or hex. It can be read at any time, also while it
is written. TLS is passed on and recorded as it is, encrypted.

Examples:
  millrace record field.ndjson 192.0.2.7:502 --listen 127.0.0.1:1502
  millrace record field.ndjson unix:/run/app.sock --max-size 1GiB --force`,
    )
    .action(async (file: string, target: Address, options: RecordFlags) => {
      const { runRecord } = await import("./record_command.ts");
      const { listen, maxSize, force = false, idleTimeout, maxConnections, deadline } = options;
      done(
        await runRecord(
          {
            file,
            target,
            listen,
            maxBytes: maxSize,
            force,
            idleTimeoutMs: idleTimeout,
            maxConnections,
            deadlineMs: deadline,
          },
          shell,
        ),
      );
    });
}

interface RecordFlags {
  listen: Address;
  maxSize: number;
  force?: boolean;
  idleTimeout: number;
  maxConnections: number;
  deadline: number;
}

/** `millrace replay` */
export function addReplay(program: Command, shell: Shell, done: (code: number) => void): void {
  const command = program.command("replay")
    .argument("<file>", "a recording of millrace record")
    .argument(
      "<endpoint>",
      "the server to play it against: HOST:PORT, or unix:PATH",
      valueOf(address("connect")),
    )
    .description("play the client of a recorded connection against a server, and compare the answers")
    .addOption(
      option(
        "-c, --connection <number>",
        "which connection of the recording (default: the first)",
        wholeNumber(1),
      ),
    )
    .addOption(
      option("-s, --speed <factor>", "how many times as fast: 2, 0.5, or Infinity for no pauses", speed, "1"),
    )
    .addOption(
      option(
        "-w, --wait <duration>",
        "how long the server may be silent while an answer is due",
        duration(),
        "5s",
      ),
    )
    .addOption(
      option("--timeout <duration>", "time limit for connecting", duration({ infinite: false }), "10s"),
    )
    .option("--show", "print what comes back, as the lines of a recording")
    .option("--json", "print the result as JSON")
    .option("--no-progress", "do not show a progress bar");
  addClientTls(command)
    .addHelpText(
      "after",
      `
Each chunk is sent as it was recorded, after the same pause, and not before the answers that it followed. The exit code is
0 if the same bytes come back, 1 if others do, and 3 if the server ends or is silent before everything was
exchanged.

Examples:
  millrace replay field.ndjson 127.0.0.1:502
  millrace replay field.ndjson 127.0.0.1:502 --speed Infinity --show | jq .`,
    )
    .action(async (file: string, endpoint: Address, options: ReplayFlags) => {
      const { runReplay } = await import("./replay_command.ts");
      const { connection, speed, wait, timeout, show = false, json = false, progress } = options;
      const tls = clientTlsOf(options, endpoint.transport === "tcp");
      done(
        await runReplay(
          {
            file,
            address: endpoint,
            tls,
            connection,
            speed,
            waitMs: wait,
            timeoutMs: timeout,
            show,
            json,
            progress,
          },
          shell,
        ),
      );
    });
}

interface ReplayFlags extends ClientTlsFlags {
  connection?: number;
  speed: number;
  wait: number;
  timeout: number;
  show?: boolean;
  json?: boolean;
  progress: boolean;
}

/** A factor above 0. */
function speed(text: string): number {
  const value = text.toLowerCase() === "infinity"
    ? Infinity
    : /^\d{1,9}(?:\.\d{1,9})?$/.test(text)
    ? Number(text)
    : NaN;
  if (value > 0) return value;
  throw new RangeError(`found ${JSON.stringify(text)}, expected a number above 0, or Infinity`);
}
