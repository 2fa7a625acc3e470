/** `millrace connect`: a framed `nc`. Lines of standard input go out as frames, frames that come in are printed. */
import { connect } from "../../client/connect.ts";
import type { Connection } from "../../connection/connection.ts";
import { systemClock } from "../../core/clock.ts";
import { MillraceError } from "../../core/errors.ts";
import { lines } from "../../core/framing/lines.ts";
import { stoppable } from "../../core/framing/piecewise_decoder.ts";
import type { Address } from "../../core/transport.ts";
import type { ClientTlsConfig } from "../config/client_tls.ts";
import type { FramingSpec } from "../framing_spec.ts";
import { LineWriter } from "../line_writer.ts";
import { loadClientTls } from "../tls_options.ts";
import { formatMs } from "./duration_spec.ts";
import { formatAddress } from "./endpoint_spec.ts";
import { CommandFailure, exitCodes, oneLine, signalExitCode } from "./failure.ts";
import { type FrameForm, readFrame, showFrame } from "./frame_text.ts";
import { aborted, type Shell } from "./shell.ts";

/** What the command line asked for. */
export interface ConnectOrder {
  readonly address: Address;
  readonly framing: FramingSpec;
  readonly tls: ClientTlsConfig | undefined;
  readonly input: "text" | "hex";
  readonly output: FrameForm;
  /** End when this many frames are in; undefined: when the server closes. */
  readonly replies: number | undefined;
  readonly waitMs: number;
  readonly timeoutMs: number;
}

/** The longest line of input, in bytes. */
const longestLine = 64 * 1024 * 1024;

/** What ends the conversation. */
type Ending = "replies" | "closed" | "late" | "stopped" | "unread";

/** Talks until one side is done; gives the exit code. */
export async function runConnect(order: ConnectOrder, shell: Shell): Promise<number> {
  const { address, tls } = order;
  const connection = await connect({
    ...(address.transport === "tcp" ? { host: address.host, port: address.port } : { path: address.path }),
    framing: order.framing.framing,
    tls: tls && await loadClientTls(tls),
    idleTimeout: Infinity,
    closeTimeout: Infinity,
    connectTimeout: order.timeoutMs,
    signal: shell.stop.hard,
  });
  if (shell.inputIsTerminal()) {
    await shell.errors.write(`millrace: connected to ${formatAddress(address)}; Ctrl-D ends the input\n`);
  }
  try {
    return await new Conversation(order, shell, connection).run();
  } finally {
    connection.abort();
  }
}

/** Both directions of one connection, and the count of replies. */
class Conversation {
  readonly #order: ConnectOrder;
  readonly #shell: Shell;
  readonly #connection: Connection<Uint8Array>;
  readonly #printer: LineWriter;
  #replies = 0;
  #failure: unknown = undefined;
  #end: (ending: Ending) => void = () => {};

  constructor(order: ConnectOrder, shell: Shell, connection: Connection<Uint8Array>) {
    this.#order = order;
    this.#shell = shell;
    this.#connection = connection;
    this.#printer = new LineWriter(shell.output, systemClock, (error) => this.#fail("unread", error));
  }

  async run(): Promise<number> {
    const input = this.#shell.input()[Symbol.asyncIterator]();
    const ended = new Promise<Ending>((resolve) => this.#end = resolve);
    void aborted(this.#shell.stop.soft).then(() => this.#end("stopped"));
    void this.#receive();
    void this.#transmit(input);
    const ending = await ended;
    await input.return?.();
    await this.#printer.flush();
    return await this.#result(ending);
  }

  /** Prints frames until the server ends, or enough are in. */
  async #receive(): Promise<void> {
    const { replies, output } = this.#order;
    if (replies === 0) return;
    try {
      for await (const frame of this.#connection) {
        const wait = this.#printer.write(showFrame(frame, output, this.#shell.output.isTerminal) + "\n");
        if (wait !== undefined) await wait;
        if (++this.#replies === replies) return this.#end("replies");
      }
      this.#end("closed");
    } catch (error) {
      this.#fail("closed", error);
    }
  }

  /** Sends the input; at its end says so to the server, or waits for the replies that were asked for. */
  async #transmit(input: AsyncIterator<Uint8Array, unknown>): Promise<void> {
    const { waitMs, replies } = this.#order;
    const splitter = stoppable(
      lines({ maxFrameBytes: longestLine, acceptUnterminated: true }).decoder(() => {}),
    );
    let line = 0;
    try {
      for (let item = await input.next();; item = await input.next()) {
        let wait: void | Promise<void> = undefined;
        const send = (text: Uint8Array): boolean => {
          wait = this.#connection.send(readFrame(text, this.#order.input, ++line));
          return wait === undefined;
        };
        let left = item.done === true ? splitter.flush?.(send) : splitter.push(item.value, send);
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
      if (waitMs === Infinity) return;
      const timer = setTimeout(() => this.#end("late"), waitMs);
      void this.#connection.closed.then(() => clearTimeout(timer));
    } catch (error) {
      // A connection that ended is told by the one who receives, with what came before.
      if (!(error instanceof MillraceError) || error._tag === "FrameError") this.#fail("closed", error);
    }
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
      await this.#connection.close();
      return exitCodes.ok;
    }
    const missing = replies === undefined ? "" : `; ${this.#replies} of ${replies} replies came`;
    if (ending === "late") {
      const what = replies === undefined ? "the server did not close" : "not all replies came";
      throw new CommandFailure(
        exitCodes.unfinished,
        `wait for replies: ${what} within ${
          formatMs(waitMs)
        } after the end of input${missing}; raise --wait, or say with --replies how many to expect`,
      );
    }
    if (missing === "") return exitCodes.ok;
    throw new CommandFailure(
      exitCodes.unfinished,
      `wait for replies: ${formatAddress(address)} closed the connection${missing}`,
    );
  }
}
