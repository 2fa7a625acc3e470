/** `millrace serve`: a server that prints frames as lines of JSON, and may echo them. */
import type { Connection } from "../../connection/connection.ts";
import { Acknowledger } from "../acknowledge/acknowledger.ts";
import type { LinkProtocol } from "../acknowledge/link_protocol.ts";
import { passUnframed } from "../acknowledge/unframed.ts";
import { systemClock } from "../../core/time/clock.ts";
import { ShutdownTimeoutError, SocketError } from "../../core/errors.ts";
import type { Address } from "../../core/transport.ts";
import { LossyLines } from "../../host/lossy_lines.ts";
import { membership } from "../../host/member.ts";
import type { Server } from "../../server/server.ts";
import type { AdmissionOptions } from "../../server/admission_options.ts";
import { serve } from "../../server/serve.ts";
import type { LogRecord } from "../../core/logger.ts";
import type { TlsServerConfig } from "../config/server_tls.ts";
import type { FramingSpec } from "./framing_spec.ts";
import type { LimitOptions } from "./limit_flags.ts";
import type { PrefaceOptions } from "./preface_flags.ts";
import { LineWriter } from "../line_writer.ts";
import { frameLine } from "../message_line.ts";
import { peerMetadata } from "../traffic/peer_metadata.ts";
import { OtherProtocols } from "../other_protocols.ts";
import { serverTlsOptions } from "../tls_options.ts";
import { formatAddress } from "../../core/text/address.ts";
import { CommandFailure, exitCodes } from "./failure.ts";
import type { ServePlace } from "./serve_place.ts";
import { aborted, lastWords, say, type Shell } from "./shell.ts";
import { handed, socketName } from "../processes/held_sockets.ts";
import type { ProcessesConfig } from "../config/processes.ts";
import { runGroup } from "../processes/group.ts";
import { planOf } from "../processes/plan.ts";
import { alone, type LastReport, type Served, started } from "../processes/role.ts";
import { holdSockets } from "./takeover.ts";
import { tlsHint } from "./tls_hint.ts";

/** What the command line asked for. */
interface ServeOrder {
  readonly place: ServePlace;
  readonly framing: FramingSpec;
  readonly tls: TlsServerConfig | undefined;
  readonly limits: LimitOptions;
  readonly echo: boolean;
  /** What each frame is answered with. */
  readonly acknowledge: LinkProtocol | undefined;
  readonly quiet: boolean;
  readonly idleTimeoutMs: number;
  /** Who may connect. */
  readonly admission: AdmissionOptions;
  /** What stands in front of connections. */
  readonly preface: PrefaceOptions;
  readonly deadlineMs: number;
  /** A new process may take over. */
  readonly takeover: boolean;
  /** Several processes serve. */
  readonly processes: ProcessesConfig | undefined;
}

type FrameConnection = Connection<Uint8Array>;

/** Serves until told to stop, or has a child do it; gives the exit code. */
export async function runServe(order: ServeOrder, shell: Shell): Promise<number> {
  const { place, takeover, processes, deadlineMs } = order;
  if (!("address" in place) || (!takeover && processes === undefined)) {
    return await serveUntilStopped(order, shell, alone(shell));
  }
  const { address, mode, owner } = place;
  const name = socketName("serve", address);
  const member = membership();
  if (member !== undefined) {
    const fd = handed(member.sockets, name, address);
    return await serveUntilStopped({ ...order, place: { fd } }, shell, started(shell));
  }
  const places = new Map([[name, { address, rights: { mode, ...owner } }]]);
  return processes === undefined
    ? await holdSockets(() => Promise.resolve(places), shell)
    : await runGroup(() => planOf({ places, processes, deadlineMs }), shell);
}

