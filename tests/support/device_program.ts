/**
 * A device with readings to tell: it sends them as lines with their numbers, keeps each until it is acknowledged, and connects
 * again where its connection ends, or nothing is acknowledged for a while. Then it sends again what was not acknowledged.
 *
 * Run by `device.ts` with what is to be done as JSON; it says on its standard output what it does. Nothing of Millrace is in it.
 */
import { createConnection, type Socket } from "node:net";
import process from "node:process";

const { port, name, from, to, pauseMs } = JSON.parse(process.argv[2]!) as {
  readonly port: number;
  readonly name: string;
  /** The first and the last number. */
  readonly from: number;
  readonly to: number;
  /** Between two lines; 0 for as fast as the peer takes them. */
  readonly pauseMs: number;
};
/** Lines that are not acknowledged, at most. */
const most = 1_000;
const [againMs, silenceMs] = [20, 3_000];

let acknowledged = from - 1;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Connects, sends from the first number that is not acknowledged, and hears acknowledgements, until the connection ends. */
function talk(): void {
  let next = acknowledged + 1;
  let rest = "";
  const socket = createConnection({ port, host: "127.0.0.1" });
  const silence = setInterval(() => socket.destroy(), silenceMs);
  let sending: ReturnType<typeof setTimeout> | undefined = undefined;
  const send = (): void => {
    sending = undefined;
    for (let room = true; room && next <= to && next <= acknowledged + most;) {
      room = write(socket, next++);
      if (pauseMs === 0) continue;
      sending = setTimeout(send, pauseMs);
      return;
    }
  };
  socket.once("connect", () => {
    say(`from ${next}`);
    send();
  });
  socket.on("drain", () => sending ?? send());
  socket.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    // The frames of a connection are stored in their order, so that all before this one are as well.
    for (const line of lines) {
      acknowledged = line === "+" ? acknowledged + 1 : Math.max(acknowledged, Number(line));
    }
    say(`acknowledged ${acknowledged}`);
    silence.refresh();
    if (acknowledged >= to) process.exit(0);
    if (sending === undefined) send();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    clearInterval(silence);
    clearTimeout(sending);
    setTimeout(talk, againMs);
  });
}

function write(socket: Socket, number: number): boolean {
  return socket.write(`${name} ${number}\n`);
}

talk();
