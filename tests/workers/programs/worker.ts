// A worker for tests: an echo of lines, some of which are orders.
import process from "node:process";
import { lines, type TerminationRecord } from "../../../mod.ts";
import { serveInWorker, workerInfo } from "../../../workers.ts";

/** What the option data may ask for. */
export interface Asked {
  readonly goodbye?: string;
  readonly idleTimeout?: number;
  readonly allowHalfOpen?: boolean;
  readonly closing?: "fail" | "hang";
}

const records: TerminationRecord[] = [];
const held: (() => void)[] = [];

const { index, count, data } = workerInfo();
const { goodbye, idleTimeout = Infinity, allowHalfOpen = false, closing } = (data ?? {}) as Asked;

serveInWorker({
  framing: lines({ encoding: "utf-8", maxFrameBytes: 4 * 1024 * 1024 }),
  goodbye,
  goodbyeWait: "30 seconds",
  idleTimeout,
  allowHalfOpen,
  onDisconnect: (record) => void records.push(record),
  onClose: () => {
    if (closing === "fail") throw new Error("onClose was called");
    return closing === "hang" ? new Promise<void>(() => {}) : undefined;
  },
  onFrame: (line, connection) => {
    const [order, argument = "", size = ""] = line.split(" ");
    switch (order) {
      case "who":
        return connection.send(`${index} of ${count}: ${connection.id} ${connection.peer.port}`);
      case "peer":
        return connection.send(
          `${connection.protocol} ${connection.peer.tls?.protocol} ${connection.peer.tls?.authorized}`,
        );
      case "end":
        return connection.end();
      case "exit":
        return process.exit(3);
      case "throw":
        setTimeout(() => {
          throw new Error("as asked");
        }, 0);
        return;
      case "spin":
        for (;;);
      case "eat": {
        const eaten: unknown[] = [];
        for (;;) eaten.push(new Array(100_000).fill(Math.random()));
      }
      case "fail":
        throw new Error("a handler that fails");
      case "close":
        return void connection.close("as asked");
      case "destroy":
        return connection.destroy({ reason: "as asked", code: "E42" });
      case "records":
        return connection.send(JSON.stringify(records.map(({ reason, message, code, error, endedBy }) => (
          { reason, message, code, error: error?.constructor.name, endedBy }
        ))));
      case "hold":
        return new Promise<void>((resolve) => {
          held.push(() => {
            void connection.send("released");
            resolve();
          });
        });
      case "late":
        return new Promise<void>((resolve) => {
          setTimeout(() => {
            void connection.send("done");
            resolve();
          }, Number(argument));
        });
      case "release":
        held.splice(0).forEach((release) => release());
        return;
      case "deliver":
        return connection.deliver(argument).then(({ status }) => connection.send(status));
      case "flood":
        return flood(Number(argument), Number(size), (text) => connection.send(text));
      default:
        return connection.send(line);
    }
  },
});

/** Lines of this size, each as soon as there is room; the last one says how often there was none. */
async function flood(
  count: number,
  size: number,
  send: (text: string) => void | Promise<void>,
): Promise<void> {
  let waits = 0;
  for (let sent = 0; sent < count; sent++) {
    const slow = send(String(sent).padEnd(size, "."));
    if (slow === undefined) continue;
    waits++;
    await slow;
  }
  await send(`waits ${waits}`);
}
