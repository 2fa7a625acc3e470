/** `millrace gateway`: runs what a config file describes, until a signal drains it. */
import { SocketError } from "../../core/errors.ts";
import { counted } from "../../core/text/counted.ts";
import type { Address } from "../../core/transport.ts";
import { askHolder, membership } from "../../host/member.ts";
import { folderOfFile, runtimeName } from "../../host/process.ts";
import { type ConfigResult, type GatewayConfig, loadSource, parseConfig } from "../config/config.ts";
import { formatOfFile } from "../config/source.ts";
import { countFaults, formatFaults } from "../config/fault.ts";
import type { EndpointConfig } from "../config/endpoint_config.ts";
import type { GatewayEndpoint } from "../endpoint.ts";
import type { Gateway, GatewayReport } from "../gateway.ts";
import { type RunningGateway, startGateway } from "../running_gateway.ts";
import { formatMs } from "./format_ms.ts";
import { formatAddress } from "../../core/text/address.ts";
import { CommandFailure, exitCodes, oneLine } from "./failure.ts";
import { reloadOnHangup } from "./reload_on_hangup.ts";
import { aborted, say, type Shell } from "./shell.ts";
import { holdSockets } from "./takeover.ts";
import { checkTakeover, placesOf, withSockets } from "./takeover_config.ts";
import { processesFault, standardProcesses } from "../config/processes.ts";
import { picture } from "../endpoint_picture.ts";
import { runGroup } from "../processes/group.ts";
import { portable } from "../processes/merged_metrics.ts";
import { type Plan, planOf } from "../processes/plan.ts";
import { alone, type Served, started } from "../processes/role.ts";
import { type ProcessesFlags, processesOf } from "./processes_flags.ts";
import { tlsHint } from "./tls_hint.ts";

/** What the command line asked for. */
interface GatewayOrder {
  readonly config: string;
  /** In the place of the config's own. */
  readonly deadlineMs: number | undefined;
  readonly spreadMs: number | undefined;
  /** A new process may take over. */
  readonly takeover: boolean;
  /** In the place of the config's own. */
  readonly processes: ProcessesFlags;
}

/** Runs until told to stop, or until it cannot go on, or has children do it; gives the exit code. */
export async function runGateway(order: GatewayOrder, shell: Shell): Promise<number> {
  const { config: file, takeover } = order;
  const member = await memberOf();
  if (member !== undefined) {
    const { processes: _processes, admin, ...config } = accepted(
      await parsed(file, member.text),
      file,
      shell,
    );
    const own = { ...config, processes: undefined, admin: member.text === undefined ? admin : undefined };
    return await runConfig(withSockets(own, member.sockets), order, shell, started(shell));
  }
  const read = async (): Promise<readonly [GatewayConfig, string]> => {
    const source = await loadSource(file);
    const result = source.ok ? parseConfig(source.text, source) : source;
    return [accepted(result, file, shell), source.ok ? source.text : ""];
  };
  const [first] = await read();
  const processes = processesOf(order.processes, takeover, first.processes);
  if (processes !== undefined) {
    return await runGroup(async () => await planFor(order, ...await read()), shell);
  }
  if (!takeover) {
    const reload = reloadOnHangup(file, () => reread(order), shell);
    return await runConfig(first, order, shell, alone(shell), reload);
  }
  return await holdSockets(async () => {
    const [config] = await read();
    checkTakeover(config);
    return placesOf(config);
  }, shell);
}

/** The file for a reload. */
async function reread(order: GatewayOrder): Promise<ConfigResult> {
  const result = await parsed(order.config, undefined);
  return result.ok ? { ...result, config: withFlags(result.config, order) } : result;
}

function withFlags(config: GatewayConfig, { spreadMs, deadlineMs }: GatewayOrder): GatewayConfig {
  const { drainSpread, shutdownDeadline } = config;
  return {
    ...config,
    drainSpread: spreadMs ?? drainSpread,
    shutdownDeadline: deadlineMs ?? shutdownDeadline,
  };
}

