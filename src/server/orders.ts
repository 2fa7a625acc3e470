/**
 * Orders to a running server about its peers: a frame for one, ending it, banning an address, lifting a ban, other limits.
 *
 * Behind the methods of `socket_server.ts`. Each order that did something is told to the audit.
 */
import { expel } from "../connection/expel.ts";
import type { Registry } from "../connection/registry.ts";
import { SocketError } from "../core/errors.ts";
import { encodeWhole } from "../core/flow/congestion.ts";
import type { SendOutcome } from "../core/flow/outcome.ts";
import type { Logger } from "../core/logger.ts";
import { OptionsCheck } from "../core/options.ts";
import { checkDuration, type DurationInput } from "../core/time/duration.ts";
import type { Admission } from "./admission.ts";
import { type AuditEvent, logAudit } from "./audit.ts";
import type { KillOptions, OrderReason } from "./kill_options.ts";
import type { Live } from "./live.ts";
import type { LiveOptions } from "./live_options.ts";

interface OrderParts<Received, Sent, Context> {
  readonly registry: Registry<Received, Sent, Context>;
  readonly admission: Admission;
  readonly live: Live<Received, Sent, Context>;
  readonly log: Logger;
  /** Tells the user; what that throws is logged. */
  audited(event: AuditEvent): void;
}

type Unstamped<Event> = Event extends AuditEvent ? Omit<Event, "at"> : never;

const texts = ["reason", "code", "by"] as const;

/** Carries out orders. */
export class Orders<Received, Sent, Context> {
  readonly #parts: OrderParts<Received, Sent, Context>;

  constructor(parts: OrderParts<Received, Sent, Context>) {
    this.#parts = parts;
  }

  deliver(id: string, frame: Sent): Promise<SendOutcome> {
    const connection = this.#parts.registry.connections.get(id);
    if (connection !== undefined) return connection.deliver(frame);
    const error = new SocketError(
      "unknown_connection",
      `send to connection ${id}: no such connection is open`,
    );
    return Promise.resolve({ status: "failed", kernel: "none", error });
  }

  kill(id: string, options: KillOptions<Sent>): boolean {
    const check = new OptionsCheck();
    check.keys(options, [...texts, "lastWords", "reset", "ban"]);
    const { reason, code, by, lastWords, ban } = options;
    checkReason(check, options);
    if (options.reset !== undefined && typeof options.reset !== "boolean") {
      check.refuse("reset", options.reset, "true or false");
    }
    const ms = checkDuration(check, "ban", ban, 0);
    const { registry, admission } = this.#parts;
    const session = [...registry.connections.has(id) ? registry.sessions : []].find((one) => one.id === id);
    const ip = session?.transport.peer.ip ?? "";
    const address = admission.keys.of(ip);
    if (session !== undefined && ms > 0 && address === undefined) {
      check.refuse("ban", ban, "to be left out: the address of this peer is not known, or it has none");
    }
    check.done();
    if (session === undefined) return false;
    const words = lastWords === undefined ? undefined : encodeWhole(session.outbox.framing, lastWords);
    const reset = options.reset ?? words === undefined;
    if (ms > 0) this.#ban(address!, ms, { reason, code, by });
    const { port } = session.transport.peer;
    const lastly = { lastWords: words !== undefined, reset };
    this.#audit({ action: "kill", connectionId: id, ip, port, ...lastly, reason, code, by });
    expel(session, { message: reason, code, words, reset });
    return true;
  }

  ban(ip: string, duration: DurationInput, why: OrderReason): void {
    const check = new OptionsCheck();
    check.keys(why, texts);
    checkReason(check, why);
    const address = this.#address(check, ip);
    const ms = checkDuration(check, "duration", duration, 0);
    if (duration === undefined) check.refuse("duration", duration, "how long, or Infinity");
    check.done();
    const { reason, code, by } = why;
    this.#ban(address!, ms, { reason, code, by });
  }

  unban(ip: string, why: OrderReason): boolean {
    const check = new OptionsCheck();
    check.keys(why, texts);
    checkReason(check, why);
    const address = this.#address(check, ip);
    check.done();
    const { reason, code, by } = why;
    const lifted = this.#parts.admission.bans.lift(address!);
    if (lifted) this.#audit({ action: "unban", address: address!, reason, code, by });
    return lifted;
  }

  update(changes: LiveOptions, why: OrderReason, unset?: boolean): void {
    const check = new OptionsCheck();
    check.keys(why, texts);
    checkReason(check, why);
    check.done();
    const { reason, code, by } = why;
    this.#parts.live.update(changes, unset);
    this.#audit({ action: "update", changes: { ...changes }, reason, code, by });
  }

  #ban(address: string, ms: number, why: OrderReason): void {
    const { admission: { bans }, registry: { clock } } = this.#parts;
    const evicted = bans.add(address, ms, why);
    this.#audit({ action: "ban", address, until: clock.wallTime() + ms, evicted, ...why });
  }

  /** As bans are shown, or any address of one. */
  #address(check: OptionsCheck, ip: string): string | undefined {
    const address = typeof ip === "string"
      ? this.#parts.admission.keys.of(ip.replace(/\/.*$/, ""))
      : undefined;
    // Bans are of one size, so that looking one up is a look at one entry.
    if (address === undefined || (ip.includes("/") && ip !== address)) {
      const expected =
        "an IP address, or the network of one as inspect() shows it; other ranges belong in deny";
      check.refuse("address", ip, expected);
    }
    return address;
  }

  #audit(event: Unstamped<AuditEvent>): void {
    const { registry: { clock }, log } = this.#parts;
    const complete: AuditEvent = { at: clock.wallTime(), ...event };
    logAudit(log, complete);
    this.#parts.audited(complete);
  }
}

function checkReason(check: OptionsCheck, why: OrderReason): void {
  for (const name of texts) {
    if (why[name] !== undefined && typeof why[name] !== "string") check.refuse(name, why[name], "text");
  }
}
