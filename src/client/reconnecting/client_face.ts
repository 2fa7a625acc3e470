/** What is behind a `ReconnectingClient`: its members over `reconnecting.ts`, and nothing besides. */
import type { Connection } from "../../connection/connection.ts";
import { oneFrame, waitingFrames } from "../../core/flow/inbox.ts";
import type { SendOutcome } from "../../core/flow/outcome.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";
import type { Reconnecting } from "./reconnecting.ts";
import type { ReconnectingClient, ReconnectReport, ReconnectStats } from "./reconnecting_client.ts";

/** A client as users have it. What its members mean is said at `ReconnectingClient`. */
export class ClientFace<Received, Sent, Context> implements ReconnectingClient<Received, Sent, Context> {
  readonly #client: Reconnecting<Received, Sent, Context>;

  constructor(client: Reconnecting<Received, Sent, Context>) {
    this.#client = client;
  }

  get state(): ReconnectingClient<Received>["state"] {
    return this.#client.state;
  }

  get connection(): Connection<Received, Sent, Context> | undefined {
    return this.#client.connection;
  }

  get connected(): Promise<Connection<Received, Sent, Context>> {
    return this.#client.connected;
  }

  get finished(): Promise<ReconnectReport> {
    return this.#client.finished;
  }

  send(frame: Sent): void | Promise<void> {
    return this.#client.sending.send(frame);
  }

  deliver(frame: Sent): Promise<SendOutcome> {
    return this.#client.sending.deliver(frame);
  }

  flush(): Promise<void> {
    return this.#client.sending.flush();
  }

  [Symbol.asyncIterator](): AsyncIterator<Received, undefined> {
    return this.#client.frames.iterate(oneFrame);
  }

  batches(): AsyncIterable<Received[]> {
    return { [Symbol.asyncIterator]: () => this.#client.frames.iterate(waitingFrames) };
  }

  stats(): ReconnectStats {
    return this.#client.stats();
  }

  close(options?: Parameters<ReconnectingClient<Received>["close"]>[0]): Promise<ReconnectReport> {
    return this.#client.close(options);
  }

  destroy(): void {
    this.#client.destroy();
  }

  /** The wheel of such a client, for parts of ours; undefined for anything else. */
  static wheelOf(client: unknown): TimerWheel | undefined {
    const ours = typeof client === "object" && client !== null && #client in client;
    return ours ? client.#client.registry.wheel : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
