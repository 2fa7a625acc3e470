// MLLP with its programs: the clients of npm's simple-hl7 and node-hl7-client, and the server of simple-hl7.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import type { AddressInfo, Server as NetServer } from "node:net";
import { describe, type TestContext } from "node:test";
import { Client, type InboundResponse, Message } from "node-hl7-client";
import { connect } from "../../../src/client/connect.ts";
import { hl7Answer } from "../../../src/protocols/hl7_answer.ts";
import { mllp } from "../../../src/protocols/mllp.ts";
import { serve } from "../../../src/server/serve.ts";
import type { Server } from "../../../src/server/server.ts";
import { bytes, Gate, text } from "../../support/frames.ts";
import { it } from "../../support/it.ts";

interface Hl7 {
  toString(): string;
}

/** It has no types. */
const simpleHl7 = createRequire(import.meta.url)("simple-hl7") as {
  Message: new (...header: unknown[]) => Hl7 & { addSegment(name: string, ...fields: unknown[]): void };
  Server: {
    createTcpClient(to: { host: string; port: number; keepalive: boolean }): {
      send(message: Hl7, answered: (error: Error | null, answer: Hl7) => void): void;
      close(): void;
    };
    createTcpServer(
      handle: (error: Error | null, request: { msg: Hl7; event: string }, response: { end(): void }) => void,
    ): { start(at: object): void; stop(): void; readonly server: NetServer };
  };
};

const timeout = 60_000;

/** Accepts everything, and remembers it. */
async function receiver(
  t: TestContext,
): Promise<{ server: Server<Uint8Array, Uint8Array>; received: string[] }> {
  const received: string[] = [];
  const server = await serve({
    port: 0,
    framing: mllp(),
    logger: () => {},
    onFrame(message, connection) {
      received.push(text(message));
      connection.send(hl7Answer(message, "AA"));
    },
  });
  t.after(() => server.destroy());
  return { server, received };
}

describe("MLLP", () => {
  it(
    "is what the client of npm's simple-hl7 speaks, several messages on one connection (F-8)",
    { timeout },
    async (t) => {
      const { server, received } = await receiver(t);
      const client = simpleHl7.Server.createTcpClient({
        host: "127.0.0.1",
        port: server.address.port!,
        keepalive: true,
      });
      t.after(() => client.close());
      for (const id of ["17", "18"]) {
        const message = new simpleHl7.Message(
          "LAB",
          "A",
          "EHR",
          "B",
          "20261127",
          "",
          ["ORU", "R01"],
          id,
          "P",
          "2.3",
        );
        message.addSegment("OBX", "1", "NM", "x".repeat(100_000));
        const answer = await new Promise<Hl7>((resolve, reject) =>
          client.send(message, (error, answer) => error ? reject(error) : resolve(answer))
        );
        const segments = answer.toString().split("\r");
        assert.match(segments[0]!, /^MSH\|\^~\\&\|EHR\|B\|LAB\|A\|\d{14}\+0000\|\|ACK\^R01\|/);
        assert.match(segments[1]!, new RegExp(`^MSA\\|AA\\|${id}`));
      }
      assert.deepEqual([received.length, received[1]!.length > 100_000, server.stats().frameErrors], [
        2,
        true,
        0,
      ]);
    },
  );

  it(
    "is what npm's node-hl7-client speaks, which takes our acknowledgement for one (F-8)",
    { timeout },
    async (t) => {
      const { server, received } = await receiver(t);
      const client = new Client({ host: "127.0.0.1" });
      const answered = new Gate<InboundResponse>();
      const connection = client.createConnection({ port: server.address.port! }, (answer) => {
        answered.open(answer);
        return Promise.resolve();
      });
      t.after(() => connection.close());
      await once(connection, "connect");
      const message = new Message({
        messageHeader: { msh_9_1: "ADT", msh_9_2: "A01", msh_10: "4711", msh_11_1: "D" },
      });
      await connection.sendMessage(message);
      const answer = (await answered.promise).getMessage();
      assert.deepEqual(["MSA.1", "MSA.2"].map((path) => answer.get(path).toString()), ["AA", "4711"]);
      assert.deepEqual([client.totalAck(), server.stats().frameErrors], [1, 0]);
      assert.match(received[0]!, /^MSH\|.*\|4711\|/);
    },
  );

  it("is what a client of ours speaks with the server of npm's simple-hl7 (F-8)", { timeout }, async (t) => {
    const events: string[] = [];
    const peer = simpleHl7.Server.createTcpServer((error, request, response) => {
      if (error) throw error;
      events.push(request.event);
      response.end();
    });
    peer.start({ port: 0, host: "127.0.0.1" });
    t.after(() => peer.stop());
    await once(peer.server, "listening");
    const client = await connect({ port: (peer.server.address() as AddressInfo).port, framing: mllp() });
    t.after(() => client.close());
    await client.send(bytes("MSH|^~\\&|LAB|A|EHR|B|20261127||ADT^A01|99|P|2.3\r"));
    for await (const answer of client) {
      assert.match(text(answer), /^MSH\|\^~\\&\|EHR\|B\|LAB\|A\|.*\rMSA\|AA\|99/);
      break;
    }
    assert.deepEqual(events, ["A01"]);
  });
});
