/** Streams and peers for tests of the gateway: outputs that get stuck when told, input by hand, clients. */
import assert from "node:assert/strict";
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { systemClock } from "../../src/core/time/clock.ts";
import { lines } from "../../src/core/framing/lines.ts";
import type { Adapter } from "../../src/core/transport.ts";
import { checkConfig, type GatewayConfig } from "../../src/gateway/config/config.ts";
import { formatFaults } from "../../src/gateway/config/fault.ts";
import type { Gateway, GatewayOptions } from "../../src/gateway/gateway.ts";
import { startGateway } from "../../src/gateway/running_gateway.ts";
import type { TextOutput } from "../../src/host/standard_output.ts";
import type { ByteInput } from "../../src/host/standard_input.ts";
import type { LogRecord } from "../../src/core/logger.ts";

/** Fails after ten seconds instead of hanging. */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within 10 s`)), 10_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An output that keeps what was written, and can be stuck or broken. */
export class FakeOutput implements TextOutput {
  readonly isTerminal = false;
  readonly columns = undefined;
  /** Everything that was written. */
  get text(): string {
    return this.#pieces.join("");
  }
  readonly #pieces: string[] = [];
  #lineCount = 0;
  #stuck: { readonly promise: Promise<void>; resolve(): void } | undefined = undefined;
  #broken = false;
  #waiting: { readonly done: () => boolean; resolve(): void }[] = [];

  write(text: string): void | Promise<void> {
    if (this.#broken) {
      const broken = Promise.reject(Object.assign(new Error("no reader"), { code: "EPIPE" }));
      broken.catch(() => {});
      return broken;
    }
    this.#pieces.push(text);
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#lineCount++;
    this.#waiting = this.#waiting.filter((wait) => !(wait.done() && (wait.resolve(), true)));
    return this.#stuck?.promise;
  }

  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }

  /** From now on every write has to wait. */
  stick(): void {
    let resolve!: () => void;
    const promise = new Promise<void>((settle) => resolve = settle);
    this.#stuck = { promise, resolve };
  }

  unstick(): void {
    this.#stuck?.resolve();
    this.#stuck = undefined;
  }

  break(): void {
    this.#broken = true;
  }

  /** Resolves when so many lines are there. */
  until(count: number): Promise<string[]> {
    return soon(
      new Promise<void>((resolve) => {
        const done = (): boolean => this.#lineCount >= count;
        if (done()) resolve();
        else this.#waiting.push({ done, resolve });
      }).then(() => this.lines),
      `${count} lines of output`,
    );
  }
}

/** Input that a test types. */
export class FakeInput implements ByteInput {
  readonly #chunks: Uint8Array[] = [];
  #wake: (() => void) | undefined = undefined;
  #over = false;
  /** How many chunks were taken. */
  taken = 0;

  type(text: string): void {
    this.#chunks.push(new TextEncoder().encode(text));
    this.#wake?.();
  }

  end(): void {
    this.#over = true;
    this.#wake?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        while (this.#chunks.length === 0 && !this.#over) {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
        const value = this.#chunks.shift();
        if (value === undefined) return { value: undefined, done: true };
        this.taken++;
        return { value, done: false };
      },
      return: () => {
        this.end();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }
}

/** A checked configuration out of a value that has no faults. */
export function configOf(value: object): GatewayConfig {
  const result = checkConfig(value);
  assert.ok(result.ok, result.ok ? "" : formatFaults(result.faults));
  return result.config;
}

/** A gateway with one endpoint `echo` on a free port, and its log. */
export async function startEcho(
  endpoint: object = {},
  rest: object = {},
  options: GatewayOptions = {},
): Promise<{ readonly gateway: Gateway; readonly port: number; readonly log: LogRecord[] }> {
  const log: LogRecord[] = [];
  const config = configOf({ endpoints: [{ name: "echo", listen: "127.0.0.1:0", ...endpoint }], ...rest });
  const gateway = await startGateway(config, { logger: (record) => log.push(record), ...options });
  return { gateway, port: portOf(gateway), log };
}

export function portOf(gateway: Gateway, name = "echo"): number {
  const address = gateway.endpoints.get(name)?.address;
  assert.ok(address?.transport === "tcp");
  return address.port;
}

/** A client of lines. */
export function lineClient(port: number, adapter?: Adapter): Promise<Connection<string, string>> {
  return connect({ port, adapter, framing: lines({ encoding: "utf-8" }) });
}

/** Resolves with a value that so many turns of the event loop have not changed; for sockets in memory. */
export async function still(value: () => number): Promise<number> {
  for (let last = value(), turns = 0;; turns++) {
    if (last !== value()) {
      last = value();
      turns = 0;
    }
    if (turns === 100) return last;
    await new Promise<void>((resolve) => systemClock.endOfTurn(resolve));
  }
}

/** Reads so many frames. */
export async function read(connection: Connection<string, string>, count: number): Promise<string[]> {
  const frames: string[] = [];
  const all = async (): Promise<void> => {
    if (count === 0) return;
    for await (const frame of connection) if (frames.push(frame) === count) return;
  };
  await soon(all(), `${count} frames`);
  return frames;
}
