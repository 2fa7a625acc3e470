// A registry of npm on loopback, for programs that fetch packages: it has those of this project's node_modules.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { mustRun, root } from "./package.ts";

/** Serves these packages, packed into `folder`, until the test is over; resolves with its address. */
export async function serveRegistry(
  t: { after(cleanup: () => unknown): void },
  folder: string,
  names: readonly string[],
): Promise<string> {
  const answers = new Map<string, string | Uint8Array>();
  const server = createServer(({ url = "" }, response) => {
    const answer = answers.get(url);
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const name of names) {
    const source = join(root, "node_modules", name);
    const target = join(folder, `registry-${name}`);
    mkdirSync(target);
    await mustRun("npm", ["pack", "--ignore-scripts", "--pack-destination", target, source], root);
    const tarball = readFileSync(join(target, readdirSync(target)[0]!));
    const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as {
      readonly version: string;
    };
    const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
    const dist = { tarball: `${address}/${name}.tgz`, integrity };
    const versions = { [manifest.version]: { ...manifest, dist } };
    answers.set(`/${name}.tgz`, tarball);
    answers.set(`/${name}`, JSON.stringify({ name, versions, "dist-tags": { latest: manifest.version } }));
  }
  return address;
}
