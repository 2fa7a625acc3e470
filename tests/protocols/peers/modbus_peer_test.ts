// Modbus/TCP with its programs: npm's modbus-serial and Debian's mbpoll ask a device of ours, and ours asks modbus-serial's.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo, Server as NetServer } from "node:net";
import { describe, type TestContext } from "node:test";
import * as modbusSerial from "modbus-serial";
import { connect } from "../../../src/client/connect.ts";
import { modbus } from "../../../src/protocols/modbus.ts";
import { serve } from "../../../src/server/serve.ts";
import type { Server } from "../../../src/server/server.ts";
import { hex } from "../../support/frames.ts";
import { it } from "../../support/it.ts";
import { run, without } from "../../support/outside_program.ts";

interface ModbusClient {
  connectTCP(host: string, options: { port: number }): Promise<void>;
  close(closed: () => void): void;
  setID(unit: number): void;
  setTimeout(milliseconds: number): void;
  readCoils(first: number, count: number): Promise<unknown>;
  readHoldingRegisters(first: number, count: number): Promise<{ readonly data: number[] }>;
  writeRegister(place: number, value: number): Promise<unknown>;
}

/** Its own class is the default export, which not every runtime finds in the same place. */
const { ServerTCP } = modbusSerial;
const exported = modbusSerial as unknown as {
  default: (new () => ModbusClient) & { default?: new () => ModbusClient };
};
const Client = exported.default.default ?? exported.default;

const timeout = 60_000;

/** A device with 130 holding registers, of which each may be read and written. */
async function device(
  t: TestContext,
): Promise<{ server: Server<Uint8Array, Uint8Array>; registers: Uint16Array }> {
  const registers = Uint16Array.from({ length: 130 }, (_, place) => 1000 + place);
  const server = await serve({
    port: 0,
    framing: modbus(),
    logger: () => {},
    onFrame(request, connection) {
      const data = new DataView(request.buffer, request.byteOffset, request.length);
      const [kind, first, count] = [request[7]!, data.getUint16(8), data.getUint16(10)];
      let body = [kind | 0x80, 1];
      if (kind === 3) {
        const found = [...registers.subarray(first, first + count)];
        body = found.length === count
          ? [3, 2 * count, ...found.flatMap((value) => [value >> 8, value & 255])]
          : [0x83, 2];
      } else if (kind === 6) {
        registers[first] = count;
        body = [...request.subarray(7)];
      }
      connection.send(Uint8Array.of(...request.subarray(0, 4), 0, body.length + 1, request[6]!, ...body));
    },
  });
  t.after(() => server.destroy());
  return { server, registers };
}

describe("Modbus/TCP", () => {
  it("is what npm's modbus-serial speaks: reads up to the largest answer, writes, exceptions (F-8)", {
    timeout,
  }, async (t) => {
    const { server, registers } = await device(t);
    const client = new Client();
    await client.connectTCP("127.0.0.1", { port: server.address.port! });
    t.after(() => new Promise<void>((resolve) => client.close(() => resolve())));
    client.setID(7);
    client.setTimeout(20_000);
    assert.deepEqual((await client.readHoldingRegisters(2, 3)).data, [1002, 1003, 1004]);
    assert.deepEqual((await client.readHoldingRegisters(0, 125)).data, [...registers.subarray(0, 125)]);
    await client.writeRegister(2, 0xfeed);
    assert.equal(registers[2], 0xfeed);
    await assert.rejects(client.readHoldingRegisters(120, 20), /Modbus exception 2/);
    await assert.rejects(client.readCoils(0, 1), /Modbus exception 1/);
    const { frameErrors, framesReceived } = server.stats();
    assert.deepEqual([frameErrors, framesReceived], [0, 5]);
  });

  it("is what mbpoll speaks (F-8)", { skip: without("mbpoll"), timeout }, async (t) => {
    const { server, registers } = await device(t);
    const ask = (...more: string[]) =>
      run(t, "mbpoll", [
        "-m",
        "tcp",
        "-a",
        "1",
        "-0",
        "-1",
        "-o",
        "10",
        "-p",
        String(server.address.port),
        ...more,
      ]);
    const read = await ask("-r", "10", "-c", "3", "127.0.0.1");
    assert.match(read.out, /\[10\]:\s+1010\n\[11\]:\s+1011\n\[12\]:\s+1012\n/, read.err);
    const written = await ask("-r", "10", "127.0.0.1", "4711");
    assert.match(written.out, /Written 1 references/, written.err);
    assert.deepEqual([registers[10], server.stats().frameErrors], [4711, 0]);
  });

  it("is what a client of ours speaks with a device of npm's modbus-serial (F-8)", { timeout }, async (t) => {
    const peer = new ServerTCP({ getHoldingRegister: (place: number) => 2 * place }, {
      host: "127.0.0.1",
      port: 0,
      unitID: 1,
    });
    t.after(() => new Promise<void>((resolve) => peer.close(() => resolve())));
    await once(peer, "initialized");
    const { port } = (peer as unknown as { _server: NetServer })._server.address() as AddressInfo;
    const client = await connect({ port, framing: modbus() });
    t.after(() => client.close());
    void client.send(hex("0007 0000 0006 01 03 0010 0002"));
    void client.send(hex("0008 0000 0006 01 03 0020 0001"));
    const answers = new Map<number, Uint8Array>();
    for await (const answer of client) {
      answers.set(answer[1]!, answer.slice(6));
      if (answers.size === 2) break;
    }
    assert.deepEqual([answers.get(7), answers.get(8)], [hex("01 03 04 0020 0022"), hex("01 03 02 0040")]);
  });
});
