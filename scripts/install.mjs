/**
 * Brings what package-lock.json lists into node_modules, and does nothing when it is there already.
 *
 * Called by start.mjs, test.mjs, check.mjs and build.mjs. Runs before any dependency exists, so it
 * imports only what Node 20 itself has.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const packagesOf = (path) => JSON.parse(readFileSync(path, "utf8")).packages ?? {};

/** Why `npm ci` is needed in this folder, or undefined when everything listed is installed. */
export function missingIn(folder) {
  const installed = join(folder, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return "node_modules is not there";
  const present = packagesOf(installed);
  for (const [path, wanted] of Object.entries(packagesOf(join(folder, "package-lock.json")))) {
    if (path === "" || wanted.link) continue;
    const found = present[path]?.version;
    // Optional packages are mostly the binaries of other platforms, which npm leaves out.
    if (found === undefined && (wanted.optional || wanted.devOptional)) continue;
    if (found !== wanted.version) {
      return `${path.replace(/^node_modules\//, "")} is ${
        found ?? "absent"
      }, the lock file says ${wanted.version}`;
    }
  }
  return undefined;
}

/** Runs `npm ci` in the folder if it must; throws with what to do next when that fails. */
export function install(folder = root, reason = missingIn(folder)) {
  if (reason === undefined) return;
  console.error(`Installing packages (${reason}) …`);
  const args = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--prefix", folder];
  // npm's progress goes to this terminal; our own stdout may be a data stream, so it stays clean.
  const run = spawnSync("npm", args, {
    cwd: folder,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (run.error !== undefined) throw new Error(`npm ci could not be started: ${run.error.message}`);
  if (run.status !== 0) {
    throw new Error(
      `npm ci failed in ${folder} (exit code ${run.status}): see npm's message above; ` +
        "check the network and the registry setting, then run the command again",
    );
  }
}
