/** Peers that speak another protocol than the endpoint's are warned of, once each, and nobody's log is flooded. */
import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { describe } from "node:test";
import { OtherProtocols } from "../../src/gateway/other_protocols.ts";
import type { LogRecord } from "../../src/core/logger.ts";
import { soon, startEcho } from "./support.ts";
import { it } from "../support/it.ts";

/** Sends this, and waits until so many bytes of the echo are back. */
function exchange(port: number, sent: string): Promise<void> {
  return soon(
    new Promise((resolve, reject) => {
      let got = 0;
      const peer = createConnection({ port, host: "127.0.0.1" }, () => peer.write(sent));
      peer.on("error", reject);
      peer.on("data", (chunk) => {
        got += chunk.length;
        if (got >= sent.replaceAll("\r", "").length) peer.end();
      });
      peer.on("close", () => resolve());
    }),
    "an echo",
  );
}

describe("an endpoint for lines that is spoken to in HTTP", () => {
  it("S-21: warns of each peer once, and cuts its lines all the same (F-64)", async (t) => {
    const { gateway, port, log } = await startEcho({ echo: true });
    t.after(() => gateway.destroy());
    for (let time = 0; time < 3; time++) await exchange(port, "GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    await exchange(port, "plain text\n");
    const warned = log.filter(({ message }) => message === "the peer speaks another protocol");
    assert.equal(warned.length, 1);
    const { "peer.ip": ip, looksLike, advice, framing } = warned[0]!.fields;
    assert.deepEqual([warned[0]!.level, ip, looksLike, framing], [
      "warn",
      "127.0.0.1",
      "an HTTP request",
      "lines",
    ]);
    assert.match(String(advice), /is meant to connect to this host and port/);
  });

  it("S-44: writes one record for thousands of frames that are skipped, and their number at the end", async (t) => {
    const framing = { type: "lines", maxFrameBytes: 2, onFrameError: "skip" };
    const { gateway, port, log } = await startEcho({ echo: true, framing });
    t.after(() => gateway.destroy());
    await soon(
      new Promise<void>((resolve, reject) => {
        const peer = createConnection({ port, host: "127.0.0.1" }, () => peer.end("bad\n".repeat(18_500)));
        peer.on("error", reject);
        peer.resume().on("close", () => resolve());
      }),
      "the end",
    );
    await gateway.close();
    const about = log.filter(({ message }) => message === "frame error");
    assert.equal(about.length, 1);
    const closed = log.find(({ message }) => message === "connection closed");
    assert.equal(closed!.fields.frameErrors, 18_500);
    assert.ok(JSON.stringify(log).length < 74_000 / 10);
  });

  it("S-44: remembers a bounded number of peers", () => {
    const log: LogRecord[] = [];
    const others = new OtherProtocols((record) => log.push(record), "lines");
    const come = (ip: string): void => {
      const local = { transport: "tcp", host: "127.0.0.1", port: 1 } as const;
      others.warn({ looksLike: "an HTTP request", advice: "none" }, { id: ip, peer: { ip, port: 1, local } });
    };
    for (let at = 0; at < 3_000; at++) come(String(at));
    assert.equal(log.length, 3_000);
    for (let at = 2_000; at < 3_000; at++) come(String(at));
    assert.equal(log.length, 3_000);
    come("0");
    assert.equal(log.length, 3_001);
  });
});
