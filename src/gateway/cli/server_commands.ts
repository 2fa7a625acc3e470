/** Options and help of the commands that serve: `gateway`, `check`, `serve`. Declared in `program.ts`'s program. */
import type { Command } from "commander";
import { type AcknowledgeFlag, acknowledgeOf, addAcknowledge } from "./acknowledge_flag.ts";
import { addAdmission, type AdmissionFlags, admissionOf } from "./admission_flags.ts";
import { formsHelp, framingSpec } from "./framing_spec.ts";
import { addLimits, drainSpreadOption, type LimitFlags, limitsOf } from "./limit_flags.ts";
import { addPreface, type PrefaceFlags, prefaceOf } from "./preface_flags.ts";
import { duration, option } from "./option_values.ts";
import { addPlace, type PlaceFlags, placeOf, takeoverHelp } from "./serve_place.ts";
import { addProcesses, type ProcessesFlags, processesOf } from "./processes_flags.ts";
import type { Shell } from "./shell.ts";
import { addServerTls, type ServerTlsFlags, serverTlsOf } from "./tls_flags.ts";

const durationHelp = "500ms, 5s, 2m, 1h";
/** 0 is at once, Infinity as long as it takes. */
const deadline = duration({ zero: true });

/** `millrace gateway` */
export function addGateway(program: Command, shell: Shell, done: (code: number) => void): void {
  const command = program.command("gateway")
    .argument("<config>", "file in YAML, JSON or TOML")
    .description("run the gateway that a config file describes")
    .addOption(
      option("--deadline <duration>", "time for connections to finish after a stop signal", deadline),
    )
    .addOption(drainSpreadOption())
    .option("--takeover", takeoverHelp);
  addProcesses(command)
    .addHelpText(
      "after",
      `
The first SIGTERM or SIGINT drains: new connections are rejected, open ones finish. The second destroys them.
SIGHUP, without a terminal, reloads the file: endpoints that are the same in it are not touched.
With --takeover the first process holds the sockets; SIGUSR2 or SIGHUP has a new one read the file and take over.
With --processes it holds them for several, starts those that die again, and has the admin endpoint. SIGUSR2, or SIGHUP
without a terminal, has new ones read the file and take over one after the other.

Examples:
  millrace gateway gateway.yaml
  millrace gateway gateway.yaml --takeover
  millrace gateway gateway.yaml --processes auto --cpus auto
  millrace gateway gateway.toml --deadline 30s --drain-spread 10s`,
    )
    .action(async (config: string, options: GatewayFlags) => {
      const { runGateway } = await import("./gateway_command.ts");
      const { deadline: deadlineMs, drainSpread: spreadMs, takeover = false } = options;
      done(await runGateway({ config, deadlineMs, spreadMs, takeover, processes: options }, shell));
    });
}

interface GatewayFlags extends ProcessesFlags {
  deadline?: number;
  drainSpread?: number;
  takeover?: true;
}

/** `millrace check` */
export function addCheck(program: Command, shell: Shell, done: (code: number) => void): void {
  program.command("check")
    .argument("<config>", "file in YAML, JSON or TOML")
    .description(
      "check a config file and print every fault: its path, the value found, and what was expected",
    )
    .option("--json", "print the faults as JSON")
    .addHelpText(
      "after",
      `
The exit code is 0 if the file has no faults, otherwise 1. Faults are printed to standard output, one per line.

Examples:
  millrace check gateway.yaml
  millrace check gateway.toml --json`,
    )
    .action(async (config: string, { json = false }: { json?: boolean }) => {
      const { runCheck } = await import("./check_command.ts");
      done(await runCheck({ config, json }, shell));
    });
}

/** `millrace serve` */
export function addServe(program: Command, shell: Shell, done: (code: number) => void): void {
  const command = addPlace(
    program.command("serve").description("start a server that prints each frame as a line of JSON"),
  )
    .addOption(option("-f, --framing <spec>", "how bytes are cut into frames", framingSpec, "lines"))
    .option("--echo", "send each frame back")
    .option("-q, --quiet", "do not print the frames")
    .addOption(
      option(
        "--idle-timeout <duration>",
        `close after this much silence: ${durationHelp}, Infinity`,
        duration(),
        "5m",
      ),
    )
    .addOption(
      option(
        "--deadline <duration>",
        "time for connections to finish after a stop signal",
        deadline,
        "30s",
      ),
    );
  addServerTls(addPreface(addAcknowledge(addLimits(addAdmission(addProcesses(command))))))
    .addHelpText(
      "after",
      `
${formsHelp}

Examples:
  millrace serve --port 3034 --framing lines --echo
  millrace serve --unix /tmp/echo.sock --mode 0660 --framing length:4 --echo --quiet
  millrace serve --host :: --max-per-address 20 --accept-rate-per-address 5:20 --deny 203.0.113.0/24
  millrace serve --host :: --proxy-protocol 10.0.0.0/8 --health-check /healthz
  millrace serve --port 2575 --framing mllp --acknowledge hl7
  millrace serve --systemd --echo --quiet
  millrace serve --takeover --echo --quiet
  millrace serve --processes 4 --echo --quiet
  millrace serve --framing 'delimited:\\x03' | jq .
  millrace serve --echo --tls --cert certs/localhost.crt --key certs/localhost.key`,
    )
    .action(async (options: ServeFlags) => {
      const place = placeOf(options);
      const { runServe } = await import("./serve_command.ts");
      const { framing, echo = false, quiet = false, idleTimeout, deadline } = options;
      const unix = options.unix !== undefined;
      const admission = admissionOf(options, unix);
      const tls = serverTlsOf(options);
      const preface = prefaceOf(options, { unix, tls: tls !== undefined });
      done(
        await runServe(
          {
            place,
            framing,
            tls,
            limits: limitsOf(options),
            echo,
            acknowledge: acknowledgeOf(options, framing),
            quiet,
            idleTimeoutMs: idleTimeout,
            admission,
            preface,
            deadlineMs: deadline,
            takeover: options.takeover ?? false,
            processes: processesOf(options, options.takeover ?? false),
          },
          shell,
        ),
      );
    });
}

interface ServeFlags
  extends
    PlaceFlags,
    ProcessesFlags,
    ServerTlsFlags,
    LimitFlags,
    AdmissionFlags,
    PrefaceFlags,
    AcknowledgeFlag {
  framing: ReturnType<typeof framingSpec>;
  echo?: boolean;
  quiet?: boolean;
  idleTimeout: number;
  deadline: number;
}
