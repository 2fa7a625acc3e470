/** The package as its users get it: packed once into a folder, and projects beside it that install the tarball. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

interface Exit {
  readonly code: number | null;
  readonly stdout: string;
  readonly all: string;
}

/** Runs a program to its end, for two minutes at most, with `more` in its environment. */
export function run(
  program: string,
  args: readonly string[],
  cwd: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 120_000,
      killSignal: "SIGKILL",
      env: { ...env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...more },
    });
    let [stdout, all] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      all += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      all += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, all }));
  });
}

/** Runs a program that must succeed; what it printed. */
export async function mustRun(
  program: string,
  args: readonly string[],
  cwd: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, all } = await run(program, args, cwd, more);
  assert.equal(code, 0, `${program} ${args.join(" ")}: exit code ${code}\n${all}`);
  return stdout;
}

/** The tarball, and what is in it. */
export interface Packed {
  readonly folder: string;
  readonly tarball: string;
  readonly unpackedBytes: number;
  readonly paths: readonly string[];
}

/** Builds and packs into a folder of its own, which the caller removes. */
export async function pack(): Promise<Packed> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-package-"));
  const report = await mustRun("npm", ["pack", "--json", "--pack-destination", folder], root);
  const [described] = JSON.parse(report.slice(report.search(/^\[/m))) as [
    { readonly unpackedSize: number; readonly files: readonly { readonly path: string }[] },
  ];
  const name = readdirSync(folder).find((file) => file.endsWith(".tgz"))!;
  const paths = described.files.map(({ path }) => path);
  return { folder, tarball: join(folder, name), unpackedBytes: described.unpackedSize, paths };
}

/** An empty project with these files; `beside` is installed by npm from a folder of this project's node_modules. */
export function makeProject(
  packed: Packed,
  name: string,
  files: Readonly<Record<string, string>>,
  beside: Readonly<Record<string, string>> = {},
): string {
  const project = join(packed.folder, name);
  mkdirSync(project);
  const dependencies = Object.fromEntries(
    Object.entries(beside).map(([as, folder]) => [as, `file:${join(root, "node_modules", folder)}`]),
  );
  const manifest = { name, type: "module", private: true, dependencies };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(project, file), text);
  return project;
}

/** Installs the tarball with npm, which reaches no registry and must not need one. */
export async function installWithNpm(packed: Packed, project: string): Promise<void> {
  const quiet = ["--offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  await mustRun("npm", ["install", ...quiet, packed.tarball], project);
}

/** Puts a link to a folder of this project's node_modules into that of another, which costs npm a minute. */
export function link(project: string, name: string): void {
  const place = join(project, "node_modules", name);
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(join(root, "node_modules", name), place, "dir");
}

/** As pnpm lays packages out: each in a folder of its own, which holds links to what it may import. */
export function installLikePnpm(installed: string, project: string): void {
  const store = join(project, "node_modules/.pnpm/millrace/node_modules/millrace");
  mkdirSync(dirname(store), { recursive: true });
  cpSync(installed, store, { recursive: true });
  symlinkSync(store, join(project, "node_modules/millrace"), "dir");
}

/** The names of all packages in a node_modules, less those that npm has linked from here. */
export function packagesIn(project: string): readonly string[] {
  const { packages } = JSON.parse(
    readFileSync(join(project, "node_modules/.package-lock.json"), "utf8"),
  ) as { readonly packages: Readonly<Record<string, { readonly link?: boolean }>> };
  return Object.keys(packages).filter((path) =>
    /^node_modules\//.test(path) && packages[path]!.link !== true
  );
}
