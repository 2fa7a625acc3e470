/**
 * Control commands of one endpoint: `{"command": "conn.close", "payload": {"conn_id": "…"}}` on its
 * control subject, an answer where the message has a reply subject, a log record for each that changed something.
 *
 * Whatever is not a command is counted, answered and otherwise ignored.
 */
import type * as Effect from "effect/Effect";
import { MillraceError } from "../core/errors.ts";
import { wanted } from "../core/text/reading.ts";
import { readDuration } from "../core/time/duration.ts";
import type { Logger } from "../core/logger.ts";
import type { Bus, BusMessage, BusSubscription } from "./buses/bus.ts";
import { connectionList } from "./endpoint_picture.ts";
import type { RunningEndpoint } from "./running_endpoint.ts";
import { Sparingly } from "./log.ts";
import { type ControlRefusal, type Known, type Payload, RefusedCommand, show } from "./control_command.ts";
import { orders } from "./control_orders.ts";
import { awaited } from "./patience.ts";

/** What has been counted. */
interface ControlStats {
  readonly commandsDone: number;
  readonly commandsRefused: number;
}

const commands: Readonly<Record<string, Known>> = {
  "conn.list": { run: (_, endpoint) => connectionList(endpoint) },
  ...orders,
  "stats": {
    run: (_, endpoint) => ({
      state: endpoint.state,
      ...endpoint.stats(),
      ...endpoint.traffic(),
      ...endpoint.identities?.stats(),
    }),
  },
  "drain": { recorded: ["deadline"], run: drain },
  "suspend": { recorded: [], run: (_, endpoint) => need(endpoint, "suspend")() },
  "resume": { recorded: [], run: (_, endpoint) => need(endpoint, "resume")() },
};

function deadlineOf(value: unknown): number {
  const plain = typeof value === "number" || typeof value === "string";
  const reading = readDuration(plain ? value : undefined, { infinite: false });
  if (reading.ok) return reading.value;
  throw new RefusedCommand("malformed", `deadline: found ${show(value)}, expected ${wanted(reading)}`);
}

/** Answers at once, with what there is to finish; `stats` tells how far it is. */
function drain(payload: Payload, endpoint: RunningEndpoint, deadlineMs: number): unknown {
  const deadline = payload["deadline"] === undefined ? deadlineMs : deadlineOf(payload["deadline"]);
  refuseStopping(endpoint, "drain");
  const open = endpoint.connections.size;
  void endpoint.drain(deadline);
  return { draining: open, deadlineMs: deadline };
}

function need(endpoint: RunningEndpoint, what: "suspend" | "resume"): () => Promise<void> {
  const act = endpoint[what];
  if (act === undefined) {
    throw new RefusedCommand(
      "unsupported",
      `${what}: endpoint ${endpoint.name} is a client and accepts no connections`,
    );
  }
  refuseStopping(endpoint, what);
  return () => act.call(endpoint);
}

/** What was begun is not done again, or undone: an answer of ok would be a promise that nobody keeps. */
function refuseStopping({ name, state }: RunningEndpoint, command: string): void {
  if (state !== "draining" && state !== "stopped") return;
  const expected = "expected one that is running or suspended; a drain cannot be undone";
  throw new RefusedCommand("stopping", `${command}: endpoint ${name} is ${state}, ${expected}`);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Listens to the control subject of one endpoint. */
export class Control {
  readonly #endpoint: RunningEndpoint;
  readonly #bus: Bus;
  readonly #log: Logger;
  readonly #sparingly: Sparingly;
  readonly #deadlineMs: () => number;
  #subscription: BusSubscription | undefined = undefined;
  #done = 0;
  #refused = 0;

  /** `deadlineMs` tells that of a drain that names none. */
  constructor(endpoint: RunningEndpoint, bus: Bus, log: Logger, deadlineMs: () => number) {
    this.#endpoint = endpoint;
    this.#bus = bus;
    this.#log = log;
    this.#sparingly = new Sparingly(log);
    this.#deadlineMs = deadlineMs;
  }

  start(): void {
    this.#subscription = this.#bus.subscribe(
      this.#endpoint.settings.subjects.control,
      (message) => this.#take(message),
    );
  }

  stop(): Effect.Effect<void> {
    return awaited(() => this.#subscription?.close() ?? Promise.resolve());
  }

  stats(): ControlStats {
    return { commandsDone: this.#done, commandsRefused: this.#refused };
  }

  async #take(message: BusMessage): Promise<void> {
    let answer: object;
    try {
      answer = { ok: true, result: await this.#run(message) };
      this.#done++;
    } catch (error) {
      this.#refused++;
      const failure = explain(error);
      this.#sparingly.warn("control command refused", { reason: failure.reason, error: failure.message });
      answer = { ok: false, error: failure };
    }
    if (message.reply === undefined) return;
    const payload = encoder.encode(JSON.stringify(answer));
    await this.#bus.publish({ subject: message.reply, payload, metadata: {}, encoding: "json" });
  }

  async #run(message: BusMessage): Promise<unknown> {
    const { command, payload } = read(message.payload);
    const known = Object.hasOwn(commands, command) ? commands[command] : undefined;
    if (known === undefined) {
      const names = Object.keys(commands).join(", ");
      throw new RefusedCommand("unknown_command", `found command ${show(command)}, expected one of ${names}`);
    }
    const result = await known.run(payload, this.#endpoint, this.#deadlineMs());
    if (known.recorded !== undefined) {
      // Only what the command knows: anything else that a sender put there is no part of what was done.
      const facts = known.recorded.filter((name) => Object.hasOwn(payload, name))
        .map((name) => [name, payload[name]]);
      this.#log({
        level: "info",
        message: "control command",
        fields: { ...Object.fromEntries(facts), command },
      });
    }
    return result ?? {};
  }
}

function read(bytes: Uint8Array): { readonly command: string; readonly payload: Payload } {
  const wanted = 'expected JSON such as {"command": "conn.list"}';
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    throw new RefusedCommand("malformed", `found ${bytes.length} bytes that are not JSON, ${wanted}`);
  }
  const { command, payload = {} } = (value ?? {}) as { command?: unknown; payload?: unknown };
  if (typeof command !== "string") {
    throw new RefusedCommand("malformed", `found command ${show(command)}, ${wanted}`);
  }
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) {
    throw new RefusedCommand("malformed", `${command}: found payload ${show(payload)}, expected an object`);
  }
  return { command, payload: payload as Payload };
}

function explain(error: unknown): { readonly reason: ControlRefusal; readonly message: string } {
  if (error instanceof RefusedCommand) return { reason: error.reason, message: error.message };
  const message = error instanceof MillraceError || error instanceof Error ? error.message : String(error);
  return { reason: "failed", message };
}
