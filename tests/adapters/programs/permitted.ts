// Run by Deno with few permissions: tries each thing that it is asked for, and says how that went.
import process from "node:process";
import {
  certificates,
  connect,
  type ConnectOptions,
  lengthField,
  lines,
  MillraceError,
  serve,
  type ServeOptions,
} from "../../../mod.ts";
import { FramerStream } from "../../../streams.ts";

const [folder = "", cert = "", key = "", ca = "", ...wanted] = process.argv.slice(2);
const framing = lines({ encoding: "utf-8" });
const handler = { framing, onFrame: () => {}, logger: () => {} };
const path = `${folder}/a.sock`;

/** A server, and a connection to it. */
async function both(place: object, secured: { readonly server?: object; readonly client?: object } = {}) {
  const server = await serve({ ...handler, ...place, ...secured.server } as unknown as ServeOptions<string>);
  const { address } = server;
  const there = address.transport === "tcp" ? { host: address.host, port: address.port } : { path };
  const client = await connect({ framing, ...there, ...secured.client } as unknown as ConnectOptions<string>);
  await client.close();
  await server.destroy();
}

const attempts: Readonly<Record<string, () => Promise<unknown>>> = {
  async frames() {
    const stream = new FramerStream(lengthField({ lengthBytes: 1, strip: 1 }));
    const writer = stream.writable.getWriter();
    void writer.write(new Uint8Array([1, 65]));
    void writer.close();
    for await (const frame of stream.readable) if (frame[0] !== 65) throw new Error("another frame");
  },
  tcp: () => both({ port: 0 }),
  listen: () => serve({ ...handler, port: 0 }),
  connect: () => connect({ framing, port: 1 }),
  name: () => connect({ framing, host: "localhost", port: 1 }),
  upgradableName: () => connect({ framing, host: "localhost", port: 1, upgradable: true }),
  upgradable: () => both({ port: 0, upgradable: true }, { client: { upgradable: true } }),
  tls: () =>
    both({ port: 0 }, { server: { tls: { cert, key } }, client: { tls: { ca, serverName: "localhost" } } }),
  unix: () => both({ path }),
  unixConnect: () => connect({ framing, path }),
  unixUpgradable: () => serve({ ...handler, path, upgradable: true }),
  files: () =>
    serve({
      ...handler,
      port: 0,
      tls: certificates({ default: { certFile: `${folder}/a.crt`, keyFile: `${folder}/a.key` } }),
    }),
};

for (const name of wanted) {
  let said: object = { name };
  try {
    await attempts[name]!();
  } catch (error) {
    const { name: kind, reason, message } = error as MillraceError & { readonly reason?: string };
    said = { name, typed: error instanceof MillraceError, kind, reason, message };
  }
  console.log(JSON.stringify(said));
}
process.exit(0);
