// Whatever is called from inside a callback, a connection ends once and nothing is told after that.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "../../src/connection/connection.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { bytes } from "../support/frames.ts";
import type { Peer } from "../support/peer.ts";
import { type Place, Real, Virtual } from "../support/server.ts";

type Act = (connection: Connection<Uint8Array>) => void;

const acts: Readonly<Record<string, Act>> = {
  close: (connection) => void connection.close("from inside"),
  abort: (connection) => connection.destroy(),
  kill: (connection) => connection.destroy({ reason: "from inside" }),
  end: (connection) => connection.end(),
  "send and flush": (connection) => {
    void connection.send(bytes("from inside"));
    void connection.flush().catch(() => {});
  },
  "all of them": (connection) => {
    for (const act of Object.values(acts).slice(0, 5)) act(connection);
  },
};

const callbacks = [
  "context",
  "onConnect",
  "handler",
  "onFrame",
  "onFrameError",
  "onError",
  "onDisconnect",
  "signal",
  "keepalive",
  "a reader",
  "an outcome",
  "a broadcast's filter",
  "the logger",
] as const;

/** A connection on which `act` is called from inside one callback, and everything happens that can happen. */
async function run(
  place: Place,
  callback: (typeof callbacks)[number],
  act: Act,
  move: (peer: Peer) => Promise<void>,
) {
  const told: string[] = [];
  let ends = 0;
  const here = (name: string, connection: Connection<Uint8Array> | undefined) => {
    told.push(ends > 0 ? `${name} after the end` : name);
    if (name === callback && connection !== undefined) act(connection);
  };
  let only: Connection<Uint8Array> | undefined;
  const direct = callback === "onFrame";
  const server = await place.serve<Uint8Array>({
    framing: lines({ maxFrameBytes: 20, onFrameError: "skip" }),
    keepalive: {
      interval: "1 second",
      payload: () => {
        here("keepalive", only);
        return bytes("ping\n");
      },
    },
    context: (connection) => {
      only = connection;
      here("context", connection);
      return undefined;
    },
    onConnect: (connection) => {
      connection.signal.addEventListener("abort", () => here("signal", connection));
      here("onConnect", connection);
    },
    onFrameError: (_error, connection) => here("onFrameError", connection),
    onError: (_error, connection) => here("onError", connection),
    onDisconnect: (_record, connection) => {
      here("onDisconnect", connection);
      ends++;
    },
    logger: ({ message }) => {
      if (message.startsWith("connection")) here("the logger", only);
    },
    ...(direct
      ? {
        onFrame: (frame, connection) => {
          here("onFrame", connection);
          void connection.send(frame);
        },
      }
      : {
        handler: async (connection) => {
          here("handler", connection);
          for await (const frame of connection) {
            here("a reader", connection);
            void connection.deliver(frame).then(() => here("an outcome", connection));
          }
        },
      }),
  });
  const peer = await place.dial(server);
  peer.write("one\ntwo\n" + "x".repeat(50) + "\nthree\n");
  await move(peer);
  void server.broadcast(bytes("all"), (connection) => {
    here("a broadcast's filter", connection);
    return true;
  });
  await move(peer);
  peer.end();
  await place.drive(server.destroy());
  await move(peer);
  return { told, ends, server, peer };
}

for (const callback of callbacks) {
  test(`S-28: everything can be called from inside ${callback}, and there is one close (${Object.keys(acts).length} acts)`, async (t) => {
    for (const [name, act] of Object.entries(acts)) {
      await t.test(name, async (t) => {
        const place = new Virtual(t);
        const { told, ends, server, peer } = await run(place, callback, act, () => place.pass(1_500));
        assert.equal(ends, 1, told.join());
        assert.equal(place.records.length, 1);
        assert.ok(peer.closed);
        assert.equal(peer.closes, 1);
        const { connectionsAccepted, connectionsClosed, connectionsActive } = server.stats();
        assert.deepEqual([connectionsAccepted, connectionsClosed, connectionsActive], [1, 1, 0]);
        const late = told.filter((what) => what.endsWith("after the end"));
        // Who was waiting for the end hears of it after it.
        const allowed = ["signal", "a reader", "an outcome", "the logger"].map((what) =>
          `${what} after the end`
        );
        assert.deepEqual(late.filter((what) => !allowed.includes(what)), []);
      });
    }
  });
}

test("S-28: on real sockets too, from inside a frame and from inside the end", async (t) => {
  for (const callback of ["onFrame", "onDisconnect"] as const) {
    for (const act of Object.values(acts)) {
      const place = await Real.at(t);
      const { ends, told } = await run(
        place,
        callback,
        act,
        (peer) =>
          peer.until(() => peer.ended || peer.closed || peer.text.includes("three\n"), "an answer or an end"),
      );
      assert.equal(ends, 1, told.join());
    }
  }
});
