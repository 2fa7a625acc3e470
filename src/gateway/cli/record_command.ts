/** `millrace record`: a proxy that writes what goes through it to a file. */
import { ShutdownTimeoutError, SocketError } from "../../core/errors.ts";
import type { LogRecord } from "../../core/logger.ts";
import { formatAddress } from "../../core/text/address.ts";
import { counted } from "../../core/text/counted.ts";
import type { Address } from "../../core/transport.ts";
import { LossyLines } from "../../host/lossy_lines.ts";
import { PrivateFile } from "../../host/private_file.ts";
import { Recorder } from "../../recording/recorder.ts";
import type { Server } from "../../server/server.ts";
import { type RecordingProxy, recordingProxy } from "../recording_proxy.ts";
import { CommandFailure, exitCodes, oneLine } from "./failure.ts";
import { aborted, say, type Shell } from "./shell.ts";

/** What the command line asked for. */
interface RecordOrder {
  readonly file: string;
  readonly target: Address;
  readonly listen: Address;
  readonly maxBytes: number;
  readonly force: boolean;
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
  readonly deadlineMs: number;
}

/** Records until told to stop; gives the exit code. */
export async function runRecord(order: RecordOrder, shell: Shell): Promise<number> {
  const words = new LossyLines(shell.errors, (count) => `millrace: warn: ${count} lines were dropped\n`);
  const warn = (what: string): void => void words.write(`millrace: warn: ${what}\n`);
  let broken: unknown;
  const file = await openFile(order, (error) => {
    broken = error;
    warn(`${order.file} cannot be written any more, connections are passed on unrecorded: ${oneLine(error)}`);
  });
  try {
    let told = false;
    // Its first line is written before it is there.
    let recorder: Recorder | undefined = undefined as Recorder | undefined;
    recorder = new Recorder((line) => {
      if (recorder?.full && !told) {
        told = true;
        warn(`the recording has reached --max-size, connections are passed on unrecorded`);
      }
      return file.write(line);
    }, { maxBytes: order.maxBytes });
    const proxy = await listen(order, recorder, shell, warn);
    if (proxy === undefined) return exitCodes.ok;
    const { server } = proxy;
    say(
      shell,
      `millrace: recording to ${order.file}; listening on ${formatAddress(server.address)}, ` +
        `passing on to ${formatAddress(order.target)}  (Ctrl-C stops)\n`,
    );
    await aborted(shell.stop.soft);
    const code = await stop(server, order, shell);
    await proxy.settled();
    say(
      shell,
      `millrace: recorded ${counted(recorder.connections, "connection")} in ${recorder.bytesWritten} bytes\n`,
    );
    return broken === undefined ? code : exitCodes.failed;
  } finally {
    await file.close();
  }
}

async function openFile(
  { file, force }: RecordOrder,
  failed: (error: unknown) => void,
): Promise<PrivateFile> {
  try {
    return await PrivateFile.open(file, force, failed);
  } catch (error) {
    const there = (error as { code?: string }).code === "EEXIST";
    const why = there
      ? "it is there already; choose another name, or replace it with --force"
      : oneLine(error);
    throw new CommandFailure(exitCodes.failed, `record to ${file}: ${why}`, { cause: error });
  }
}

async function listen(
  order: RecordOrder,
  recorder: Recorder,
  shell: Shell,
  warn: (what: string) => void,
): Promise<RecordingProxy | undefined> {
  const logger = ({ level, message }: LogRecord): void => {
    if (level === "error") warn(message);
  };
  const failed = (error: unknown): void => warn(`a connection was not passed on: ${oneLine(error)}`);
  try {
    return await recordingProxy(order, recorder, logger, failed, shell.stop.soft);
  } catch (error) {
    if (!(error instanceof SocketError && error.reason === "aborted")) throw error;
    say(shell, "millrace: stopped before it listened\n");
    return undefined;
  }
}

/** Lets connections finish; a second signal cuts them off. */
async function stop(server: Server<Uint8Array>, { deadlineMs }: RecordOrder, shell: Shell): Promise<number> {
  void aborted(shell.stop.hard).then(() => server.destroy());
  try {
    await server.close({ deadline: deadlineMs });
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof ShutdownTimeoutError)) throw error;
    say(shell, `millrace: ${counted(error.connectionIds.length, "open connection")} cut off\n`);
    return exitCodes.unfinished;
  }
}