/** What this process was started with by another one; one of several is told the text of the configuration. */
async function memberOf() {
  const member = membership();
  if (member === undefined) return undefined;
  const text = member.number === undefined ? undefined : String(await askHolder("text"));
  return { sockets: member.sockets, text };
}

async function parsed(file: string, text: string | undefined): Promise<ConfigResult> {
  const format = formatOfFile(file);
  if (text === undefined || format === undefined) {
    const source = await loadSource(file);
    return source.ok ? parseConfig(source.text, source) : source;
  }
  return parseConfig(text, { format, source: file, folder: folderOfFile(file) });
}

async function planFor(order: GatewayOrder, config: GatewayConfig, text: string): Promise<Plan> {
  const fault = processesFault(config);
  if (fault !== undefined) throw new CommandFailure(exitCodes.usage, fault);
  return await planOf({
    places: placesOf(config),
    processes: processesOf(order.processes, false, config.processes ?? standardProcesses)!,
    deadlineMs: order.deadlineMs ?? config.shutdownDeadline,
    admin: config.admin,
    text,
  });
}

/** Throws, with every fault told, where it has one. */
function accepted(result: ConfigResult, file: string, shell: Shell): GatewayConfig {
  if (result.ok) return result.config;
  say(shell, `${formatFaults(result.faults, file)}\n`);
  throw new CommandFailure(
    exitCodes.failed,
    `${file} has ${countFaults(result.faults)}: nothing was started`,
  );
}

/** `served` is called when everything listens, and what that returns at the end; `started` as well. */
async function runConfig(
  given: GatewayConfig,
  order: GatewayOrder,
  shell: Shell,
  served: Served,
  started: (gateway: RunningGateway) => void = () => {},
): Promise<number> {
  const { soft: signal } = shell.stop;
  let gateway: RunningGateway;
  try {
    gateway = await startGateway(withFlags(given, order), { output: shell.output, signal });
  } catch (error) {
    if (!(signal.aborted && error instanceof SocketError && error.reason === "aborted")) throw error;
    say(shell, "millrace: stopped before every endpoint listened\n");
    return exitCodes.ok;
  }
  const running = gateway;
  const leave = served(
    await banner(order.config, gateway, given.endpoints),
    (what) => answers[what as keyof typeof answers]?.(running),
  );
  started(gateway);
  void aborted(shell.stop.hard).then(() => gateway.destroy());
  const asked = aborted(shell.stop.soft).then(() => gateway.close({ deadline: order.deadlineMs }));
  const report = await Promise.race([asked, gateway.finished]);
  const drained = Object.values(report.endpoints).reduce((sum, each) => sum + each.drained, 0);
  const { destroyed } = report;
  leave({ drained, destroyed, samples: portable(gateway.samples()) });
  return conclude(report, drained, shell);
}

/** What a gateway that is one of several says of itself. */
const answers = {
  samples: (gateway: Gateway) => portable(gateway.samples()),
  notReady: (gateway: Gateway) => gateway.notReady(),
  pictures: (gateway: Gateway) => [...gateway.endpoints.values()].map(picture),
} as const;

function conclude(report: GatewayReport, drained: number, shell: Shell): number {
  const { failure, destroyed, linesUnwritten, framesSpooled, durationMs } = report;
  if (failure !== undefined) {
    throw new CommandFailure(exitCodes.failed, `stopped: ${oneLine(failure)}`, { cause: failure });
  }
  const unread = linesUnwritten === 0 ? "" : `; unread output was lost: ${counted(linesUnwritten, "line")}`;
  const kept = framesSpooled === 0 ? "" : `; ${counted(framesSpooled, "frame")} wait in the spool`;
  const cut = destroyed === 0 ? "" : `, ${destroyed} destroyed`;
  say(
    shell,
    `millrace: stopped in ${formatMs(durationMs)}; ${
      counted(drained, "connection")
    } drained${cut}${kept}${unread}\n`,
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