/** `served` is called when it listens, and what that returns at the end. */
async function serveUntilStopped(
  order: ServeOrder,
  shell: Shell,
  served: Served,
): Promise<number> {
  const { place, framing, tls, echo } = order;
  let unread: (error: Error) => void = () => {};
  const nobodyReads = new Promise<Error>((resolve) => unread = resolve);
  const printer = order.quiet ? undefined : new LineWriter(shell.output, systemClock, unread);
  const words = new LossyLines(shell.errors, (count) => `millrace: warn: ${count} lines were dropped\n`);
  const secured = tls && serverTlsOptions(tls);
  const logger = (record: LogRecord) => log(record, words);
  const others = new OtherProtocols(logger, framing.text);
  const acknowledger = order.acknowledge &&
    new Acknowledger(
      { protocol: order.acknowledge, when: "received", onFailure: "close", maxNaks: 3, egress: undefined },
      (id, why, last) => void starting.then((it) => it.kill(id, { ...why, lastWords: last, reset: false })),
    );
  const take = (frame: Uint8Array, connection: FrameConnection): void | Promise<void> => {
    const printed = printer?.write(describe(frame, connection));
    const sent = echo ? connection.send(frame) : undefined;
    return printed === undefined || sent === undefined ? printed ?? sent : both(printed, sent);
  };
  const starting: Promise<Server<Uint8Array>> = serve({
    ...place,
    ...order.limits,
    framing: acknowledger === undefined ? framing.framing : passUnframed(framing.framing),
    tls: secured,
    idleTimeout: order.idleTimeoutMs,
    ...order.admission,
    ...order.preface,
    signal: shell.stop.soft,
    logger,
    onOtherProtocol: (found, connection) => others.warn(found, connection),
    onFrameError: acknowledger && ((_, connection) => acknowledger.refused(connection)),
    onFrame: acknowledger === undefined ? take : (frame: Uint8Array, connection: FrameConnection) => {
      const answers = acknowledger.for(connection);
      const taken = answers.take(frame, undefined) ? undefined : take(frame, connection);
      const { slow } = answers;
      return slow === undefined || taken === undefined ? slow ?? taken : both(slow, taken);
    },
  });
  const server = await starting.catch((error) => {
    if (error instanceof SocketError && error.reason === "aborted") return undefined;
    throw error;
  });
  if (server === undefined) {
    say(shell, "millrace: stopped before it listened\n");
    return exitCodes.ok;
  }
  const hint = tls === undefined ? "" : await tlsHint(tls, secured!.certificates.inspect());
  const leave = served(banner(order, server.address, hint));
  const broken = await Promise.race([aborted(shell.stop.soft).then(() => undefined), nobodyReads]);
  const { code, ...report } = await stop(server, order, shell);
  leave(report);
  const printed = printer === undefined || await lastWords(printer.flush(), shell.stop);
  if (!printed) {
    throw new CommandFailure(
      exitCodes.unfinished,
      "stopped: the output is not read, and frames were not printed",
    );
  }
  if (broken === undefined) return code;
  throw new CommandFailure(exitCodes.failed, `${broken.message}; with --quiet no frames are printed`, {
    cause: broken,
  });
}

/** Drains; a second signal destroys what is left. */
async function stop(
  server: Server<Uint8Array>,
  order: ServeOrder,
  shell: Shell,
): Promise<LastReport & { readonly code: number }> {
  void aborted(shell.stop.hard).then(() => server.destroy());
  try {
    const report = await server.close({ deadline: order.deadlineMs });
    say(
      shell,
      `millrace: stopped; ${report.drained} of ${report.open} open connections drained\n`,
    );
    return { code: exitCodes.ok, drained: report.drained, destroyed: 0 };
  } catch (error) {
    if (!(error instanceof ShutdownTimeoutError)) throw error;
    const cut = error.connectionIds.length;
    say(shell, `millrace: stopped; ${cut} open connections were destroyed\n`);
    return { code: exitCodes.unfinished, drained: 0, destroyed: cut };
  }
}

/** One frame as a line of JSON, in the words of the gateway's messages. */
function describe(frame: Uint8Array, connection: FrameConnection): string {
  return frameLine({ subject: "", payload: frame, metadata: peerMetadata(connection) });
}

async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  await Promise.all([one, other]);
}

function banner(
  { framing, tls, echo, quiet }: ServeOrder,
  address: Address,
  hint: string | undefined,
): string {
  const does = [echo ? "echoing frames" : "", quiet ? "" : "printing frames"].filter((text) => text !== "");
  const what = does.length === 0 ? "discarding frames" : does.join(" and ");
  const place = formatAddress(address);
  const first = `millrace: listening on ${place}${
    tls ? " with TLS" : ""
  }, framing ${framing.text}, ${what}\n`;
  const flags = hint ?? " --tls --cert FILE --key FILE";
  return `${first}millrace: try  millrace connect ${place} --framing '${framing.text}'${flags}  ` +
    `(Ctrl-C stops this server)\n`;
}

/** Warnings and errors for a person. */
function log({ level, message, fields }: LogRecord, words: LossyLines): void {
  if (level !== "warn" && level !== "error") return;
  const facts = Object.entries(fields).filter(([, value]) => value !== undefined);
  const text = facts.map(([key, value]) =>
    `${key}=${typeof value === "string" ? JSON.stringify(value) : String(value)}`
  );
  words.write(`millrace: ${level}: ${message}: ${text.join(" ")}\n`);
}
