/**
 * Messages that no socket took: counted, logged sparingly, kept at the dead-letter subject, and answered.
 *
 * Used by `egress.ts`, and by `ingress.ts` for what a connection had accepted when it ended.
 */
import type { TerminationRecord } from "../../connection/termination.ts";
import { LimitError, MillraceError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { Bus, BusMessage } from "../buses/bus.ts";
import type { EndpointSettings } from "../config/endpoint_config.ts";
import { Sparingly } from "../log.ts";
import type { Tracer } from "../telemetry/tracer.ts";

const encoder = new TextEncoder();
const nothing: Readonly<Record<string, string>> = Object.freeze({});

/** Those of one endpoint. */
export class Undelivered {
  readonly #settings: EndpointSettings;
  readonly #bus: Pick<Bus, "publish">;
  readonly #sparingly: Sparingly;
  readonly #tracer: Tracer | undefined;
  /** For each connection, frames that it had accepted and that are counted already. */
  readonly #told: Map<string, number> = new Map();
  #count = 0;

  constructor(
    settings: EndpointSettings,
    bus: Pick<Bus, "publish">,
    log: Logger,
    tracer: Tracer | undefined,
  ) {
    this.#settings = settings;
    this.#bus = bus;
    this.#sparingly = new Sparingly(log);
    this.#tracer = tracer;
  }

  get count(): number {
    return this.#count;
  }

  /** A message that cannot be delivered. */
  refuse(message: BusMessage, error: unknown): void | Promise<void> {
    this.#count++;
    const reason = reasonOf(error);
    const text = error instanceof Error ? error.message : String(error);
    this.#sparingly.warn("message not delivered", { subject: message.subject, reason, error: text });
    this.#tracer?.refused(message, reason, text);
    const { deadLetter } = this.#settings.subjects;
    if (deadLetter !== undefined) {
      const wait = this.#bury(deadLetter, message, reason, text);
      if (wait !== undefined) {
        return wait.then(() => this.answer(message, { ok: false, error: { reason, message: text } }));
      }
    }
    return this.answer(message, { ok: false, error: { reason, message: text } });
  }

  /** Tells the sender what became of its message, if it asked. */
  answer(message: BusMessage, value: object): void | Promise<void> {
    if (message.reply === undefined) return;
    const payload = encoder.encode(JSON.stringify(value));
    return this.#bus.publish({ subject: message.reply, payload, metadata: nothing, encoding: "json" });
  }

  /** A frame that this connection had accepted was refused; one above the limit was never the connection's. */
  tell(id: string, error: unknown): void {
    if (!(error instanceof LimitError)) this.#told.set(id, (this.#told.get(id) ?? 0) + 1);
  }

  /** A connection has ended: what it had accepted and never handed to the kernel is undelivered, and said once. */
  ended({ connectionId, reason, framesUnsent, framesDropped }: TerminationRecord): void {
    const lost = framesUnsent + framesDropped - (this.#told.get(connectionId) ?? 0);
    this.#told.delete(connectionId);
    if (lost <= 0) return;
    this.#count += lost;
    const error = `${lost} messages were queued on connection ${connectionId} and not sent before it ended`;
    this.#sparingly.warn("message not delivered", { connectionId, reason, error });
  }

  /** Keeps a message where somebody may look for it. */
  #bury(subject: string, { payload, metadata, subject: from }: BusMessage, reason: string, error: string) {
    const why = { ...metadata, subject: from, reason, error, endpoint: this.#settings.name };
    return this.#bus.publish({ subject, payload, metadata: why, encoding: this.#settings.encoding });
  }
}

/** The word for a program: the error's own reason, or its class. */
function reasonOf(error: unknown): string {
  if (!(error instanceof MillraceError)) return "failed";
  const { reason } = error as { reason?: unknown };
  return typeof reason === "string" ? reason : error._tag;
}
