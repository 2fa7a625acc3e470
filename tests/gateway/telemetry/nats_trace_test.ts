/** A trace through NATS: the frame, the service, the answer (F-50). */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { connect, headers, type Msg } from "@nats-io/transport-node";
import { it } from "../../support/it.ts";
import { NatsServer, withoutNats } from "../../support/nats_server.ts";
import { attributesOf, OtlpReceiver } from "../../support/otlp_receiver.ts";
import { lineClient, read, startEcho } from "../support.ts";

const options = { skip: withoutNats, timeout: 120_000 };

describe("traces over NATS", () => {
  for (const type of ["nats", "jetstream"]) {
    it(
      `${type}: a service that passes traceparent on answers in the trace of the frame (F-50)`,
      options,
      async (t) => {
        const receiver = await OtlpReceiver.start(t);
        const server = await NatsServer.start(t);
        const service = await connect({ servers: server.url });
        t.after(() => service.close());
        const { gateway, port } = await startEcho({}, {
          bus: { type, servers: server.url },
          node: "n1",
          telemetry: { endpoint: receiver.url, traces: { connections: 0, frames: 1 } },
        });
        t.after(() => gateway.destroy());
        const answer = (message: Msg): void => {
          const own = headers();
          own.set("traceparent", message.headers?.get("traceparent") ?? "");
          // What comes out of a stream says in a header where the answer goes.
          const reply = message.headers?.get("reply") || message.reply!;
          service.publish(reply, message.data, { headers: own });
        };
        for (const subject of ["millrace.echo.in", "millrace.echo.in.>"]) {
          service.subscribe(subject, { callback: (_, message) => answer(message) });
        }
        await service.flush();
        const device = await lineClient(port);
        await device.send("one");
        assert.deepEqual(await read(device, 1), ["one"]);
        await device.close();
        await gateway.close();
        assert.deepEqual(receiver.faults, []);
        const [frame, message, ...others] = receiver.spans.toSorted((a, b) => a.kind - b.kind);
        assert.deepEqual([frame.name, message.name, others], ["millrace.frame", "millrace.message", []]);
        assert.deepEqual([message.traceId, message.parentSpanId], [frame.traceId, frame.spanId]);
        assert.deepEqual([frame.status, message.status], [{}, {}]);
        assert.equal(attributesOf(frame)["messaging.system"], type);
      },
    );
  }
});
