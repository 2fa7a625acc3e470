/** Framings of protocols in the gateway: their frames are bytes on the bus, whole and unchanged, and bad ones are counted. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { connect } from "../../src/client/connect.ts";
import { concatBytes } from "../../src/core/bytes/bytes.ts";
import { raw } from "../../src/core/framing/raw.ts";
import { it } from "../support/it.ts";
import { bytes, hex, text } from "../support/frames.ts";
import { wires } from "../protocols/whole_frames.ts";
import { startEcho } from "./support.ts";

/** Sends these bytes to an endpoint that echoes, and resolves with as many that came back as are expected. */
async function echoed(port: number, sent: Uint8Array, size: number): Promise<Uint8Array> {
  const client = await connect({ port, framing: raw() });
  await client.send(sent);
  const came: Uint8Array[] = [];
  let length = 0;
  for await (const piece of client) {
    came.push(piece.slice());
    length += piece.length;
    if (length >= size) break;
  }
  await client.close();
  return concatBytes(came);
}

describe("a gateway with the framing of a protocol", () => {
  // A server of PostgreSQL may not send what a client sends.
  for (
    const { id, framing, wire, frames, headers = [] } of wires.filter(({ framing }) =>
      framing.name !== "postgres"
    )
  ) {
    it(`has whole frames of ${id} on the bus, and sends them as they were (F-8, F-55)`, async (t) => {
      const { gateway, port } = await startEcho({ framing: framing.name, echo: true });
      t.after(() => gateway.destroy());
      const onBus: number[] = [];
      gateway.bus.subscribe("millrace.echo.in", ({ payload }) => void onBus.push(payload.length));
      const sent = hex(wire);
      assert.deepEqual(await echoed(port, sent, sent.length), sent);
      assert.deepEqual(onBus, frames.map((size, index) => size - (headers[index] ?? 0)));
    });
  }

  it("counts lines that are not JSON, and goes on behind them (F-8, F-55)", async (t) => {
    const { gateway, port } = await startEcho({ framing: { type: "ndjson", maxFrameBytes: 10 }, echo: true });
    t.after(() => gateway.destroy());
    const good = '{"a": 1}\n2\n';
    const sent = bytes(`{"a": 1}\n{oops\n\n${"3".repeat(11)}\n2\n`);
    assert.equal(text(await echoed(port, sent, good.length)), good);
    assert.equal(gateway.endpoints.get("echo")!.stats().frameErrors, 2);
  });
});
