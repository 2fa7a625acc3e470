// SMPP with the client of npm's smpp: the settings of docs/protocols.md cut its packets, and its own classes read them.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { describe } from "node:test";
import { lengthField } from "../../../src/core/framing/length_field.ts";
import { serve } from "../../../src/server/serve.ts";
import { it } from "../../support/it.ts";

interface Packet {
  readonly command: string;
  readonly command_status: number;
  readonly message_id?: string;
  readonly short_message?: { readonly message: string };
  response(fields?: object): Packet;
  toBuffer(): Buffer;
}

interface Session extends EventEmitter {
  bind_transceiver(fields: object, answered: (answer: Packet) => void): void;
  submit_sm(fields: object, answered: (answer: Packet) => void): void;
  close(closed?: () => void): void;
}

/** It has no types. */
const smpp = createRequire(import.meta.url)("smpp") as {
  PDU: { fromBuffer(packet: Buffer): Packet };
  connect(to: { host: string; port: number }): Session;
};

describe("SMPP", () => {
  it(
    "is what npm's smpp speaks: a bind and messages, many in a piece (F-8)",
    { timeout: 60_000 },
    async (t) => {
      const texts: string[] = [];
      const server = await serve({
        port: 0,
        framing: lengthField({ lengthBytes: 4, headerBytes: 16, lengthIncludesHeader: true }),
        logger: () => {},
        onFrame(frame, connection) {
          const packet = smpp.PDU.fromBuffer(Buffer.from(frame));
          const { short_message: short } = packet;
          if (short !== undefined) texts.push(short.message);
          const answer = packet.response(
            short === undefined ? { system_id: "us" } : { message_id: String(texts.length) },
          );
          connection.send(new Uint8Array(answer.toBuffer()));
        },
      });
      const session = smpp.connect({ host: "127.0.0.1", port: server.address.port! });
      t.after(async () => {
        const closed = once(session, "close");
        session.close();
        await closed;
        await server.destroy();
      });
      await once(session, "connect");
      const bound = await new Promise<Packet>((resolve) =>
        session.bind_transceiver({ system_id: "a", password: "b" }, resolve)
      );
      assert.deepEqual([bound.command, bound.command_status], ["bind_transceiver_resp", 0]);
      const sent = Array.from({ length: 100 }, (_, place) => `message ${place}`);
      const answers = await Promise.all(
        sent.map((text) =>
          new Promise<Packet>((resolve) =>
            session.submit_sm({ destination_addr: "1", short_message: text }, resolve)
          )
        ),
      );
      assert.deepEqual(texts, sent);
      assert.deepEqual(answers.map((answer) => Number(answer.message_id)), sent.map((_, place) => place + 1));
      assert.equal(server.stats().frameErrors, 0);
    },
  );
});
