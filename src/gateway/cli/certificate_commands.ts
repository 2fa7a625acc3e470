/** Options and help of `millrace cert`. Declared in `program.ts`'s program. */
import type { Command } from "commander";
import { CommandFailure, exitCodes } from "./failure.ts";
import { option, wholeNumber } from "./option_values.ts";
import type { Shell } from "./shell.ts";

/** `millrace cert` */
export function addCert(program: Command, shell: Shell, done: (code: number) => void): void {
  program.command("cert")
    .description("make a local CA and certificates for development, as files in PEM")
    .option("-o, --out <folder>", "folder for the files", "certs")
    .option(
      "-n, --name <names...>",
      "host names and IP addresses of the server (default: localhost 127.0.0.1 ::1)",
    )
    .option("--client <name>", "make a certificate for a client with this name")
    .option("--ca", "make only the CA")
    .addOption(
      // Apple's systems take no certificate of a server that is valid for longer.
      option("--days <count>", "validity in days; the CA is valid for ten years", wholeNumber(1, 825), "365"),
    )
    .option("--force", "overwrite existing files; the CA's only with --ca")
    .addHelpText(
      "after",
      `
The first run makes the CA, which signs all certificates made later in that folder. Only you can read
the keys. Share nothing but ca.crt.

Examples:
  millrace cert
  millrace cert --name localhost '*.test.local' 192.168.1.20
  millrace cert --client terminal-7`,
    )
    .action(async (flags: CertFlags) => {
      const { out: folder, name: names, client, ca = false, days, force = false } = flags;
      if (ca && (names !== undefined || client !== undefined)) {
        throw new CommandFailure(
          exitCodes.usage,
          "--ca cannot be combined with --name or --client: leave it out",
        );
      }
      const { runCert } = await import("./cert_command.ts");
      done(await runCert({ folder, names, client, caOnly: ca, days, force }, shell));
    });
}

interface CertFlags {
  out: string;
  name?: string[];
  client?: string;
  ca?: boolean;
  days: number;
  force?: boolean;
}
