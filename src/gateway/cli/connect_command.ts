/** `millrace connect`: a framed `nc`. Lines of standard input go out as frames, frames that come in are printed. */
import { connect } from "../../client/connect.ts";
import { systemClock } from "../../core/time/clock.ts";
import { MillraceError } from "../../core/errors.ts";
import { lines } from "../../core/framing/lines.ts";
import { stoppableDecoder } from "../../core/framing/piecewise_decoder.ts";
import type { Address } from "../../core/transport.ts";
import type { TlsClientConfig } from "../config/client_tls.ts";
import type { FramingSpec } from "./framing_spec.ts";
import { LineWriter } from "../line_writer.ts";
import { loadClientTls } from "../tls_options.ts";
import { formatMs } from "./format_ms.ts";
import { formatAddress } from "../../core/text/address.ts";
import { CommandFailure, exitCodes, oneLine, signalExitCode } from "./failure.ts";
import { type FrameForm, readFrame, showFrame } from "./frame_text.ts";
import { aborted, lastWords, say, type Shell } from "./shell.ts";
import { reconnectingTalk, type Talk } from "./talk.ts";

/** What the command line asked for. */
interface ConnectOrder {
  readonly address: Address;
  readonly framing: FramingSpec;
  readonly tls: TlsClientConfig | undefined;
  /** Version of the PROXY protocol header to send first. */
  readonly proxyHeader: 1 | 2 | undefined;
  /** What a line is; `bytes`: no lines, each read goes out as it is. */
  readonly input: "text" | "hex" | "bytes";
  /** How a frame becomes a line; `bytes`: no lines, each frame is written as it is. */
  readonly output: FrameForm | "bytes";
  /** End when this many frames are in; undefined: when the server closes. */
  readonly replies: number | undefined;
  readonly waitMs: number;
  readonly timeoutMs: number;
  /** Connect again when the connection ends. */
  readonly reconnect: boolean;
}

/** The longest line of input, in bytes. */
const longestLine = 64 * 1024 * 1024;

/** How long a server may take to end after the replies that were asked for, in ms. */
const patienceMs = 2_000;

/** What ends the conversation. */
type Ending = "replies" | "closed" | "late" | "stopped" | "unread";

/** Talks until one side is done; gives the exit code. */
export async function runConnect(order: ConnectOrder, shell: Shell): Promise<number> {
  const { address, tls } = order;
  const options = {
    address,
    framing: order.framing.framing,
    tls: tls && await loadClientTls(tls),
    proxyHeader: order.proxyHeader && { version: order.proxyHeader },
    idleTimeout: Infinity,
    connectTimeout: order.timeoutMs,
    signal: shell.stop.hard,
  };
  const connection = order.reconnect ? reconnectingTalk(options, shell) : await connect(options);
  if (!order.reconnect && shell.inputIsTerminal()) {
    say(shell, `millrace: connected to ${formatAddress(address)}; Ctrl-D ends the input\n`);
  }
  try {
    return await new Conversation(order, shell, connection).run();
  } finally {
    connection.destroy();
  }
}

/** Both directions of one connection, and the count of replies. */
class Conversation {
  readonly #order: ConnectOrder;
  readonly #shell: Shell;
  readonly #connection: Talk;
  readonly #printer: LineWriter;
  #replies = 0;
  /** When a frame came last, on the system's clock; `Infinity` while one waits to be printed. */
  #heard = 0;
  #failure: unknown = undefined;
  #end!: (ending: Ending) => void;
  readonly #ended: Promise<Ending> = new Promise((resolve) => this.#end = resolve);

  constructor(order: ConnectOrder, shell: Shell, connection: Talk) {
    this.#order = order;
    this.#shell = shell;
    this.#connection = connection;
    this.#printer = new LineWriter(shell.output, systemClock, (error) => this.#fail("unread", error));
  }

  async run(): Promise<number> {
    const input = this.#shell.input()[Symbol.asyncIterator]();
    void aborted(this.#shell.stop.soft).then(() => this.#end("stopped"));
    void this.#receive();
    void this.#transmit(input);
    const ending = await this.#ended;
    await input.return?.();
    const flushed = this.#printer.flush();
    const { stop } = this.#shell;
    if (ending === "stopped") await lastWords(flushed, stop);
    else if (await Promise.race([flushed, aborted(stop.soft)]) !== undefined) {
      return await this.#result("stopped");
    }
    return await this.#result(ending);
  }

  /** Prints frames until the server ends, or enough are in. */
  async #receive(): Promise<void> {
    const { replies } = this.#order;
    if (replies === 0) return;
    try {
      for await (const frame of this.#connection) {
        const wait = this.#print(frame);
        this.#heard = Infinity;
        if (wait !== undefined) await wait;
        this.#heard = systemClock.now();
        if (++this.#replies === replies) return this.#end("replies");
      }
      this.#end("closed");
    } catch (error) {
      this.#fail("closed", error);
    }
  }

  #print(frame: Uint8Array): void | Promise<void> {
    const { output } = this.#order;
    if (output === "bytes") return this.#shell.output.writeBytes(frame);
    return this.#printer.write(showFrame(frame, output, this.#shell.output.isTerminal) + "\n");
  }

