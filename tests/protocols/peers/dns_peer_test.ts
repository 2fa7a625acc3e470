// DNS over TCP: dig asks a server of ours, which reads and writes messages with npm's dns-packet.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import { describe, type TestContext } from "node:test";
import { connect } from "../../../src/client/connect.ts";
import { lengthField } from "../../../src/core/framing/length_field.ts";
import { serve } from "../../../src/server/serve.ts";
import type { Server } from "../../../src/server/server.ts";
import { encoded } from "../../support/frames.ts";
import { it } from "../../support/it.ts";
import { run, without } from "../../support/outside_program.ts";

interface Message {
  readonly id: number;
  readonly type: string;
  readonly flags?: number;
  readonly questions: readonly { readonly name: string; readonly type: string }[];
  readonly answers?: readonly { readonly name: string; readonly type: string; readonly data: string }[];
}

/** It has no types. */
const dnsPacket = createRequire(import.meta.url)("dns-packet") as {
  encode(message: Message): Buffer;
  decode(message: Buffer): Message;
  streamEncode(message: Message): Buffer;
};

const dns = lengthField({ lengthBytes: 2, strip: 2 });
const addresses = new Map([["one.example", "192.0.2.1"], ["two.example", "192.0.2.2"]]);

async function nameServer(t: TestContext): Promise<Server<Uint8Array, Uint8Array>> {
  const server = await serve({
    port: 0,
    framing: dns,
    logger: () => {},
    onFrame(frame, connection) {
      const { id, questions } = dnsPacket.decode(Buffer.from(frame));
      const answers = questions.flatMap(({ name, type }) => {
        const data = addresses.get(name);
        return data === undefined ? [] : [{ name, type, data }];
      });
      return connection.send(new Uint8Array(dnsPacket.encode({ id, type: "response", questions, answers })));
    },
  });
  t.after(() => server.destroy());
  return server;
}

describe("DNS over TCP", () => {
  it(
    "is what dig +tcp speaks, with several queries on one connection (F-8)",
    { skip: without("dig") },
    async (t) => {
      const server = await nameServer(t);
      const where = [
        "@127.0.0.1",
        "-p",
        String(server.address.port),
        "+tcp",
        "+short",
        "+tries=1",
        "+time=20",
        "+keepopen",
      ];
      const { out, err } = await run(t, "dig", ["-r", ...where, "one.example", "A", "two.example", "A"]);
      assert.equal(out, "192.0.2.1\n192.0.2.2\n", err);
      assert.equal(server.stats().frameErrors, 0);
    },
  );

  it("has queries of one connection in one write, answered by their id (F-8)", async (t) => {
    const server = await nameServer(t);
    const client = await connect({ port: server.address.port!, framing: dns });
    t.after(() => client.close());
    const questions = [...addresses.keys(), "three.example"].map((name) => [{ name, type: "A" }]);
    const queries = questions.map((asked, id): Message => ({ id, type: "query", questions: asked }));
    for (const query of queries) void client.send(new Uint8Array(dnsPacket.encode(query)));
    const found: (string | undefined)[] = [];
    for await (const frame of client) {
      const { id, answers } = dnsPacket.decode(Buffer.from(frame));
      found[id] = answers?.[0]?.data;
      if (id === queries.length - 1) break;
    }
    assert.deepEqual(found, ["192.0.2.1", "192.0.2.2", undefined]);
    const frames = queries.map((query) => new Uint8Array(dnsPacket.encode(query)));
    const stream = Buffer.concat(queries.map((query) => dnsPacket.streamEncode(query)));
    assert.deepEqual(encoded(dns, frames), new Uint8Array(stream));
  });
});
