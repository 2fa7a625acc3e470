// Syslog: logger of util-linux sends to a server of ours, with octet counting and without.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { syslog } from "../../../src/protocols/syslog.ts";
import { serve } from "../../../src/server/serve.ts";
import { Gate, text } from "../../support/frames.ts";
import { it } from "../../support/it.ts";
import { run, without } from "../../support/outside_program.ts";

describe("syslog", () => {
  for (const given of [["--octet-count"], []]) {
    it(
      `is what logger speaks ${given[0] ?? "with a line feed behind each message"} (F-8)`,
      { skip: without("logger") },
      async (t) => {
        const received: string[] = [];
        const ended = new Gate();
        const server = await serve({
          port: 0,
          framing: syslog(),
          logger: () => {},
          onFrame: (message) => void received.push(text(message)),
          onDisconnect: () => ended.open(),
        });
        t.after(() => server.destroy());
        const where = [
          "--server",
          "127.0.0.1",
          "--port",
          String(server.address.port),
          "--tcp",
          "--rfc5424",
          ...given,
        ];
        const { code, err } = await run(t, "logger", [
          ...where,
          "-p",
          "user.notice",
          "-t",
          "test",
          "hello there",
        ]);
        assert.equal(code, 0, err);
        await ended.promise;
        assert.equal(received.length, 1);
        assert.match(received[0]!, /^<13>1 .* test .*hello there$/);
        assert.equal(server.stats().frameErrors, 0);
      },
    );
  }
});
