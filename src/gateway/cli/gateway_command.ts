/** `millrace gateway`: runs what a config file describes, until a signal drains it. */
import { SocketError } from "../../core/errors.ts";
import { counted } from "../../core/text/counted.ts";
import type { Address } from "../../core/transport.ts";
import { runtimeName } from "../../host/process.ts";
import { membership, tellReady } from "../../host/member.ts";
import { type GatewayConfig, loadConfig } from "../config/config.ts";
import { countFaults, formatFaults } from "../config/fault.ts";
import type { EndpointConfig } from "../config/endpoint_config.ts";
import type { GatewayEndpoint } from "../endpoint.ts";
import type { Gateway, GatewayReport } from "../gateway.ts";
import { startGateway } from "../running_gateway.ts";
import { formatMs } from "./format_ms.ts";
import { formatAddress } from "../../core/text/address.ts";
import { CommandFailure, exitCodes, oneLine } from "./failure.ts";
import { aborted, say, type Shell } from "./shell.ts";
import { holdSockets } from "./takeover.ts";
import { placesOf, withSockets } from "./takeover_config.ts";
import { tlsHint } from "./tls_hint.ts";

/** What the command line asked for. */
interface GatewayOrder {
  readonly config: string;
  /** In the place of the config's own. */
  readonly deadlineMs: number | undefined;
  readonly spreadMs: number | undefined;
  /** A new process may take over. */
  readonly takeover: boolean;
}

/** Runs until told to stop, or until it cannot go on, or has a child do it; gives the exit code. */
export async function runGateway(order: GatewayOrder, shell: Shell): Promise<number> {
  const read = () => readConfig(order.config, shell);
  if (!order.takeover) return await runConfig(await read(), order, shell, () => () => {});
  const member = membership();
  if (member === undefined) return await holdSockets(async () => placesOf(await read()), shell);
  return await runConfig(withSockets(await read(), member.sockets), order, shell, tellReady);
}

/** Throws, with every fault told, where it has one. */
async function readConfig(file: string, shell: Shell): Promise<GatewayConfig> {
  const result = await loadConfig(file);
  if (result.ok) return result.config;
  say(shell, `${formatFaults(result.faults, file)}\n`);
  throw new CommandFailure(
    exitCodes.failed,
    `${file} has ${countFaults(result.faults)}: nothing was started`,
  );
}

/** `served` is called when everything listens, and what that returns at the end. */
async function runConfig(
  given: GatewayConfig,
  order: GatewayOrder,
  shell: Shell,
  served: () => () => void,
): Promise<number> {
  const { soft: signal } = shell.stop;
  let gateway: Gateway;
  try {
    const config = { ...given, drainSpread: order.spreadMs ?? given.drainSpread };
    gateway = await startGateway(config, { output: shell.output, signal });
  } catch (error) {
    if (!(signal.aborted && error instanceof SocketError && error.reason === "aborted")) throw error;
    say(shell, "millrace: stopped before every endpoint listened\n");
    return exitCodes.ok;
  }
  say(shell, await banner(order.config, gateway, given.endpoints));
  const leave = served();
  void aborted(shell.stop.hard).then(() => gateway.destroy());
  const asked = aborted(shell.stop.soft).then(() => gateway.close({ deadline: order.deadlineMs }));
  const report = await Promise.race([asked, gateway.finished]);
  leave();
  return conclude(report, shell);
}

function conclude(report: GatewayReport, shell: Shell): number {
  const { failure, destroyed, linesUnwritten, durationMs, endpoints } = report;
  if (failure !== undefined) {
    throw new CommandFailure(exitCodes.failed, `stopped: ${oneLine(failure)}`, { cause: failure });
  }
  const drained = Object.values(endpoints).reduce((sum, each) => sum + each.drained, 0);
  const unread = linesUnwritten === 0 ? "" : `; unread output was lost: ${counted(linesUnwritten, "line")}`;
  const cut = destroyed === 0 ? "" : `, ${destroyed} destroyed`;
  say(
    shell,
    `millrace: stopped in ${formatMs(durationMs)}; ${
      counted(drained, "connection")
    } drained${cut}${unread}\n`,
  );
  return destroyed === 0 && linesUnwritten === 0 ? exitCodes.ok : exitCodes.unfinished;
}

/** What runs where, and what to type next. */
async function banner(file: string, gateway: Gateway, configs: readonly EndpointConfig[]): Promise<string> {
  const rows = await Promise.all(
    configs.map((config) => describe(config, gateway.endpoints.get(config.name)!)),
  );
  if (gateway.adminUrl !== undefined) {
    rows.push({ name: "admin", what: gateway.adminUrl, next: `curl ${gateway.adminUrl}/connections` });
  }
  const [nameWidth, whatWidth] = [widest(rows.map(({ name }) => name)), widest(rows.map(({ what }) => what))];
  const lines = rows.map(({ name, what, next }) => {
    const line = `  ${name.padEnd(nameWidth)}  ${what.padEnd(whatWidth)}`;
    return (next === undefined ? line : `${line}  try: ${next}`).trimEnd();
  });
  return [`millrace: ${file} runs on ${runtimeName()}; Ctrl-C drains and stops it`, ...lines, ""].join("\n");
}

interface BannerRow {
  readonly name: string;
  readonly what: string;
  readonly next: string | undefined;
}

async function describe(config: EndpointConfig, endpoint: GatewayEndpoint): Promise<BannerRow> {
  const { name, mode, address } = endpoint;
  const { framing, echo, tls } = config;
  const does = [framing.name, ...(echo ? ["echo"] : []), ...(tls ? ["TLS"] : [])].join(", ");
  const what = `${mode === "server" ? "listens on" : "connects to"} ${formatAddress(address)} (${does})`;
  const talksText = mode === "server" && framing.name === "lines";
  const flags = tls === undefined || !("certificates" in tls)
    ? undefined
    : await tlsHint(tls, endpoint.certificates());
  const command = tls === undefined
    ? netcat(address)
    : flags && `millrace connect ${formatAddress(reachable(address))}${flags}`;
  return { name, what, next: talksText && command !== undefined ? `echo hello | ${command}` : undefined };
}

/** `-N`, or `-q`, to end at the end of input is not the same in every `nc`; to end after a second of silence is. */
function netcat(address: Address): string {
  if (address.transport === "unix") return `nc -w1 -U ${address.path}`;
  const { host, port } = reachable(address);
  return `nc -w1 ${host} ${port}`;
}

/** An address to connect to, for one that may stand for all. */
function reachable<Place extends Address>(address: Place): Place {
  const everywhere = address.transport === "tcp" && (address.host === "0.0.0.0" || address.host === "::");
  return everywhere ? { ...address, host: "127.0.0.1" } : address;
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => text.length));
}
