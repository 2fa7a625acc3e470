/** The project's compiler, for tests of what does and does not compile. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(import.meta.url);

/** Runs the compiler on some files with the project's settings; its exit code and what it printed. */
export function compile(...files: readonly string[]): Promise<string> {
  const settings = JSON.parse(readFileSync(`${root}/tsconfig.json`, "utf8")) as {
    compilerOptions: Record<string, string | boolean | readonly string[] | object>;
  };
  // The one setting that is no flag; what is compiled here imports the sources by their paths.
  const flags = Object.entries(settings.compilerOptions).filter(([name]) => name !== "paths");
  const given = flags.flatMap(([name, value]) => [
    `--${name}`,
    Array.isArray(value) ? value.join() : String(value),
  ]);
  const tsc = fileURLToPath(new URL("../bin/tsc", `file://${require.resolve("typescript")}`));
  return new Promise((resolve) => {
    execFile("node", [tsc, "--ignoreConfig", ...given, ...files], { cwd: root }, (error, output, errors) => {
      resolve(`${error === null ? 0 : error.code}${output}${errors}`);
    });
  });
}
