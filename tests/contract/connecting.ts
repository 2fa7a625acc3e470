// The contract, connecting: refusals and signals.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { socketError } from "./listening.ts";
import { ascii, Rig, type Subject } from "./rig.ts";
import { it } from "../support/it.ts";

export function connecting(subject: Subject): void {
  describe("connecting", () => {
    it("is refused where nobody listens", async (t) => {
      const rig = new Rig(subject, t);
      const { address, listener, port } = await rig.listen();
      await listener.stop();
      await assert.rejects(rig.connect(address), socketError("refused", `${subject.ip}:${port}`));
    });

    it("says so when the host name means nothing", async (t) => {
      const rig = new Rig(subject, t);
      const address = { transport: "tcp", host: "no-such-host.invalid", port: 9 } as const;
      await assert.rejects(rig.connect(address), socketError("host_not_found", "no-such-host.invalid:9"));
    });

    it("doesn't even begin when the signal is aborted already", async (t) => {
      const rig = new Rig(subject, t);
      let accepted = 0;
      const { address } = await rig.listen({}, (transport) => {
        accepted++;
        transport.abort();
      });
      const attempt = rig.connect(address, { signal: AbortSignal.abort(new Error("changed my mind")) });
      await assert.rejects(attempt, (error: Error) => {
        assert.equal((error.cause as Error).message, "changed my mind");
        return socketError("aborted")(error);
      });
      await rig.fence();
      assert.equal(accepted, 0);
    });

    it("gives up when the signal is aborted on the way, and leaves no connection behind", async (t) => {
      const rig = new Rig(subject, t);
      const listening = await rig.listen();
      const controller = new AbortController();
      const attempt = rig.connect(listening.address, { signal: controller.signal });
      controller.abort();
      await assert.rejects(attempt, socketError("aborted"));
      // It may have come through; then it must be gone again.
      await rig.fence();
      const next = await rig.connect(listening.address);
      next.start().transport.write(ascii("the second"));
      next.transport.end();
      for (let text = ""; text !== "the second";) {
        const server = (await listening.next()).start();
        await server.until("its end or close", () => server.ends + server.closes > 0);
        ({ text } = server);
        assert.ok(text === "" || text === "the second", text);
      }
    });

    it("doesn't care for the signal once it is connected", async (t) => {
      const rig = new Rig(subject, t);
      const listening = await rig.listen();
      const controller = new AbortController();
      const client = await rig.connect(listening.address, { signal: controller.signal });
      const server = (await listening.next()).start();
      controller.abort();
      client.start().transport.write(ascii("still here"));
      await server.received(10);
      assert.equal(client.closes, 0);
    });
  });
}