  /** Sends the input; at its end says so to the server, or waits for the replies that were asked for. */
  async #transmit(input: AsyncIterator<Uint8Array, unknown>): Promise<void> {
    const { waitMs, replies } = this.#order;
    const form = this.#order.input;
    const splitter = stoppableDecoder(
      lines({ maxFrameBytes: longestLine, acceptUnterminated: true }),
      () => {},
    );
    let line = 0;
    try {
      for (let item = await input.next();; item = await input.next()) {
        let wait: void | Promise<void> = undefined;
        const send = (text: Uint8Array): boolean => {
          wait = this.#connection.send(form === "bytes" ? text : readFrame(text, form, ++line));
          return wait === undefined;
        };
        let left: boolean | void = true;
        if (form === "bytes") {
          if (item.done !== true && item.value.length > 0) send(item.value);
        } else left = item.done === true ? splitter.flush?.(send) : splitter.push(item.value, send);
        // While the peer is slow, the rest of the input stays bytes.
        for (;;) {
          if (wait !== undefined) await wait;
          wait = undefined;
          if (left !== false) break;
          left = splitter.resume(send);
        }
        if (item.done === true) break;
      }
      await this.#connection.flush();
      if (replies === 0) return this.#end("replies");
      if (replies === undefined) this.#connection.end();
      if (waitMs !== Infinity) this.#await(waitMs);
    } catch (error) {
      // A connection that ended is told by the one who receives, with what came before.
      if (!(error instanceof MillraceError) || error._tag === "FrameError") this.#fail("closed", error);
    }
  }

  /** Ends the conversation once nothing has come for so long. What waits to be printed has come. */
  #await(waitMs: number): void {
    const begun = systemClock.now();
    let timer: unknown;
    const look = (): void => {
      const left = Math.max(begun, this.#heard) + waitMs - systemClock.now();
      if (left > 0) timer = systemClock.setTimer(look, Math.min(left, waitMs));
      // Where nobody closes, silence is the end.
      else this.#end(this.#order.reconnect && this.#order.replies === undefined ? "replies" : "late");
    };
    look();
    void this.#ended.then(() => systemClock.clearTimer(timer));
  }

  /** Delivers what was sent. A server that goes on sending after the replies that were asked for is not waited for. */
  async #leave(): Promise<void> {
    const closed = this.#connection.close();
    if (this.#order.replies === 0) return void await closed;
    await this.#connection.flush().catch(() => {});
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => timer = setTimeout(resolve, patienceMs));
    await Promise.race([closed, patience]);
    clearTimeout(timer);
  }

  #fail(ending: Ending, error: unknown): void {
    this.#failure ??= error;
    this.#end(ending);
  }

  async #result(ending: Ending): Promise<number> {
    const { replies, waitMs, address } = this.#order;
    if (this.#failure !== undefined) {
      throw new CommandFailure(exitCodes.failed, oneLine(this.#failure), { cause: this.#failure });
    }
    if (ending === "stopped") return signalExitCode(await aborted(this.#shell.stop.soft));
    if (ending === "replies") {
      await this.#leave();
      return exitCodes.ok;
    }
    // What was sent before the server ended is still delivered.
    if (ending === "closed") await this.#connection.close();
    const missing = replies === undefined ? "" : `; ${this.#replies} of ${replies} replies arrived`;
    if (ending === "late") {
      const what = replies === undefined ? "the server did not close" : "not all replies arrived";
      throw new CommandFailure(
        exitCodes.unfinished,
        `wait for replies: ${what}, and nothing arrived for ${
          formatMs(waitMs)
        } after the end of input${missing}; raise --wait, or set --replies to the number to expect`,
      );
    }
    if (missing === "") return exitCodes.ok;
    throw new CommandFailure(
      exitCodes.unfinished,
      `wait for replies: ${formatAddress(address)} closed the connection${missing}`,
    );
  }
}
