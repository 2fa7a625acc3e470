// @once: the compilers say the same whichever runtime starts them
/** What TypeScript says of options that contradict each other: the option that is wrong or missing is named at the end. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const compilers = {
  "TypeScript 5.8": "typescript5",
  "TypeScript 6": "typescript6",
  "TypeScript 7": "typescript",
};

/** A statement, and how the last line of what is said about it ends. */
const cases: readonly (readonly [statement: string, ending: RegExp])[] = [
  ["serve({ port, framing })", /Property 'handler' is missing in type .* but required in type .*onFrame/],
  ["serve({ framing, handler })", /Property 'port' is missing in type .* but required in type .*path/],
  [
    "serve({ port, path: '', framing, handler })",
    /[Pp]roperty 'path'.*'string' is not assignable to type 'undefined'/,
  ],
  [
    "serve({ port, framing, handler, allowHalfOpen: true })",
    /[Pp]roperty 'allowHalfOpen'.*'true' is not assignable to type 'false'/,
  ],
  [
    "serve({ port, framing, handler, upgradable: true, tls: { cert: '', key: '' } })",
    /[Pp]roperty 'tls' are incompatible.*is not assignable to type 'undefined'/,
  ],
  [
    "serve({ port, framing, handler, tls: { cert: '' } })",
    /Property 'key' is missing in type '{ cert: string; }'/,
  ],
  [
    "serve({ port, framing, handler, tls: { cert: '', key: '', ca: '' } })",
    /Property 'clientCertificates' is missing in type/,
  ],
  [
    "serve({ path: '', framing, handler, ipv6Only: true })",
    /[Pp]roperty 'ipv6Only'.*'true' is not assignable to type 'false'/,
  ],
  [
    "serve({ port, framing, handler, rateLimit: { burstBytes: 5 } })",
    /Property 'bytesPerSecond' is missing in type '{ burstBytes: number; }'/,
  ],
  [
    "serve({ port, framing, handler, idleTimout: 5 })",
    /'idleTimout' does not exist.*Did you mean.*'idleTimeout'/,
  ],
  ["connect({ port, framing, tls: { key: '' } })", /Property 'cert' is missing in type '{ key: string; }'/],
  [
    "lines({ append: false, checkSent: true })",
    /[Pp]roperty 'checkSent'.*'true' is not assignable to type 'false'/,
  ],
  ["fixedLength({ frameBytes: 4, onFrameError: 'skip' })", /'onFrameError' does not exist in type/],
];

const source = `import { connect, fixedLength, lines, serve } from ${JSON.stringify(`${root}mod.ts`)};
declare const port: number;
const framing = lines();
const handler = () => {};
`;
const firstLine = source.split("\n").length;

describe("options that contradict each other", () => {
  for (const [name, folder] of Object.entries(compilers)) {
    it(`are told in words that name the option, by ${name}`, async (t) => {
      const directory = mkdtempSync(join(tmpdir(), "millrace-messages-"));
      t.after(() => rmSync(directory, { recursive: true, force: true }));
      const file = join(directory, "wrong.mts");
      writeFileSync(file, source + cases.map(([statement]) => `void ${statement};\n`).join(""));
      const said = await compiled(folder, file);
      // A message begins with the place; what is indented under it is its reasons.
      const messages = said.split(/^(?=\S.*error TS)/m).map((text) => text.trim());
      for (const [index, [statement, ending]] of cases.entries()) {
        const place = `wrong.mts(${firstLine + index},`;
        const message = messages.find((text) => text.includes(place)) ?? "";
        const end = message.split("\n").slice(-2).map((line) => line.trim()).join(" ");
        assert.match(end, ending, `${statement}\n${message || said}`);
      }
      assert.equal(messages.filter((text) => text !== "").length, cases.length, said);
    });
  }
});

function compiled(folder: string, file: string): Promise<string> {
  const given = [
    ...["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--allowImportingTsExtensions"],
    ...["--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022"],
    ...["--lib", "es2023,dom,esnext.disposable", "--types", "node", "--noUncheckedIndexedAccess"],
    ...["--typeRoots", join(root, "node_modules/@types")],
  ];
  const tsc = join(root, "node_modules", folder, "lib/tsc.js");
  // Not where the project's own settings are.
  const cwd = dirname(file);
  return new Promise((resolve) => {
    execFile(
      "node",
      [tsc, ...given, file],
      { cwd },
      (_error, output, errors) => resolve(output + errors),
    );
  });
}
