/** `millrace bench`: an echo server under load, and what came of it, for a person or as JSON. */
import { counted } from "../../core/text/counted.ts";
import { detectAdapter } from "../../adapters/detect.ts";
import type { Address } from "../../core/transport.ts";
import type { TlsClientConfig } from "../config/client_tls.ts";
import type { FramingSpec } from "./framing_spec.ts";
import { runLoad } from "../load/load.ts";
import { LoadError, type LoadProgress, type LoadReport } from "../load/load_options.ts";
import { loadSocketTls } from "../tls_options.ts";
import { makeMessage } from "./bench_message.ts";
import { formatMs } from "./format_ms.ts";
import { formatAddress } from "../../core/text/address.ts";
import { CommandFailure, exitCodes, signalExitCode } from "./failure.ts";
import { drawHistogram, percentiles } from "./histogram_chart.ts";
import { ProgressBar } from "./progress_bar.ts";
import { aborted, print, type Shell } from "./shell.ts";

/** What the command line asked for. */
interface BenchOrder {
  readonly address: Address;
  readonly tls: TlsClientConfig | undefined;
  readonly connections: number;
  readonly depth: number;
  readonly size: number | undefined;
  readonly framing: FramingSpec;
  readonly durationMs: number;
  readonly warmupMs: number;
  readonly timeoutMs: number;
  readonly json: boolean;
  readonly progress: boolean;
}

/** The most memory that the messages in flight on one connection may take, in bytes. */
const mostInFlight = 256 * 1024 * 1024;

/** Runs the load and prints the result; gives the exit code. */
export async function runBench(order: BenchOrder, shell: Shell): Promise<number> {
  const message = messageOf(order);
  const bar = new ProgressBar(shell.errors, order.progress && !order.json);
  const adapter = await detectAdapter();
  const tls = order.tls && await loadSocketTls(order.tls, order.address, adapter);
  let report: LoadReport;
  try {
    report = await runLoad({
      ...order,
      tls,
      adapter,
      message,
      signal: shell.stop.soft,
      onProgress: (progress) => bar.update(progress.done, describe(progress, order)),
    });
  } catch (error) {
    if (shell.stop.soft.aborted) return signalExitCode(await aborted(shell.stop.soft));
    if (error instanceof LoadError) {
      throw new CommandFailure(exitCodes.failed, error.message, { cause: error });
    }
    throw error;
  } finally {
    bar.clear();
  }
  // A signal ends the measuring early; with nothing measured there is nothing to print.
  if (report.messages === 0 && shell.stop.soft.aborted) return signalExitCode(await aborted(shell.stop.soft));
  const text = order.json ? asJson(order, report) : asText(order, report, shell.output.columns ?? 80);
  await print(shell, text + "\n");
  return report.lost > 0 ? exitCodes.unfinished : exitCodes.ok;
}

function messageOf({ framing, size, depth }: BenchOrder): Uint8Array {
  try {
    const message = makeMessage(framing, size);
    if (message.length * depth <= mostInFlight) return message;
    const most = Math.floor(mostInFlight / message.length);
    throw new RangeError(
      `--depth: found ${depth}, expected ${most} or less with messages of ${message.length} bytes`,
    );
  } catch (error) {
    if (error instanceof RangeError) {
      throw new CommandFailure(exitCodes.usage, error.message, { cause: error });
    }
    throw error;
  }
}

function describe({ phase, connected, messages }: LoadProgress, order: BenchOrder): string {
  return phase === "measuring"
    ? `${countText(messages)} messages`
    : `${phase}: ${connected} of ${order.connections}`;
}

function asText(order: BenchOrder, report: LoadReport, width: number): string {
  const { latency } = report;
  const lines = [
    `${formatAddress(order.address)}, ${order.framing.text}: ${counted(report.connections, "connection")}, ` +
    `${report.depth} in flight per connection, ${counted(report.messageBytes, "byte")} per message`,
    `  connecting took ${formatMs(report.connectMs)}, measuring ${formatMs(report.measuredMs)}`,
    "",
    `  ${countText(report.messages)} messages echoed, ${countText(report.messagesPerSecond)} per second, ` +
    `${sizeText(report.bytesPerSecond)}/s each way`,
    `  round trip: min ${formatMs(latency.min)}, mean ${formatMs(latency.mean)}, ` +
    percentiles.map((percent) => `p${percent} ${formatMs(latency.percentile(percent))}`).join(", ") +
    `, max ${formatMs(latency.max)}`,
    "",
    ...drawHistogram(latency, width),
  ];
  if (report.lost > 0) {
    lines.push("", `  the server closed ${counted(report.lost, "connection")} during the run`);
  }
  return lines.join("\n");
}

function asJson(order: BenchOrder, report: LoadReport): string {
  const { latency, ...figures } = report;
  return JSON.stringify({
    endpoint: formatAddress(order.address),
    framing: order.framing.text,
    ...figures,
    latencyMs: {
      samples: latency.count,
      min: latency.min,
      mean: latency.mean,
      ...Object.fromEntries(percentiles.map((percent) => [`p${percent}`, latency.percentile(percent)])),
      max: latency.max,
    },
  });
}

/** A count for a person: `812`, `34.1 k`, `1.25 M`. */
function countText(count: number): string {
  if (count < 1000) return count.toFixed(0);
  return count < 999_950 ? `${(count / 1000).toFixed(1)} k` : `${(count / 1e6).toFixed(2)} M`;
}

function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let at = 0;
  for (; bytes >= 999.5 && at < units.length - 1; at++) bytes /= 1000;
  return `${bytes < 9.995 ? bytes.toFixed(2) : bytes < 99.95 ? bytes.toFixed(1) : bytes.toFixed(0)} ${
    units[at]
  }`;
}
