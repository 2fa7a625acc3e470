/** `millrace replay`: a recorded client against a server, and whether it answers as it did. */
import { detectAdapter } from "../../adapters/detect.ts";
import { OptionsError, SocketError } from "../../core/errors.ts";
import { formatAddress } from "../../core/text/address.ts";
import { counted } from "../../core/text/counted.ts";
import { systemClock } from "../../core/time/clock.ts";
import type { Address, Transport } from "../../core/transport.ts";
import { readTextFile } from "../../host/process.ts";
import { showPayload } from "../../recording/recording.ts";
import { connectionOf, parseRecording } from "../../recording/recording_text.ts";
import { play, type ReplayReport } from "../../recording/replay.ts";
import type { TlsClientConfig } from "../config/client_tls.ts";
import { LineWriter } from "../line_writer.ts";
import { loadSocketTls } from "../tls_options.ts";
import { CommandFailure, exitCodes, oneLine, signalExitCode } from "./failure.ts";
import { ProgressBar } from "./progress_bar.ts";
import { aborted, print, type Shell } from "./shell.ts";

/** What the command line asked for. */
interface ReplayOrder {
  readonly file: string;
  readonly address: Address;
  readonly tls: TlsClientConfig | undefined;
  readonly connection: number | undefined;
  readonly speed: number;
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly show: boolean;
  readonly json: boolean;
  readonly progress: boolean;
}

const exits: Readonly<Record<ReplayReport["outcome"], number>> = {
  same: exitCodes.ok,
  different: exitCodes.failed,
  missing: exitCodes.unfinished,
};

/** Plays it and prints what came of it; gives the exit code. */
export async function runReplay(order: ReplayOrder, shell: Shell): Promise<number> {
  const recorded = await load(order);
  const bar = new ProgressBar(shell.errors, order.progress && !order.json && !order.show);
  const printer = new LineWriter(shell.output, systemClock, () => {});
  const begun = systemClock.now();
  const show = (bytes: Uint8Array): void | Promise<void> => {
    const at = Math.round((systemClock.now() - begun) * 1000) / 1000;
    const line = { at, connection: recorded.number, from: "server", ...showPayload(bytes) };
    return printer.write(JSON.stringify(line) + "\n");
  };
  let report: ReplayReport;
  try {
    report = await play(recorded, (signal) => dial(order, signal), {
      speed: order.speed,
      wait: order.waitMs,
      signal: shell.stop.soft,
      onChunk: order.show ? show : undefined,
      onProgress: ({ sentChunks, chunks, receivedBytes }) =>
        bar.update(
          chunks === 0 ? 1 : sentChunks / chunks,
          `${sentChunks} of ${counted(chunks, "chunk")} sent, ${counted(receivedBytes, "byte")} back`,
        ),
    });
  } catch (error) {
    if (shell.stop.soft.aborted) return signalExitCode(await aborted(shell.stop.soft));
    throw error;
  } finally {
    bar.clear();
  }
  await printer.flush();
  if (!order.show || order.json) {
    await print(shell, (order.json ? asJson(order, report) : asText(report)) + "\n");
  }
  return exits[report.outcome];
}

async function load({ file, connection }: ReplayOrder) {
  try {
    return connectionOf(parseRecording(await readTextFile(file)), connection);
  } catch (error) {
    if (error instanceof OptionsError && error.issues[0]!.path === "connection") {
      throw new CommandFailure(exitCodes.usage, `--${error.message}`, { cause: error });
    }
    throw new CommandFailure(exitCodes.failed, `replay ${file}: ${oneLine(error)}`, { cause: error });
  }
}

async function dial(order: ReplayOrder, signal: AbortSignal | undefined): Promise<Transport> {
  const { address, timeoutMs } = order;
  const adapter = await detectAdapter();
  const tls = order.tls && await loadSocketTls(order.tls, address, adapter);
  const limit = new AbortController();
  const stop = (): void => limit.abort();
  const timer = systemClock.setTimer(stop, timeoutMs);
  signal?.addEventListener("abort", stop);
  try {
    return await adapter.connect({ address, signal: limit.signal, tls, noDelay: true, keepAlive: "system" });
  } catch (error) {
    if (!limit.signal.aborted || signal?.aborted) throw error;
    const what = `connect to ${formatAddress(address)}: no answer within ${timeoutMs} ms`;
    throw new SocketError("timed_out", what, { cause: error });
  } finally {
    systemClock.clearTimer(timer);
    signal?.removeEventListener("abort", stop);
  }
}

function asText(
  { outcome, sentChunks, chunks, sentBytes, receivedBytes, expectedBytes, differsAt, error }: ReplayReport,
): string {
  const sent = `sent ${sentChunks} of ${counted(chunks, "chunk")}, ${counted(sentBytes, "byte")}; ` +
    `received ${receivedBytes} of ${counted(expectedBytes, "byte")}`;
  switch (outcome) {
    case "same":
      return `${sent}: the same as in the recording`;
    case "different":
      return `${sent}: different from the recording at byte ${differsAt}`;
    case "missing":
      return `${sent}: ${
        error === undefined ? "the server ended, or was silent, before the rest" : oneLine(error)
      }`;
  }
}

function asJson({ address, file }: ReplayOrder, { error, ...figures }: ReplayReport): string {
  return JSON.stringify({
    file,
    endpoint: formatAddress(address),
    ...figures,
    ...(error === undefined ? {} : { error: oneLine(error) }),
  });
}
