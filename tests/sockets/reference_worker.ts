// The observations as a Worker: of the host's own sockets, and of ours over them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startWorkerd } from "../support/workerd.ts";
import type { Tidy } from "./draft_peer.ts";

/** Asks it for the facts of a line. */
export interface Reference {
  /** Of `connect` of `cloudflare:sockets`. */
  host(line: string): Promise<unknown>;
  /** Of ours. */
  ours(line: string): Promise<unknown>;
}

const sources = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** One module, from a program that may import the sources; with `node:` left out, or it fails. */
export async function bundled(program: string): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles: [made] } = await build({
    stdin: { contents: program, resolveDir: sources("."), loader: "ts" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    external: ["cloudflare:sockets"],
    write: false,
    logLevel: "silent",
  });
  return made!.text;
}

export async function referenceWorker(t: Tidy, where: object, ca: string): Promise<Reference> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-workerd-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "ca.pem"), ca);
  const module = await bundled(`
    import { connect } from "cloudflare:sockets";
    import { sockets } from "./src/sockets/edge.ts";
    import { observations } from "./tests/sockets/observations.ts";

    let unhandled = 0;
    addEventListener("unhandledrejection", () => void unhandled++);
    const places = { host: connect, ours: sockets().connect };
    export default {
      async fetch(request) {
        const [, whose, line] = new URL(request.url).pathname.split("/");
        const place = { ...${JSON.stringify(where)}, connect: places[whose], unhandled: () => unhandled };
        try {
          return Response.json(await observations[line](place) ?? null);
        } catch (error) {
          return new Response(String(error?.stack ?? error), { status: 500 });
        }
      },
    };
  `);
  const address = await startWorkerd(t, folder, module, { trusted: "ca.pem" });
  const ask = async (whose: string, line: string): Promise<unknown> => {
    const response = await fetch(`${address}/${whose}/${line}`, { signal: AbortSignal.timeout(60_000) });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };
  return { host: (line) => ask("host", line), ours: (line) => ask("ours", line) };
}
